"""Loop nests as machine code in this process; only this room sees llvmlite."""
