"""Rewriting: the same value in a shorter, or in a safer, form.

What a derivative looks like is decided here; what it is, never. ``simplify`` first: the public functions.
``engine`` goes bottom-up over a graph and applies the rules of the tables ``exact``, ``real``,
``trigonometry``, ``logistic``, ``pieces``, ``matrix`` and ``stability``; ``forms`` is the n-ary view of
sums and products on which they work, ``factor`` has the moves that are made only if the text gets
shorter, ``build`` and ``layout`` write the result down as a person would, ``cost`` counts the tokens of
that text, ``conditions`` says what has to hold.
"""
