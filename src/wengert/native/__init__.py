"""Machine code in this process: LLVM IR as text, compiled by llvmlite, called from Python.

``text`` builds the IR, ``vecmath`` writes the mathematics, ``engine`` makes addresses of text, ``cache``
keeps the objects on disk, ``signature`` says what a compiled program takes and gives, ``calling`` makes
functions for Python of it. Only this room imports llvmlite, and only when something is compiled.
"""
