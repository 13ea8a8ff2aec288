"""Evaluating graphs. ``reference`` is the NumPy evaluator, the judge of every other engine."""
