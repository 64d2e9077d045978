"""Training batches of features out of the cache, drawn afresh every time.

A batch holds real clips of the training folds (augmented copies, some as they are), the
synthesised words, windows of sentences, and pieces that are no word: chimeras of two
clips, clips played backwards, windows that end before the word.
"""

import pathlib

import numpy as np

from front_end import SCALE, ZERO_POINT

ROWS = 49
CONTEXT_ROW, FRESH_ROW = 60, 5
SHARES = {"real": 0.78, "word": 0.09, "talk": 0.08, "piece": 0.05}
SYNTHESISED = {"real": 0.0, "word": 0.88, "talk": 0.12, "piece": 0.0}
NEITHER = 12  # label of windows that are silence or unknown, whichever


def real(x):
    """Stored bytes -> the real values that the network reads."""
    return ((x.astype(np.float32) - ZERO_POINT) * SCALE).astype(np.float32)


class Batches:
    """Draws batches for the clips whose fold is in `train` (all clips: range(5))."""

    def __init__(self, cache, train, seed, shares=SHARES):
        self.shares = list(shares.values())
        cache = pathlib.Path(cache)
        clean = np.load(cache / "clean.npz")
        keep = np.isin(clean["fold"], list(train))
        self.label = clean["label"][keep]
        self.clean = clean["x"][keep]
        # as many light copies as others: they are listed again
        heavy, light = ([np.load(p) for p in sorted(cache.glob(f"{k}-*.npz"))] for k in ("clips", "light"))
        copies = heavy + light + light[: max(0, len(heavy) - len(light))]
        self.context = [c["context"][keep] for c in copies]
        self.fresh = [c["fresh"][keep] for c in copies]
        words = [np.load(p) for p in sorted(cache.glob("words-*.npz"))]
        self.word_label = words[0]["label"]
        self.word_context = [w["context"] for w in words]
        self.word_fresh = [w["fresh"] for w in words]
        self.talk = np.load(cache / "talk.npz")["x"]
        self.rng = np.random.default_rng(seed)

    def clips(self, n, label, context, fresh, clean):
        """n windows that hold a whole clip, shifted by up to 0.1 s: (x, clip numbers)."""
        rng = self.rng
        pick = rng.integers(0, len(label), n)
        x = np.empty((n, ROWS, 40), np.int8)
        kinds = rng.random(n)
        copies = rng.integers(0, len(context), n)
        shifts = np.clip(np.rint(rng.normal(0, 2.5, n)), -8, 8).astype(int)
        for i, (p, kind, k, shift) in enumerate(zip(pick, kinds, copies, shifts)):
            if clean is not None and kind < 0.2:
                x[i] = clean[p]
            elif kind < 0.5:
                start = min(max(0, FRESH_ROW + shift), 10)
                x[i] = fresh[k][p, start : start + ROWS]
            else:
                x[i] = context[k][p, CONTEXT_ROW + shift : CONTEXT_ROW + shift + ROWS]
        return x, pick

    def pieces(self, n):
        """Windows without a whole word: (x, label)."""
        rng = self.rng
        speech = np.flatnonzero(self.label > 0)
        x = np.empty((n, ROWS, 40), np.int8)
        y = np.full(n, NEITHER)
        for i, kind in enumerate(rng.random(n)):
            a, b = (self.context[rng.integers(len(self.context))][rng.choice(speech)] for _ in "ab")
            if kind < 0.3:  # ends before the word
                start = CONTEXT_ROW - rng.integers(33, 44)
                x[i] = a[start : start + ROWS]
            elif kind < 0.65:  # the beginning of one clip, the end of another
                cut = rng.integers(20, 29)
                x[i] = np.concatenate([a[60 : 60 + cut], b[60 + cut : 109]])
                y[i] = 1
            else:  # backwards
                x[i] = a[60:109][::-1]
                y[i] = 1
        return x, y

    def draw(self, n):
        """(x float32 [n, 1, 49, 40], label int64 [n]) after masks and mixing of levels."""
        rng = self.rng
        counts = rng.multinomial(n, self.shares)
        xs, ys = [], []
        x, pick = self.clips(counts[0], self.label, self.context, self.fresh, self.clean)
        xs, ys = [x], [self.label[pick]]
        x, pick = self.clips(counts[1], self.word_label, self.word_context, self.word_fresh, None)
        xs.append(x)
        ys.append(self.word_label[pick])
        minute = rng.integers(0, len(self.talk), counts[2])
        at = rng.integers(0, self.talk.shape[1] - ROWS, counts[2])
        xs.append(self.talk[minute[:, None], at[:, None] + np.arange(ROWS)])
        ys.append(np.full(counts[2], NEITHER))
        x, y = self.pieces(counts[3])
        xs.append(x)
        ys.append(y)
        x, y = np.concatenate(xs), np.concatenate(ys)
        x = self.masked(real(x))
        return x[:, None], y

    def masked(self, x):
        """SpecAugment: stretches of time and bands of features set to 0."""
        rng = self.rng
        n = len(x)
        for axis, longest, chance in ((1, 7, 0.5), (2, 6, 0.5)):
            length = rng.integers(1, longest + 1, n)
            start = rng.integers(0, x.shape[axis], n)
            at = np.arange(x.shape[axis])
            hit = (at >= start[:, None]) & (at < (start + length)[:, None])
            hit &= rng.random((n, 1)) < chance
            x[hit if axis == 1 else np.broadcast_to(hit[:, None], x.shape)] = 0
        return x
