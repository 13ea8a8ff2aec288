"""The smallest program with a loop whose length only running it tells, and its derivative as source.

pip install wengert
python examples/square_root.py
"""

import wengert as wg


def heron(a):
    """The square root, by the mean of too much and too little (Heron, Metrica I.8)."""
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = (x + a / x) / 2
    return x


if __name__ == "__main__":
    slope = wg.grad(heron)
    print(f"heron(2.0) = {heron(2.0)}, slope {slope(2.0)}, bend {wg.grad(slope)(2.0)}")
    print()
    print(slope.source())
