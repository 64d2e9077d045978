"""Training batches of features from the cache, with new random changes in every batch.

A batch has clips of the training folds at random speeds, synthesised words, windows of
sentences, and pieces that are no word: halves of two clips joined, clips played backwards,
clips moved out of their window.  The changes act on the logarithms of the spectrum: a
level adds a constant, a microphone a curve over the features, a longer vocal tract shifts
the features, noise is the logarithm of a sum of exponentials.
"""

import pathlib

import numpy as np

from front_end import SCALE, ZERO_POINT

ROWS, CONTEXT = 49, 59  # rows of a window; rows of a cached clip, with five more on each side
SHARES = 0.88, 0.05, 0.04, 0.03  # clips, synthesised words, sentences, pieces
NEITHER = 12  # label of windows that may count as silence or as unknown
LARGEST = 255 * SCALE


def real(x):
    """Convert stored bytes to the real values that the network reads."""
    return ((x.astype(np.float32) - ZERO_POINT) * SCALE).astype(np.float32)


class Batches:
    """Random batches of the clips whose fold is in `train` (all clips: range(5))."""

    def __init__(self, cache, train, seed, shares=SHARES):
        cache = pathlib.Path(cache)
        clean = np.load(cache / "clean.npz")
        self.label = clean["label"]
        self.mine = np.flatnonzero(np.isin(clean["fold"], list(train)))
        self.silence = self.mine[self.label[self.mine] == 0]
        self.speech = self.mine[self.label[self.mine] > 0]
        self.copies = [np.load(p) for p in sorted(cache.glob("copy-*.npy"))]
        words = np.load(cache / "words.npz")
        self.words, self.word_label = words["x"], words["label"]
        self.talk = np.load(cache / "talk.npy")
        self.shares = shares
        self.rng = np.random.default_rng(seed)

    def copy(self):
        return self.copies[self.rng.integers(len(self.copies))]

    def draw(self, n):
        """(real features float32 [n, 1, 49, 40], label int64 [n])."""
        rng = self.rng
        clips, words, talk, pieces = rng.multinomial(n, self.shares)
        which = rng.choice(self.mine, clips)
        said = rng.integers(0, len(self.words), words)
        minute = rng.integers(0, len(self.talk), talk)
        at = rng.integers(0, self.talk.shape[1] - CONTEXT, talk)
        made = [self.piece() for _ in range(pieces)]
        x = np.stack(
            [self.copy()[i] for i in which]
            + [*self.words[said]]
            + [*self.talk[minute[:, None], at[:, None] + np.arange(CONTEXT)]]
            + [part for part, _ in made]
        )
        neither = np.full(talk, NEITHER)
        y = np.concatenate([self.label[which], self.word_label[said], neither, np.array([k for _, k in made], int)])
        shift = np.clip(rng.normal(0, 2.5, n), -7, 7)
        shift[n - pieces :] = 0
        x = self.warp(real(x), 5 + shift)
        x = self.disturb(x, y == 0)
        return self.masked(x).astype(np.float32)[:, None], y

    def piece(self):
        """A window without a whole word, and its label."""
        rng = self.rng
        x = self.copy()[rng.choice(self.speech)]
        kind = rng.random()
        if kind < 0.35:  # moved out of its window by 0.4 s or more
            by = rng.integers(20, 30)
            if rng.random() < 0.5:
                return np.concatenate([np.repeat(x[:4].mean(0, keepdims=True).astype(np.int8), by, 0), x[:-by]]), NEITHER
            return np.concatenate([x[by:], np.repeat(x[-4:].mean(0, keepdims=True).astype(np.int8), by, 0)]), NEITHER
        if kind < 0.7:  # the beginning of one clip, the end of another
            cut = rng.integers(24, 34)
            return np.concatenate([x[:cut], self.copies[0][rng.choice(self.speech)][cut:]]), 1
        return x[::-1], 1

    def warp(self, x, first):
        """[n, 59, 40] -> [n, 49, 40] from row `first` on, with random changes.

        Time is up to a tenth faster or slower, features in the middle are shifted by up to 1.3.
        """
        rng, n = self.rng, len(x)
        quick = np.exp(rng.uniform(-0.1, 0.1, n))
        rows = np.clip((np.arange(ROWS) - 24) * quick[:, None] + 24 + first[:, None], 0, CONTEXT - 1.001)
        c = np.arange(40)
        bump = np.clip(np.minimum(c, 39 - c) / 12, 0, 1)
        columns = np.clip(c + rng.uniform(-1.3, 1.3, n)[:, None] * bump, 0, 38.999)
        i = np.arange(n)[:, None]
        r = rows.astype(int)
        y = x[i, r] + (rows - r)[:, :, None].astype(np.float32) * (x[i, r + 1] - x[i, r])
        k = columns.astype(int)
        low, high = (np.take_along_axis(y, k[:, None, :] + d, 2) for d in (0, 1))
        return low + (columns - k)[:, None, :].astype(np.float32) * (high - low)

    def curves(self, n, knots, height):
        """Smooth random curves over the features, within +-height, float32 [n, 40]."""
        knot = self.rng.uniform(-height, height, (n, knots))
        at = np.linspace(0, knots - 1.001, 40)
        i = at.astype(int)
        return (knot[:, i] * (1 - (at - i)) + knot[:, i + 1] * (at - i)).astype(np.float32)

    def disturb(self, x, silent):
        """Apply a microphone, noise (recorded silence of the training folds, or synthetic) and a level.

        Values are rounded like stored ones.
        """
        rng, n = self.rng, len(x)
        x = x + self.curves(n, 5, 0.6)[:, None, :] * (rng.random(n) < 0.7)[:, None, None]
        loud = np.sort(x.reshape(n, -1), 1)[:, -100]
        kind = rng.random(n)
        noise = np.full_like(x, -20)
        some = np.flatnonzero(kind < 0.3)
        if len(some):
            start = rng.integers(0, 11)
            recorded = real(self.copy()[rng.choice(self.silence, len(some)), start : start + ROWS])
            level = np.sort(recorded.reshape(len(some), -1), 1)[:, -300]
            noise[some] = recorded + (loud[some] - level - rng.uniform(1.2, 7, len(some)))[:, None, None]
        some = np.flatnonzero((kind >= 0.3) & (kind < 0.6))
        if len(some):
            m = len(some)
            colour = self.curves(m, 5, 2) + np.linspace(1.5, -1.5, 40) * rng.uniform(-0.5, 1, (m, 1))
            grain = np.log(np.sqrt(-np.log(1 - rng.random((m, ROWS, 40))) * 0.8 + 0.2)) * rng.uniform(0.3, 1, (m, 1, 1))
            made = colour[:, None, :] + grain + np.cumsum(rng.normal(0, 0.05, (m, ROWS, 1)), 1)
            noise[some] = made - made.max((1, 2))[:, None, None] + (loud[some] - rng.uniform(1, 7, m))[:, None, None]
        noise[silent] = -20
        x = np.logaddexp(x, noise) + rng.uniform(-1.5, 1, n)[:, None, None]
        return np.clip(np.round(x / SCALE) * SCALE, 0, LARGEST)

    def masked(self, x):
        """SpecAugment: set two stretches of time and two bands of features to the mean."""
        rng, n = self.rng, len(x)
        mean = x.mean((1, 2), keepdims=True)
        for axis, longest in ((1, 8), (2, 7), (1, 8), (2, 7)):
            length, start = rng.integers(0, longest + 1, n), rng.integers(0, x.shape[axis], n)
            at = np.arange(x.shape[axis])
            hit = (at >= start[:, None]) & (at < (start + length)[:, None])
            x = np.where(hit[:, :, None] if axis == 1 else hit[:, None, :], mean, x)
        return x
