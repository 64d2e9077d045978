"""Training batches of features from the cache, with new random changes in every batch.

A batch has clips of the training folds at random speeds, synthesised words, windows of
sentences, and pieces that are no word: halves of two clips joined, clips played backwards,
clips moved out of their window.  The changes act on the logarithms of the spectrum: a
level adds a constant, a microphone a curve over the features, a longer vocal tract shifts
the features, noise is the logarithm of a sum of exponentials.
"""

import pathlib
from collections import namedtuple

import changes
import numpy as np
import torch
from clips import LABELS
from front_end import SCALE, ZERO_POINT

# What a network sees of the sound: the name of its files in the cache; rows of a window; rows of a cached clip,
# which has more on each side; rows in 20 ms; features of a row; the longest masks (changes.masked)
View = namedtuple("View", "prefix rows context dense features masks")
STUDENT = View("", 49, 59, 1, 40, ((1, 8), (2, 7), (1, 8), (2, 7)))
TEACHER = View("mel-", 117, 117, 2, 32, ((1, 16), (2, 6), (1, 16), (2, 6)))
SHARES = 0.85, 0.05, 0.06, 0.04  # clips, synthesised words, sentences, pieces
MINED, HARDEST = 6000, 600  # places in sentences that are scored, and those of them that are kept
NEITHER = 12  # label of windows that may count as silence or as unknown
VOCAL_TRACT = 1.5  # largest shift of the features


def real(x):
    """Convert stored bytes to the real values that the network reads."""
    return ((x.astype(np.float32) - ZERO_POINT) * SCALE).astype(np.float32)


def copies_in(cache, view):
    """Files of the copies of the clips, in the order of their numbers."""
    return sorted(pathlib.Path(cache).glob(f"{view.prefix}copy-*.npy"), key=lambda path: int(path.stem.split("-")[-1]))


def taught_by(paths):
    """Mean of the logits in files of teacher.py: copies [copies, clips, 12], words [words, 12]; {} without files."""
    files = [np.load(path) for path in paths]
    return {name: np.mean([file[name] for file in files], 0) for name in files[0]} if files else {}


class Batches:
    """Random batches of the clips whose fold is in `train` (all clips: range(-1, 5)).

    answers: files of teacher.py; the mean of their logits goes with clips and synthesised words.
    """

    def __init__(self, cache, train, seed, shares=SHARES, view=STUDENT, answers=()):
        cache = pathlib.Path(cache)
        self.view = view
        clean = np.load(cache / f"{view.prefix}clean.npz")
        self.label = clean["label"]
        self.mine = np.flatnonzero(np.isin(clean["fold"], list(train)))
        self.silence = self.mine[self.label[self.mine] == 0]
        self.speech = self.mine[self.label[self.mine] > 0]
        self.copies = [np.load(path) for path in copies_in(cache, view)]
        words = np.load(cache / f"{view.prefix}words.npz")
        self.words, self.word_label = words["x"], words["label"]
        self.talk = np.load(cache / f"{view.prefix}talk.npy")
        self.answers = taught_by(answers)
        if self.answers and (found := self.answers["copies"].shape[:2]) != (made := (len(self.copies), len(self.label))):
            raise ValueError(f"answers are for {found} copies and clips, the cache has {made}: run teacher.py on this cache")
        self.hard = np.empty((0, 2), int)  # minute and row of sentences that sound like a word
        self.shares = shares
        self.rng = np.random.default_rng(seed)

    def copy(self):
        return self.copies[self.rng.integers(len(self.copies))]

    def draw(self, n):
        """(real features float32 [n, 1, rows, features], label int64 [n], a teacher's logits float32 [n, 12]).

        Where no teacher has answered, its logits are NaN.
        """
        rng, (_, rows, context, dense, _, masks) = self.rng, self.view
        clips, words, talk, pieces = rng.multinomial(n, self.shares)
        which, spoken = rng.choice(self.mine, clips), rng.integers(0, len(self.copies), clips)
        said = rng.integers(0, len(self.words), words)
        minute, at = self.places(talk).T
        made = [self.piece() for _ in range(pieces)]
        x = np.stack(
            [self.copies[k][i] for k, i in zip(spoken, which)]
            + [*self.words[said]]
            + [*self.talk[minute[:, None], at[:, None] + np.arange(context)]]
            + [part for part, _ in made]
        )
        neither = np.full(talk, NEITHER)
        y = np.concatenate([self.label[which], self.word_label[said], neither, np.array([k for _, k in made], int)])
        shift = dense * np.clip(rng.normal(0, 2.5, n), -7, 7)
        shift[n - pieces :] = 0
        quick = np.exp(rng.uniform(-0.1, 0.1, (n, 1)))
        x = changes.tensor(real(x))
        x = changes.read(x, (np.arange(rows) - rows // 2) * quick + context // 2 + shift[:, None])
        x = self.disturbed(changes.shifted(x, VOCAL_TRACT, rng), y == 0)
        taught = np.full((n, len(LABELS)), np.nan, np.float32)
        if self.answers:
            taught[:clips] = self.answers["copies"][spoken, which]
            taught[clips : clips + words] = self.answers["words"][said]
        return changes.masked(x, masks, rng)[:, None], torch.from_numpy(y), torch.from_numpy(taught)

    def anywhere(self, n):
        """Random places in sentences: minute and row, [n, 2]."""
        return self.rng.integers(0, (len(self.talk), self.talk.shape[1] - self.view.context), (n, 2))

    def places(self, n):
        """Places in sentences, half of them mined, once there are some."""
        mined = n // 2 if len(self.hard) else 0
        return np.concatenate([self.hard[self.rng.integers(0, max(1, len(self.hard)), mined)], self.anywhere(n - mined)])

    def keep_hardest(self, predict):
        """Keep the places in sentences that a network takes for a word.

        predict: stored windows int8 [n, rows, features] -> probabilities [n, 12].
        """
        at, rows = self.anywhere(MINED), self.view.rows
        windows = self.talk[at[:, :1], at[:, 1:] + (self.view.context - rows) // 2 + np.arange(rows)]
        word = predict(windows)[:, 2:].max(1)
        self.hard = at[np.argsort(word)[-HARDEST:]]

    def piece(self):
        """A window without a whole word, and its label."""
        rng, dense = self.rng, self.view.dense
        x = self.copy()[rng.choice(self.speech)]
        kind = rng.random()
        if kind < 0.35:  # moved out of its window by 0.4 s or more
            by, edge = dense * rng.integers(20, 30), 4 * dense

            def held(rows):
                return np.repeat(rows.mean(0, keepdims=True).astype(np.int8), by, 0)

            if rng.random() < 0.5:
                return np.concatenate([held(x[:edge]), x[:-by]]), NEITHER
            return np.concatenate([x[by:], held(x[-edge:])]), NEITHER
        if kind < 0.7:  # the beginning of one clip, the end of another
            cut = dense * rng.integers(24, 34)
            return np.concatenate([x[:cut], self.copies[0][rng.choice(self.speech)][cut:]]), 1
        return x[::-1], 1

    def disturbed(self, x, silent):
        """A microphone, noise (recorded silence of the training folds, or synthetic) and a level.

        x: tensor [n, rows, features].  Values are rounded like stored ones.
        """
        rng, n, view = self.rng, len(x), self.view
        x = x + changes.curves(n, 5, 0.6, rng, view.features) * changes.tensor(rng.random((n, 1, 1)) < 0.7)
        loud = changes.loudness(x, 0.05)
        kind = rng.random(n)
        noise = torch.full_like(x, -20)
        some = np.flatnonzero((kind < 0.3) & ~silent)
        if len(some):
            start = rng.integers(0, view.context - view.rows + 1)
            recorded = changes.tensor(real(self.copy()[rng.choice(self.silence, len(some)), start : start + view.rows]))
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
        """Noise of a random colour whose level wanders: tensor [n, rows, features]."""
        rng, rows, features = self.rng, self.view.rows, self.view.features
        slope = changes.tensor(np.linspace(1.5, -1.5, features) * rng.uniform(-0.5, 1, (n, 1, 1)))
        amplitude = np.log(0.8 * rng.standard_exponential((n, rows, features), np.float32) + 0.2) / 2
        grain = changes.tensor(amplitude * rng.uniform(0.3, 1, (n, 1, 1)))
        wander = changes.tensor(np.cumsum(rng.normal(0, 0.05 / np.sqrt(self.view.dense), (n, rows, 1)), 1))
        return changes.curves(n, 5, 2, rng, features) + slope + grain + wander
