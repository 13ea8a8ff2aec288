"""Statistics, learning, finance, vision: what gradients are usually wanted of."""

import math
from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.special
from programs.corpus.registry import program
from scipy.special import erf, gammaln, logsumexp

R = np.random.default_rng(50)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@program(
    R.normal(size=3),
    R.normal(size=(3, 2)),
    R.normal(size=(3, 3)),
    R.normal(size=(8, 2)),
    wrt=[0, 1, 2],
)
def gaussian_mixture(alphas, means, icf, X):
    def factor_times(q, l, v):
        out = np.zeros(2)
        out[0] = np.exp(q[0]) * v[0]
        out[1] = l * v[0] + np.exp(q[1]) * v[1]
        return out

    total = 0
    for x in X:
        terms = []
        for k in range(len(alphas)):
            y = factor_times(icf[k, :2], icf[k, 2], x - means[k])
            terms.append(alphas[k] + icf[k, :2].sum() - 0.5 * np.dot(y, y))
        total = total + logsumexp(np.array(terms))
    return total - len(X) * logsumexp(alphas)


@program(R.normal(size=(12, 2)), R.normal(size=(3, 2)), 4, wrt=[0, 1])
def k_means(X, C, rounds):
    for _ in range(rounds):
        sums = np.zeros_like(C)
        counts = np.zeros(len(C))
        for x in X:
            d = [((x - c) ** 2).sum() for c in C]
            k = int(np.argmin(d))
            sums[k] += x
            counts[k] += 1
        C = sums / np.maximum(counts, 1.0)[:, None]
    return C, counts


class Cell(NamedTuple):
    W: np.ndarray
    b: np.ndarray


@program(Cell(0.3 * R.normal(size=(8, 5)), np.zeros(8)), R.normal(size=(5, 3)), wrt=[0])
def lstm(p, xs):
    h = np.zeros(2)
    c = np.zeros(2)
    loss = 0.0
    for x in xs:
        z = p.W @ np.concatenate([x, h]) + p.b
        i, f, g, o = np.split(z, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        loss += np.sum((h - x[:2]) ** 2)
    return loss / len(xs)


@program(
    R.normal(size=(6, 2)),
    R.normal(size=6),
    [(R.normal(size=(2, 3)), np.zeros(3)), (R.normal(size=(3, 1)), np.zeros(1))],
    4,
    wrt=[2],
)
def train_network(X, y, layers, steps):
    rate = 0.05
    for _ in range(steps):
        acts = [X]
        for W, b in layers[:-1]:
            acts.append(np.tanh(acts[-1] @ W + b))
        W, b = layers[-1]
        out = (acts[-1] @ W + b)[:, 0]
        delta = (out - y)[:, None] / len(y)
        grads = []
        for l in range(len(layers) - 1, -1, -1):
            grads.insert(0, (acts[l].T @ delta, delta.sum(axis=0)))
            if l > 0:
                delta = (delta @ layers[l][0].T) * (1 - acts[l] ** 2)
        layers = [(W - rate * gW, b - rate * gb) for (W, b), (gW, gb) in zip(layers, grads)]
    return np.mean((out - y) ** 2)


@program(
    {"w": R.normal(size=3), "b": 0.1},
    R.normal(size=(6, 3)),
    (R.random(6) > 0.5).astype(float),
    wrt=[0],
)
def logistic_regression(params, X, y):
    z = X @ params["w"] + params["b"]
    loss = np.mean(np.logaddexp(0, z) - y * z)
    accuracy = np.mean((z > 0) == (y > 0.5))
    return loss + 0.01 * np.sum(params["w"] ** 2), accuracy


@program(R.normal(size=(4, 3)), np.array([0, 2, 1, 2]), wrt=[0])
def cross_entropy(scores, labels):
    shifted = scores - scores.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logp[np.arange(len(labels)), labels].mean(), scores.argmax(axis=1)


@program(
    R.normal(size=(4, 3)),
    R.normal(size=(3, 3)),
    R.normal(size=(3, 3)),
    R.normal(size=(3, 3)),
    wrt=[0, 1, 2, 3],
)
def causal_attention(X, Wq, Wk, Wv):
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    S = Q @ K.T / math.sqrt(K.shape[1])
    S = np.where(np.tri(len(X)) > 0, S, -1e9)
    P = scipy.special.softmax(S, axis=-1)
    return P @ V


@program(R.normal(size=(10, 2)), R.normal(size=10), R.normal(size=2), 3, wrt=[0, 1, 2])
def stochastic_gradient(X, y, w, epochs):
    rng = np.random.default_rng(5)
    for _ in range(epochs):
        order = rng.permutation(len(y))
        for i in order:
            e = X[i] @ w - y[i]
            w = w - 0.05 * e * X[i]
    return w


@program(R.normal(size=(6, 2)), R.normal(size=6), 0.7, 0.2, wrt=[1, 2, 3])
def gaussian_process(X, y, scale, noise):
    d = ((X[:, None, :] - X[None, :, :]) ** 2).sum(-1)
    K = np.exp(-d / (2 * scale**2)) + noise**2 * np.eye(len(X))
    L = np.linalg.cholesky(K)
    alpha = scipy.linalg.cho_solve((L, True), y)
    return -0.5 * y @ alpha - np.log(np.diag(L)).sum() - len(X) / 2 * math.log(2 * math.pi)


def normal_cdf(x):
    return 0.5 * (1 + erf(x / math.sqrt(2)))


@program(100.0, 110.0, 0.5, 0.02, 0.25, others=[(100.0, 60.0, 1.5, 0.01, 0.4)], wrt=[0, 1, 2, 3, 4])
def black_scholes(S, K, T, r, sigma):
    d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * math.sqrt(T))
    d2 = d1 - sigma * math.sqrt(T)
    call = S * normal_cdf(d1) - K * math.exp(-r * T) * normal_cdf(d2)
    put = call - S + K * math.exp(-r * T)
    return call, put


@program(100.0, 105.0, 0.3, 12, others=[(140.0, 105.0, 0.3, 12)], wrt=[0, 2])
def binomial_tree(S, K, sigma, n):
    dt = 1 / n
    u = math.exp(sigma * math.sqrt(dt))
    p = (1 - 1 / u) / (u - 1 / u)
    V = np.array([max(K - S * u ** (2 * j - n), 0.0) for j in range(n + 1)])
    for i in range(n - 1, -1, -1):
        for j in range(i + 1):
            hold = p * V[j + 1] + (1 - p) * V[j]
            exercise = K - S * u ** (2 * j - i)
            V[j] = hold if hold > exercise else exercise
    return V[0]


@program(100.0, 0.3, 6, 40, wrt=[0, 1])
def asian_option(S0, sigma, steps, paths):
    Z = np.random.default_rng(42).standard_normal((paths, steps))
    dt = 1 / steps
    S = np.full(paths, S0)
    total = np.zeros(paths)
    for k in range(steps):
        S = S * np.exp(-0.5 * sigma**2 * dt + sigma * np.sqrt(dt) * Z[:, k])
        total += S
    return np.mean(np.maximum(total / steps - 100.0, 0))


@program(
    np.log(R.dirichlet(np.ones(3), 3)),
    np.log(R.dirichlet(np.ones(4), 3)),
    np.array([0, 2, 1, 3, 3, 0]),
    wrt=[0, 1],
)
def hmm_forward(logA, logB, obs):
    n = len(logA)
    alpha = np.full(n, -np.log(n)) + logB[:, obs[0]]
    for o in obs[1:]:
        new = np.empty(n)
        for j in range(n):
            new[j] = logsumexp(alpha + logA[:, j]) + logB[j, o]
        alpha = new
    return logsumexp(alpha)


@program(
    np.log(R.dirichlet(np.ones(3), 3)),
    np.log(R.dirichlet(np.ones(4), 3)),
    np.array([0, 2, 1, 3, 3, 0]),
    others=[
        (
            np.log(R.dirichlet(np.ones(3), 3)),
            np.log(R.dirichlet(np.ones(4), 3)),
            np.array([0, 2, 1, 3, 3, 0]),
        )
    ],
)
def viterbi(logA, logB, obs):
    T, N = len(obs), logA.shape[0]
    best = np.zeros((T, N))
    came = np.zeros((T, N), dtype=int)
    best[0] = logB[:, obs[0]]
    for t in range(1, T):
        for j in range(N):
            s = best[t - 1] + logA[:, j]
            came[t, j] = np.argmax(s)
            best[t, j] = s[came[t, j]] + logB[j, obs[t]]
    path = [int(np.argmax(best[-1]))]
    for t in range(T - 1, 0, -1):
        path.append(int(came[t, path[-1]]))
    path.reverse()
    return best[-1].max(), path


@program(R.normal(size=2), np.eye(2), R.normal(size=(6, 1)), 0.1, wrt=[0, 2, 3])
def kalman_filter(x, P, ys, q):
    F = np.array([[1.0, 1.0], [0.0, 1.0]])
    H = np.array([[1.0, 0.0]])
    loglik = 0.0
    for y in ys:
        x = F @ x
        P = F @ P @ F.T + q * np.eye(2)
        S = H @ P @ H.T + 0.5
        K = P @ H.T / S[0, 0]
        v = y - H @ x
        x = x + (K @ v)
        P = (np.eye(2) - K @ H) @ P
        loglik -= 0.5 * (math.log(S[0, 0]) + v[0] ** 2 / S[0, 0])
    return loglik, x


def rodrigues(r, X):
    sq = r @ r
    if sq > 1e-20:
        th = math.sqrt(sq)
        w = r / th
        c, s = math.cos(th), math.sin(th)
        return X * c + np.cross(w, X) * s + w * (w @ X) * (1 - c)
    return X + np.cross(r, X)


@program(
    R.normal(size=9),
    R.normal(size=(3, 3)) + [0, 0, 5.0],
    others=[(np.concatenate([np.zeros(3), R.normal(size=6)]), R.normal(size=(3, 3)) + [0, 0, 5.0])],
    wrt=[0, 1],
)
def bundle_residuals(camera, points):
    out = []
    for X in points:
        Y = rodrigues(camera[:3], X - camera[3:6])
        p = Y[:2] / Y[2]
        r2 = p @ p
        out.append(camera[6] * (1 + camera[7] * r2 + camera[8] * r2**2) * p)
    return np.concatenate(out)


class Sphere:
    def __init__(self, centre, radius):
        self.centre = np.array(centre)
        self.radius = radius

    def hit(self, origin, direction):
        oc = origin - self.centre
        b = oc @ direction
        disc = b * b - (oc @ oc - self.radius**2)
        if disc < 0:
            return None
        root = math.sqrt(disc)
        for t in (-b - root, -b + root):
            if t > 1e-6:
                return t
        return None


@program(
    np.array([0.1, 0.2, -4.0]),
    others=[(np.array([3.0, 0.0, -4.0]),), (np.array([0.9, 0.9, 0.0]),)],
    wrt=[0],
)
def ray_tracer(origin):
    spheres = [Sphere([0.0, 0.0, 0.0], 1.0), Sphere([1.0, 1.0, 2.0], 1.5)]
    direction = np.array([0.0, 0.0, 1.0])
    nearest, shade = math.inf, 0.0
    for sphere in spheres:
        t = sphere.hit(origin, direction)
        if t is not None and t < nearest:
            nearest = t
            n = (origin + t * direction - sphere.centre) / sphere.radius
            shade = max(0.0, -(n @ direction))
    return shade, nearest if nearest < math.inf else -1.0


@program(R.random((6, 3)), R.random(6), R.random(3), 0.1, 15, wrt=[1, 3])
def lasso_by_thresholding(X, y, w, lam, n):
    step = 1 / np.linalg.norm(X.T @ X, 2)
    for _ in range(n):
        z = w - step * X.T @ (X @ w - y)
        w = np.sign(z) * np.maximum(np.abs(z) - step * lam, 0)
    return w


@program(np.array([2.0, 5.0, 3.0]), 2.5, wrt=[0, 1])
def special_functions(x, a):
    log_beta = gammaln(x) + gammaln(a) - gammaln(x + a)
    k = np.arange(3)
    poisson = k * np.log(x) - x - scipy.special.gammaln(k + 1)
    return (
        log_beta,
        poisson.sum(),
        scipy.special.expit(x - 3),
        scipy.special.digamma(a),
        math.lgamma(a),
    )


@program(np.array([0.4, 0.9, 0.2]), np.array([1.0, 1.0, 0.7]), wrt=[0, 1])
def robot_arm(angles, lengths):
    x = y = heading = 0.0
    joints = [(x, y)]
    for a, l in zip(angles, lengths):
        heading += a
        x += l * math.cos(heading)
        y += l * math.sin(heading)
        joints.append((x, y))
    return joints, math.hypot(x, y)
