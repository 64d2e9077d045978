"""Training batches of features from the cache, with new random changes in every batch.

A batch has clips of the training folds at random speeds, synthesised words, windows of
sentences, and pieces that are no word: halves of two clips joined, clips played backwards,
clips moved out of their window.  The changes act on the logarithms of the spectrum: a
level adds a constant, a microphone a curve over the features, a longer vocal tract shifts
the features, noise is the logarithm of a sum of exponentials.
"""

import pathlib

import changes
import numpy as np
import torch
from front_end import SCALE, ZERO_POINT

ROWS, CONTEXT = 49, 59  # rows of a window; rows of a cached clip, with five more on each side
SHARES = 0.75, 0.08, 0.13, 0.04  # clips, synthesised words, sentences, pieces
MINED, HARDEST = 15000, 1500  # places in sentences that are scored, and those of them that are kept
NEITHER = 12  # label of windows that may count as silence or as unknown
VOCAL_TRACT = 1.5  # largest shift of the features
MASKS = (1, 8), (2, 7), (1, 8), (2, 7)  # see changes.masked


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
        self.hard = np.empty((0, 2), int)  # minute and row of sentences that sound like a word
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
        minute, at = self.places(talk).T
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
        quick = np.exp(rng.uniform(-0.1, 0.1, (n, 1)))
        x = changes.read(changes.tensor(real(x)), (np.arange(ROWS) - 24) * quick + 29 + shift[:, None])
        x = self.disturbed(changes.shifted(x, VOCAL_TRACT, rng), y == 0)
        return changes.masked(x, MASKS, rng)[:, None], torch.from_numpy(y)

    def anywhere(self, n):
        """Random places in sentences: minute and row, [n, 2]."""
        return self.rng.integers(0, (len(self.talk), self.talk.shape[1] - CONTEXT), (n, 2))

    def places(self, n):
        """Places in sentences, half of them mined, once there are some."""
        mined = n // 2 if len(self.hard) else 0
        return np.concatenate([self.hard[self.rng.integers(0, max(1, len(self.hard)), mined)], self.anywhere(n - mined)])

    def keep_hardest(self, predict):
        """Keep the places in sentences that a network takes for a word.

        predict: stored windows int8 [n, 49, 40] -> probabilities [n, 12].
        """
        at = self.anywhere(MINED)
        windows = self.talk[at[:, :1], at[:, 1:] + 5 + np.arange(ROWS)]
        word = predict(windows)[:, 2:].max(1)
        self.hard = at[np.argsort(word)[-HARDEST:]]

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

    def disturbed(self, x, silent):
        """A microphone, noise (recorded silence of the training folds, or synthetic) and a level.

        x: tensor [n, 49, 40].  Values are rounded like stored ones.
        """
        rng, n = self.rng, len(x)
        x = x + changes.curves(n, 5, 0.6, rng) * changes.tensor(rng.random((n, 1, 1)) < 0.7)
        loud = changes.loudness(x, 0.05)
        kind = rng.random(n)
        noise = torch.full_like(x, -20)
        some = np.flatnonzero((kind < 0.3) & ~silent)
        if len(some):
            start = rng.integers(0, 11)
            recorded = changes.tensor(real(self.copy()[rng.choice(self.silence, len(some)), start : start + ROWS]))
            below = changes.tensor(rng.uniform(1.2, 7, (len(some), 1, 1)))
            noise[some] = recorded + loud[some] - changes.loudness(recorded, 0.15) - below
        some = np.flatnonzero((kind >= 0.3) & (kind < 0.6) & ~silent)
        if len(some):
            made = self.synthetic(len(some))
            below = changes.tensor(rng.uniform(1, 7, (len(some), 1, 1)))
            noise[some] = made - made.amax((1, 2), keepdim=True) + loud[some] - below
        x = torch.logaddexp(x, noise) + changes.tensor(rng.uniform(-1.5, 1, (n, 1, 1)))
        return changes.stored(x)

    def synthetic(self, n):
        """Noise of a random colour whose level wanders: tensor [n, 49, 40]."""
        rng = self.rng
        slope = changes.tensor(np.linspace(1.5, -1.5, 40) * rng.uniform(-0.5, 1, (n, 1, 1)))
        amplitude = np.log(0.8 * rng.standard_exponential((n, ROWS, 40), np.float32) + 0.2) / 2
        grain = changes.tensor(amplitude * rng.uniform(0.3, 1, (n, 1, 1)))
        wander = changes.tensor(np.cumsum(rng.normal(0, 0.05, (n, ROWS, 1)), 1))
        return changes.curves(n, 5, 2, rng) + slope + grain + wander
