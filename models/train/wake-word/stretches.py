"""Batches for training: stretches of stored rows, with new random changes in every batch.

The changes act on the logarithms of the spectrum: tempo, a shift of the features (a longer or shorter vocal
tract), a curve over the features (a microphone), level, rows of noise that are added as powers, and masks.
"""

import changes
import numpy as np
import scenery
import torch
from batches import real

OTHER, HIT, NOT_COUNTED = 0, 1, 2
LATE = 10  # a window that ends up to 10 rows (200 ms) after the phrase is a hit
AFTER = 20  # number of rows after those that are not counted
EARLY = 0.3  # share of the phrase before its end that is not counted
EXTRA = 80  # a stretch is this many rows longer than a window
VOCAL_TRACT = 2.0  # largest shift of the features
MASKS = (1, 6), (1, 6), (2, 5)  # see changes.masked


def targets(label):
    """Target of the window that ends at each row: int8 [n]. label: see scenery.py."""
    y = np.zeros(len(label), np.int8)
    spans = scenery.spans(label)
    for first, last in spans:
        y[last - int(EARLY * (last - first)) : last + LATE + AFTER + 1] = NOT_COUNTED
    for _, last in spans:
        y[last : last + LATE + 1] = HIT
    return y


class Stretches:
    """Draws batches. rows int8 [n, 40], label int8 [n], noise: rows int8 [m, 40] that are mixed in."""

    def __init__(self, rows, label, noise, window, rng):
        self.rows, self.noise, self.rng = rows, noise, rng
        self.window, self.length = window, window + EXTRA
        self.targets = targets(label)
        # a tempo of up to a sixth slower needs rows on both sides
        self.margin = self.length // 8
        ends = scenery.spans(label)[:, 1]
        self.ends = ends[(ends > 2 * self.length) & (ends < len(rows) - 2 * self.length)]

    def draw(self, n):
        """(real features float32 [n, 1, length, 40], targets int8 [n, EXTRA + 1]), both tensors."""
        rng = self.rng
        start = rng.integers(self.margin, len(self.rows) - self.length - self.margin, n)
        ends = self.ends[rng.integers(0, len(self.ends), n // 2)]
        start[: n // 2] = ends - self.window + 1 - rng.integers(0, EXTRA - LATE, n // 2)
        middle = self.length / 2
        place = middle + (np.arange(self.length) - middle) * np.exp(rng.uniform(-0.15, 0.15, (n, 1)))
        around = np.arange(-self.margin, self.length + self.margin)
        x = changes.tensor(real(self.rows[start[:, None] + around]))
        x = changes.shifted(changes.read(x, place + self.margin), VOCAL_TRACT, rng)
        y = self.targets[np.rint(start[:, None] + place).astype(int)][:, self.window - 1 :]
        return changes.masked(self.heard(x), MASKS, rng)[:, None], torch.from_numpy(y)

    def heard(self, x):
        """Another microphone, noise and level; values are rounded like stored ones."""
        rng, n = self.rng, len(x)
        x = x + changes.curves(n, 5, 0.6, rng)
        at = rng.integers(0, len(self.noise) - self.length, n)[:, None] + np.arange(self.length)
        noise = changes.tensor(real(self.noise[at]))
        # natural logarithms of amplitudes: 6 to 48 dB below
        below = changes.tensor(rng.uniform(0.7, 5.5, (n, 1, 1)))
        noise += changes.loudness(x, 0.05) - changes.loudness(noise, 0.05) - below
        mixed = torch.logaddexp(2 * x, 2 * noise) / 2
        some = torch.from_numpy(rng.random((n, 1, 1)) < 0.8)
        return changes.stored(torch.where(some, mixed, x) + changes.tensor(rng.uniform(-2, 1.5, (n, 1, 1))))
