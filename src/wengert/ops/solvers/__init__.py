"""Ops whose value another algorithm finds, and whose derivative a theorem gives.

``argmin`` what solves an equation, by the implicit function theorem · ``root`` SciPy's root finders ·
``quadrature`` integrals · ``ode`` initial value problems · ``splines`` interpolation.
"""
