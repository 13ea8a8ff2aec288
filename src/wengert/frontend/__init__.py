"""Text and Python in, graphs out.

``parse`` reads formulas: ``tokens`` tells what each sign means, a grammar (``python.lark``, ``matlab.lark``)
finds the structure, and its actions (``actions``, ``matlab``) call the operators that Python would call.
``declare`` gives names their shapes and assumptions, ``names`` knows the functions. Nothing here evaluates
or differentiates.
"""
