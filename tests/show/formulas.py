"""Formulas of all kinds, as users type them, with the shapes of their symbols."""

from __future__ import annotations

from typing import Any

SHAPES: dict[str, Any] = {
    "A": ("m", "n"), "B": ("n", "k"), "S": ("n", "n"), "C": ("n", "n"), "X": ("m", "n"),
    "u": "m", "b": "m", "v": "n", "w": "n", "r": "m",
}  # fmt: skip

SCALARS = """
x + y
y + x
1 - x
-x + y
-x - y
x - (y - z)
x - (y + z)
x + (y + z)
(x + y) + (z + 1)
3*x*y
3*(x*y)
y*x*3
x*(y*z)
x*y*(y*z)
-x*y
-(x*y)/3
x/3
2*x/3
5*x/3
0.1*x
x/4 + 3*y/4
x/y/z
x/(y*z)
x*(y/z)
x/y*z
1/x
-1/x
-(1/x)
y - 1/x
(x + y)/(x - y)
x**2 + x + 1
x**3 - 2*x**2 + x/2
x**-1
x**(1/2)
x**y**z
(x**y)**z
-x**2
(-x)**2
2**x
(-2)**x
(1/3)**x
-(-x)
-(-(-x))
x - x
3*x - 5*x
3*(5*x)
(2/3)*(3*x)
x/(2*y)
x/(y/2)
x**2*sin(y)
exp(-x**2/2)/sqrt(2*pi)
sin(x)**2 + cos(x)**2
log(1 + exp(-x))
x*log(x) + (1 - x)*log(1 - x)
abs(x - y)
maximum(x, 0) + minimum(y, 1)
where(x > 0, x, -x)
where((x > 0) & (y <= 1) | ~(x != y), 1, 0)
x // y + x % y
-(x // y)
atan2(y, x)
alpha_1*sigma + x2
1e-300*x + 1e22
inf*x
x - inf
-inf*x
sin(-2.0) + (-0.0)
nan*x
2j*x
e**x
""".strip().splitlines()

MATRICES = """
A @ v
A.T @ u
v @ S
S @ C @ v
S @ (C @ v)
S @ (C @ S)
(S @ C).T
(A @ B).T
2*A.T @ (A @ v - b)
2*(A.T @ (A @ v - b))
v @ w
v @ v
v @ S @ v
v @ (S @ w)
outer(u, v)
outer(v, v)
trace(S)
trace(S @ C)
sum(A*X)
sum(v)
sum(A, axis=0)
sum(A, axis=1)
sum(A*X, axis=0)
diag(v)
diag(S)
diag(v) @ S
v[:, None]*S
A*v
S*v
A.T*v[:, None]
(X.T*u) @ X
x*A
x*A.T
A/x
A*X
A*X*x
S*C @ v
(S*C) @ v
S @ (C*v)
v + 1
v - 2
2 - v
v + 0
v + x
v - 2*x
A + v
A + x
A + u[:, None]
x*ones(n)
x*eye(n)
S + x*eye(n)
ones((m, n))
zeros(n)
2*ones(3)
where(v > 0, v, 0)
where(v > 0, v, zeros(n))
v**2
v**x
x**v
S**2
v/w
x/v
exp(v) @ w
sum(exp(S @ v))
kron(S, A)
kron(S, A.T) @ kron(C, X)
kron(v, w)
kron(S, eye(m)) + eye(m*n)
trace(kron(S, S))*ones(m*n)
norm(A @ v - b)**2
1/(1 + exp(-A @ v))
logsumexp(A @ v)
einsum('ij,jk,kl->il', S, C, S)
einsum('ij,k->ijk', S, v)
einsum('ij,kl->ikjl', S, C)
einsum('ij,ij->i', S, C)
einsum('ij,ji->i', S, C)
einsum('ii->i', S)
einsum('ii,i->', S, v)
einsum('i,j,k->ijk', v, v, w)
v[0] + v[-1]*v[1]
S[0]
[1.0, -2.0, 0.5]
mean(v)
""".strip().splitlines()


def shapes_of(text: str) -> dict[str, Any]:
    """The declarations that a formula needs."""
    import re

    words = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", "", text)))
    return {name: shape for name, shape in SHAPES.items() if name in words}
