"""Batches for training: stretches of stored rows, with new random changes in every batch.

The changes act on the logarithms of the spectrum: tempo, a shift of the features (a longer or shorter vocal
tract), a curve over the features (a microphone), level, rows of noise that are added as powers, and masks.
"""

import numpy as np
import scenery
from batches import LARGEST, SCALE, real

OTHER, HIT, NOT_COUNTED = 0, 1, 2
LATE = 10  # a window that ends up to 10 rows (200 ms) after the phrase is a hit
AFTER = 20  # number of rows after those that are not counted
EARLY = 0.3  # share of the phrase before its end that is not counted
EXTRA = 80  # a stretch is this many rows longer than a window
FEATURES = 40


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
        """(real features float32 [n, 1, length, 40], targets int8 [n, EXTRA + 1])."""
        rng = self.rng
        start = rng.integers(self.margin, len(self.rows) - self.length - self.margin, n)
        ends = self.ends[rng.integers(0, len(self.ends), n // 2)]
        start[: n // 2] = ends - self.window + 1 - rng.integers(0, EXTRA - LATE, n // 2)
        middle = self.length / 2
        at = start[:, None] + middle + (np.arange(self.length) - middle) * np.exp(rng.uniform(-0.15, 0.15, (n, 1)))
        x = self.masked(self.heard(self.shifted(self.read(at))))
        return x[:, None], self.targets[np.rint(at).astype(int)][:, self.window - 1 :]

    def read(self, at):
        """Rows at fractional places: float32 [n, length, 40]."""
        below = at.astype(int)
        share = (at - below).astype(np.float32)[:, :, None]
        return (1 - share) * real(self.rows[below]) + share * real(self.rows[below + 1])

    def shifted(self, x):
        """Features in the middle are shifted by up to 2; the ends stay."""
        c = np.arange(FEATURES)
        bump = np.clip(np.minimum(c, FEATURES - 1 - c) / 12, 0, 1)
        at = np.clip(c + self.rng.uniform(-2, 2, (len(x), 1)) * bump, 0, FEATURES - 1.001)
        below = at.astype(int)
        share = (at - below).astype(np.float32)[:, None, :]
        low, high = (np.take_along_axis(x, below[:, None, :] + d, 2) for d in (0, 1))
        return (1 - share) * low + share * high

    def heard(self, x):
        """Another microphone, noise and level; values are rounded like stored ones."""
        rng, n = self.rng, len(x)
        knots = rng.uniform(-0.6, 0.6, (n, 5))
        x = x + np.stack([np.interp(np.arange(FEATURES), np.linspace(0, FEATURES - 1, 5), k) for k in knots])[:, None, :]
        at = rng.integers(0, len(self.noise) - self.length, n)[:, None] + np.arange(self.length)
        noise = real(self.noise[at])
        loud, level = (np.quantile(a.reshape(n, -1), 0.95, 1) for a in (x, noise))
        # natural logarithms of amplitudes: 6 to 48 dB below
        noise = noise + (loud - level - rng.uniform(0.7, 5.5, n))[:, None, None]
        mixed = np.logaddexp(2 * x, 2 * noise) / 2
        x = np.where(rng.random(n)[:, None, None] < 0.8, mixed, x) + rng.uniform(-2, 1.5, n)[:, None, None]
        return np.clip(np.round(x / SCALE) * SCALE, 0, LARGEST).astype(np.float32)

    def masked(self, x):
        """SpecAugment: some rows and a band of features are set to the mean."""
        rng, n = self.rng, len(x)
        mean = x.mean((1, 2), keepdims=True)
        for axis, longest in ((1, 6), (1, 6), (2, 5)):
            length, start = rng.integers(0, longest + 1, n), rng.integers(0, x.shape[axis], n)
            at = np.arange(x.shape[axis])
            hit = (at >= start[:, None]) & (at < (start + length)[:, None])
            x = np.where(hit[:, :, None] if axis == 1 else hit[:, None, :], mean, x)
        return x
