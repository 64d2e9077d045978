"""Invented patients: beats cut from records, in synthetic rhythms.

The usual beat of an invented patient may be any beat of any record, also a ventricular one.  V is a beat of
another patient that comes early and is followed by a pause.  S is the usual beat that comes early.  Some
rhythms are irregular without V or S, as in atrial fibrillation.  So a network cannot decide by the shape of a
beat only, nor by its time only: it must compare the beat with its neighbours.
"""

import numpy as np

from model import RATE_HZ

BEFORE, AFTER = 45, 80
TAPER = np.minimum(1, np.minimum(np.arange(BEFORE + AFTER), np.arange(BEFORE + AFTER)[::-1]) / 12)
N, S, V = range(3)


def template(rng, record, wanted):
    """A beat [BEFORE + AFTER] with its R wave at BEFORE and both ends at 0.

    It has the wanted class if the record has a beat of it, else class N.
    """
    x, at, kind = record
    usable = np.flatnonzero((kind == wanted) & (at > BEFORE) & (at < len(x) - AFTER))
    if len(usable) == 0:
        usable = np.flatnonzero((kind == N) & (at > BEFORE) & (at < len(x) - AFTER))
    mark = at[rng.choice(usable)]
    beat = x[mark - BEFORE : mark + AFTER]
    beat = beat - np.linspace(beat[:5].mean(), beat[-5:].mean(), len(beat))
    return beat * TAPER


def put(x, beat, mark, stretch, gain):
    """Add a beat to x, stretched in time.  mark: position of its R wave in samples, may be fractional."""
    first, last = int(np.ceil(mark - BEFORE * stretch)), int(mark + (AFTER - 1) * stretch)
    first, last = max(first, 0), min(last, len(x) - 1)
    if last < first:
        return
    at = (np.arange(first, last + 1) - mark) / stretch + BEFORE
    x[first : last + 1] += gain * np.interp(at, np.arange(len(beat)), beat, left=0, right=0)


def patient(rng, group, samples):
    """(mV [samples], marks, classes)."""
    usual = template(rng, group[rng.integers(len(group))], rng.choice([N, V]))
    early = template(rng, group[rng.integers(len(group))], V)
    size = max(np.abs(usual).max(), 0.05)
    usual = usual / size * rng.uniform(0.4, 1.8)
    early = early / max(np.abs(early).max(), 0.05) * np.abs(usual).max() * rng.uniform(0.6, 1.8) * rng.choice([-1, 1])
    stretch = np.exp(rng.uniform(-0.25, 0.25, 2))
    wave = np.arange(BEFORE + AFTER) - BEFORE
    atrial = rng.uniform(0, 0.15) * np.abs(usual).max() * np.exp(-0.5 * ((wave / RATE_HZ + rng.uniform(0.14, 0.22)) / 0.022) ** 2)
    usual = usual + (rng.random() < 0.7) * atrial * TAPER
    distance = rng.uniform(0.5, 1.3) * RATE_HZ
    jitter = rng.choice([0.02, 0.05, 0.25], p=[0.4, 0.25, 0.35])
    often = rng.choice([0, 0.05, 0.15, 0.35, 0.8], p=[0.4, 0.15, 0.2, 0.15, 0.1])
    runs = rng.uniform(0, 0.4)
    atrial_often = rng.choice([0, 0.1])
    x, marks, kinds = np.zeros(samples), [], []
    at, last = -rng.uniform(0, distance), N
    while at < samples + BEFORE:
        kind = V if (rng.random() < (runs if last == V else often)) else N
        if kind == V:
            at -= distance * rng.uniform(0.2, 0.5) if last == N else distance * rng.uniform(0, 0.4)
            put(x, early, at, stretch[1], 1 + 0.05 * rng.normal())
        elif last == N and jitter < 0.1 and rng.random() < atrial_often:
            kind = S
            at -= distance * rng.uniform(0.2, 0.45)
            put(x, usual, at, stretch[0], 1 + 0.05 * rng.normal())
        else:
            put(x, usual, at, stretch[0], 1 + 0.05 * rng.normal())
        marks.append(at)
        kinds.append(kind)
        last = kind
        at += distance * (rng.uniform(1, 1.5) if kind == V else 1 + jitter * rng.normal())
        at = max(at, marks[-1] + 0.3 * RATE_HZ)
    inside = [(m, k) for m, k in zip(marks, kinds) if 0 <= m < samples]
    return x, np.array([m for m, _ in inside]), np.array([k for _, k in inside], int)
