"""Differential equations and simulations: steppers, events, particles, stencils."""

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from programs.corpus.registry import program

R = np.random.default_rng(20)
GRAVITY = 9.81


@program(
    lambda t, y: np.array([y[1], (1 - y[0] ** 2) * y[1] - y[0]]),
    np.array([1.0, 0.1]),
    2.0,
    20,
    wrt=[1, 2],
)
def runge_kutta(f, y, end, n):
    h = end / n
    t = 0.0
    out = [y]
    for _ in range(n):
        k1 = f(t, y)
        k2 = f(t + h / 2, y + h * k1 / 2)
        k3 = f(t + h / 2, y + h * k2 / 2)
        k4 = f(t + h, y + h * k3)
        y = y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
        t = t + h
        out.append(y)
    return np.array(out), t


@program(1.0, 3.0, 1e-4, others=[(2.0, 1.0, 1e-6), (-1.0, 5.0, 1e-3)])
def adaptive_heun(y, end, tol):
    def rhs(t, y):
        return -2 * y + math.cos(t)

    t, h = 0.0, 0.1
    accepted = rejected = 0
    while t < end:
        if t + h > end:
            h = end - t
        k1 = rhs(t, y)
        k2 = rhs(t + h, y + h * k1)
        err = abs(h * (k2 - k1) / 2)
        if err <= tol:
            t += h
            y += h * (k1 + k2) / 2
            accepted += 1
        else:
            rejected += 1
        h *= min(2.0, max(0.2, 0.9 * math.sqrt(tol / (err + 1e-30))))
        if accepted + rejected > 5000:
            raise RuntimeError("too many steps")
    return y, accepted, rejected


@program(1.0, 0.0, 2.0, others=[(3.0, 1.0, 3.0)])
def bogacki_shampine(y, t, end):
    coefficients = [[], [1 / 2], [0, 3 / 4], [2 / 9, 1 / 3, 4 / 9]]
    nodes = [0, 1 / 2, 3 / 4, 1]
    low = [7 / 24, 1 / 4, 1 / 3, 1 / 8]
    h = 0.2
    ys = [y]
    for _ in range(400):
        if t >= end - 1e-12:
            break
        h = min(h, end - t)
        ks = []
        for i in range(4):
            yi = y + h * sum(a * k for a, k in zip(coefficients[i], ks))
            ks.append(math.sin(t + nodes[i] * h) - yi * yi)
        new = y + h * sum(c * k for c, k in zip(coefficients[3], ks))
        err = abs(new - y - h * sum(c * k for c, k in zip(low, ks)))
        if err < 1e-6:
            t, y = t + h, new
            ys.append(y)
        h = h * min(3.0, max(0.2, 0.9 * (1e-6 / (err + 1e-300)) ** (1 / 3)))
    return y, len(ys), sum(ys) / len(ys)


@program(2.0, 0.0, 0.8, others=[(0.3, 1.0, 0.5)], wrt=[0, 1, 2])
def bouncing_ball(height, speed, restitution):
    t, dt = 0.0, 0.01
    bounces = 0
    while t < 2.0:
        speed -= GRAVITY * dt
        height += speed * dt
        if height < 0:
            height = -height
            speed = -restitution * speed
            bounces += 1
        t += dt
    return height, speed, bounces


@program(1.2, 0.02, 80, others=[(3.0, 0.02, 80), (0.1, 0.02, 80)], wrt=[0])
def spiking_neuron(current, dt, n):
    v = -65.0
    spikes = []
    trace = np.zeros(n)
    for k in range(n):
        v += dt * (-(v + 65) + 20 * current)
        if v > -50:
            spikes.append(k * dt)
            v = -65.0
        trace[k] = v
    return trace, len(spikes), sum(spikes)


class Cloud:
    """Point masses that attract each other."""

    softening = 0.05

    def __init__(self, position, velocity, mass=1.0):
        self.position, self.velocity, self.mass = position, velocity, mass
        self.time = 0.0

    def acceleration(self):
        n = len(self.position)
        a = np.zeros_like(self.position)
        for i in range(n):
            for j in range(i):
                r = self.position[i] - self.position[j]
                pull = r / (r @ r + self.softening) ** 1.5
                a[i] -= pull
                a[j] += pull
        return a / self.mass

    def advance(self, dt):
        self.velocity += 0.5 * dt * self.acceleration()
        self.position += dt * self.velocity
        self.velocity += 0.5 * dt * self.acceleration()
        self.time += dt

    @property
    def kinetic(self):
        return 0.5 * self.mass * np.sum(self.velocity**2)


@program(R.normal(size=(4, 2)), 0.1 * R.normal(size=(4, 2)), 0.02, 6, wrt=[0, 1])
def verlet_of_a_cloud(x, v, dt, n):
    cloud = Cloud(x.copy(), v.copy(), mass=2.0)
    energies = []
    for _ in range(n):
        cloud.advance(dt)
        energies.append(cloud.kinetic)
    return cloud.position, max(energies), cloud.time


@dataclass
class Epidemic:
    s: float
    i: float
    r: float = 0.0
    peak: float = 0.0
    history: list = field(default_factory=list)

    def day(self, beta, gamma):
        infected = beta * self.s * self.i
        recovered = gamma * self.i
        self.s -= infected
        self.i += infected - recovered
        self.r += recovered
        if self.i > self.peak:
            self.peak = self.i
        self.history.append(self.i)


@program(0.5, 0.1, 15, others=[(0.1, 0.3, 15)], wrt=[0, 1])
def sir_dataclass(beta, gamma, days):
    e = Epidemic(0.99, 0.01)
    for _ in range(days):
        e.day(beta, gamma)
    return e.peak, e.r, e.history


class Pendulum(NamedTuple):
    angle: float
    speed: float


@program(1.0, 0.0, 0.05, 30, wrt=[0, 1, 2])
def symplectic_namedtuple(angle, speed, dt, n):
    state = Pendulum(angle, speed)
    for _ in range(n):
        speed = state.speed - dt * math.sin(state.angle)
        state = state._replace(angle=state.angle + dt * speed, speed=speed)
    return state


@dataclass(frozen=True)
class Rocket:
    height: float
    speed: float
    fuel: float


@program(20.0, 5.2, others=[(60.0, 1.1)], wrt=[0, 1])
def frozen_dataclass_rocket(thrust, fuel):
    rocket = Rocket(0.0, 0.0, fuel)
    for _ in range(40):
        if rocket.fuel > 0:
            burn = min(0.5, rocket.fuel)
            push = thrust * burn
        else:
            burn = push = 0.0
        speed = rocket.speed + 0.1 * (push - GRAVITY)
        rocket = replace(
            rocket, height=rocket.height + 0.1 * speed, speed=speed, fuel=rocket.fuel - burn
        )
        if rocket.height < 0:
            rocket = replace(rocket, height=0.0, speed=max(0.0, rocket.speed))
    return rocket


@program(1.0, 0.1, 12, wrt=[0, 1])
def implicit_euler(y, h, n):
    for _ in range(n):
        z = y
        for _ in range(20):
            g = z - y + h * z**3
            step = g / (1 + 3 * h * z * z)
            z -= step
            if abs(step) < 1e-13:
                break
        y = z
    return y


@program(np.array([1.0, 0.0]), 0.05, 20, wrt=[0])
def adams_bashforth(y, h, n):
    def f(y):
        return np.array([y[1], -y[0] - 0.1 * y[1]])

    past = [f(y)]
    y = y + h * past[0]
    for _ in range(n - 1):
        past.append(f(y))
        y = y + h * (1.5 * past[-1] - 0.5 * past[-2])
        past = past[-2:]
    return y


@program(0.5, 0.1, 25, wrt=[0, 1])
def delay_with_deque(x, h, n):
    past = deque([0.0] * 4, maxlen=4)
    for _ in range(n):
        x = x + h * (1 - past[0]) * x
        past.append(x)
    return x, sum(past)


@program(np.exp(-(np.linspace(-2, 2, 20) ** 2)), 0.2, 15, wrt=[0, 1])
def heat_with_buffer(u, alpha, steps):
    u = u.copy()
    old = np.empty_like(u)
    for _ in range(steps):
        old[:] = u
        u[1:-1] = old[1:-1] + alpha * (old[2:] - 2 * old[1:-1] + old[:-2])
        u[0] = u[-1] = 0.0
    return u


@program(np.sin(np.linspace(0, np.pi, 16)), 0.4, 10, wrt=[0, 1])
def wave_with_three_levels(u, c, steps):
    before = u.copy()
    now = u.copy()
    for _ in range(steps):
        after = np.zeros_like(now)
        after[1:-1] = 2 * now[1:-1] - before[1:-1] + c**2 * np.diff(now, 2)
        before, now = now, after
    return now


@program(R.random((5, 6)), 6, wrt=[0])
def laplace_relaxation(u, sweeps):
    u = u.copy()
    for _ in range(sweeps):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
    return u


@program(0.9, 0.3, others=[(2.4, 0.3)])
def shooting(target, slope):
    def fly(s):
        y, v = 0.0, s
        for _ in range(50):
            v -= 0.02 * (1 + y * y)
            y += 0.02 * v
        return y

    lo, hi = 0.0, 10.0
    for _ in range(60):
        slope = (lo + hi) / 2
        if fly(slope) < target:
            lo = slope
        else:
            hi = slope
        if hi - lo < 1e-10:
            break
    return slope


@program(1.5, 1.0, 0.05, 20, wrt=[0, 1])
def lotka_volterra_dict(prey, foxes, dt, n):
    state = {"prey": prey, "foxes": foxes, "steps": 0}
    for _ in range(n):
        x, y = state["prey"], state["foxes"]
        state["prey"] += dt * (1.1 * x - 0.4 * x * y)
        state["foxes"] += dt * (0.1 * x * y - 0.4 * y)
        state["steps"] += 1
    return state


@program(np.array([0.3, 1.2]), 20, others=[(np.array([2.3, -1.2]), 20)], wrt=[0])
def seeded_random_walk(x, n):
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(n):
        x = x + 0.1 * rng.normal(size=2)
        if x[0] > 1.0:
            x = x * 0.9
            hits += 1
    return x, hits


@program((R.random((8, 8)) > 0.6).astype(float), 3)
def game_of_life(g, n):
    for _ in range(n):
        around = np.zeros(g.shape)
        for i in (-1, 0, 1):
            for j in (-1, 0, 1):
                if i or j:
                    around += np.roll(np.roll(g, i, axis=0), j, axis=1)
        g = ((around == 3) | ((g == 1) & (around == 2))).astype(float)
    return g
