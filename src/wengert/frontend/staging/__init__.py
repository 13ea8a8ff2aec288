"""Staging: an ordinary Python function, run once on handles, becomes a graph.

``exits`` and ``rewriting`` turn the source into code whose branches, loops, calls and stores go through
``stage``; ``handles`` stand for numbers and arrays; ``context`` keeps what regions may change.
"""
