"""What users start: the command line (``cli``), the four ways side by side (``compare``), the derivation
step by step (``explain``), and the demonstration (``demo``).
"""
