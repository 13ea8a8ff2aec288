"""Rewriting: the same value in a shorter, or in a safer, form.

``simplify`` first: the public functions. ``engine`` goes bottom-up over a graph; ``session`` holds what
one run remembers and the constructors of normal forms (``views``, ``collect``, ``openers``, ``signs``,
``keys``, ``numbers``). The rules stand in tables, one record each: ``real``, ``trigonometry``,
``logistic``, ``choices``, ``matrix``, ``stability``. ``improve`` makes the moves that shorten the text
(``factor``, ``combine``, ``polynomials``); ``build``, ``layout``, ``pieces`` and ``writing`` write the
result down as a person would, ``cost`` counts its tokens, ``conditions`` says what has to hold. Nothing
here differentiates, prints or runs.
"""
