"""A small network in plain NumPy learns to read handwritten digits; the gradient is wengert's.

The network is a list of layers and a loop over them; Adam is a few lines of arithmetic. The gradient of the
loss by all weights, ``wg.value_and_grad(loss)(layers, images, labels)``, is a list like ``layers``.

    pip install wengert[examples]  # scikit-learn brings the 1,797 images
    python examples/train_network.py

The labels are rows of zeros and ones. Arrays of whole numbers are part of a program, so that every batch of
them would be captured anew; and so would be a batch of another size, which is why all have the same.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np

import wengert as wg

WIDTHS = (64, 96, 48, 10)
BATCH = 64
EPOCHS = 40
RATE = 2e-3
DECAY = 1e-4  # weight of the sum of squared weights


# --- the network -------------------------------------------------------------------------------------
def scores(layers, images):
    """One number per image and digit; the larger, the likelier."""
    values = images
    for number, (weights, offsets) in enumerate(layers):
        values = values @ weights + offsets
        if number < len(layers) - 1:
            values = np.maximum(values, 0.01 * values)
    return values


def loss(layers, images, labels):
    """Cross entropy, and a small price of large weights."""
    found = scores(layers, images)
    found = found - np.max(found, axis=1, keepdims=True)
    logarithms = found - np.log(np.sum(np.exp(found), axis=1, keepdims=True))
    price = 0.0
    for weights, _ in layers:
        price += np.sum(weights**2)
    return -np.sum(labels * logarithms) / len(images) + DECAY * price


def initial(rng):
    """Weights that keep the size of what passes through (He et al. 2015), and zeros."""
    return [(rng.normal(0, np.sqrt(2 / n), (n, m)), np.zeros(m)) for n, m in pairwise(WIDTHS)]


# --- training ----------------------------------------------------------------------------------------
class Adam:
    """Kingma and Ba (2015): steps in units of the recent size of the gradient."""

    def __init__(self, layers, rate):
        self.rate, self.count = rate, 0
        self.means = [[np.zeros_like(part) for part in layer] for layer in layers]
        self.squares = [[np.zeros_like(part) for part in layer] for layer in layers]

    def step(self, layers, gradient):
        """Change the layers in place."""
        self.count += 1
        rate = self.rate * np.sqrt(1 - 0.999**self.count) / (1 - 0.9**self.count)
        rows = zip(layers, gradient, self.means, self.squares, strict=True)
        for layer, changes, means, squares in rows:
            for part, g, mean, square in zip(layer, changes, means, squares, strict=True):
                mean += 0.1 * (g - mean)
                square += 0.001 * (g**2 - square)
                part -= rate * mean / (np.sqrt(square) + 1e-8)


def load(rng):
    """Images (64 values from 0 to 1) and labels (rows of zeros and one 1), for training and for the test."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = rng.permutation(len(data.data))
    images = data.data[order] / 16
    labels = np.eye(10)[data.target[order]]
    return images[:-450], labels[:-450], images[-450:], labels[-450:]


def accuracy(layers, images, labels):
    """The share of images for which the likeliest digit is the right one."""
    return float(np.mean(np.argmax(scores(layers, images), 1) == np.argmax(labels, 1)))


def train(seed=0, epochs=EPOCHS, show=print):
    """The accuracy on the images that were not trained with."""
    rng = np.random.default_rng(seed)
    images, labels, test_images, test_labels = load(rng)
    layers = initial(rng)
    adam = Adam(layers, RATE)
    gradient = wg.value_and_grad(loss)
    for epoch in range(1, epochs + 1):
        adam.rate = RATE * (1 - epoch / (epochs + 1))
        order = rng.permutation(len(images))
        total = []
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            value, changes = gradient(layers, images[chosen], labels[chosen])
            adam.step(layers, changes)
            total.append(value)
        if epoch % 10 == 0:
            found = accuracy(layers, test_images, test_labels)
            show(f"epoch {epoch}: loss {np.mean(total):.4f}, test accuracy {found:.1%}")
    return accuracy(layers, test_images, test_labels)


def main():
    """Train and print the accuracy and the time."""
    start = time.perf_counter()
    try:
        found = train()
    except ImportError:
        raise SystemExit("needs scikit-learn: pip install wengert[examples]") from None
    print(f"accuracy on 450 images not seen: {found:.1%}, in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
