"""Scores to beats, and how many of them are right.

Beats: evidence[j] = sum over answers j-1 .. j+1 of 1 - score(none).  A beat is an answer whose evidence is above a threshold and the
largest within 4 answers (178 ms) on either side, of two equal ones the earlier; its class has the largest sum of scores over answers
j-1 .. j+1, that of V times 1.5 (sensitivity for precision).  host/features/beats.ts is the same rule for a running signal.

Judged: beats that some answer is about, and found beats within 2 s of a true one: longer stretches without a mark (ventricular flutter) were not marked.
Right: a found beat and a true one within 150 ms, each used once, nearest first in time order.
"""

import numpy as np

from model import DELAY, HOP, RATE_HZ, WINDOW

NEAR = 4
THRESHOLD = 1.2
WEIGHTS = np.array([1.0, 1.0, 1.5, 1.0])
TOLERANCE = int(0.15 * RATE_HZ)
GAP = 2 * RATE_HZ
Q = 4


def places(count):
    """The sample that each of count answers is about."""
    return WINDOW - 1 - DELAY + HOP * np.arange(count)


def find(scores, threshold=THRESHOLD):
    """scores [n, 5] -> (answer index [beats], class 0 N 1 S 2 V 3 F [beats])."""
    padded = np.pad(scores[:, 1:], ((1, 1), (0, 0)))
    sums = padded[:-2] + padded[1:-1] + padded[2:]
    evidence = sums.sum(1)
    n = len(evidence)
    around = np.pad(evidence, NEAR, constant_values=-1)
    keep = evidence > threshold
    for d in range(1, NEAR + 1):
        keep &= evidence > around[NEAR - d : NEAR - d + n]
        keep &= evidence >= around[NEAR + d : NEAR + d + n]
    at = np.flatnonzero(keep)
    return at, (sums[at] * WEIGHTS).argmax(1)


def match(found_at, found_class, true_at, true_class):
    """Confusion int [6, 5]: rows N S V F Q and 'no beat', columns found N S V F and 'missed'."""
    table = np.zeros((6, 5), int)
    i = j = 0
    while i < len(found_at) or j < len(true_at):
        gap = found_at[i] - true_at[j] if i < len(found_at) and j < len(true_at) else None
        if gap is not None and abs(gap) <= TOLERANCE:
            table[true_class[j], found_class[i]] += 1
            i, j = i + 1, j + 1
        elif gap is None and i < len(found_at) or gap is not None and gap < 0:
            table[5, found_class[i]] += 1
            i += 1
        else:
            table[true_class[j], 4] += 1
            j += 1
    return table


def judge(scores, true_at, true_class):
    """Confusion of one record, for the beats that some answer is about."""
    at, kind = find(scores)
    where = places(len(scores))
    inside = (true_at >= where[0]) & (true_at <= where[-1])
    near = np.abs(where[at][:, None] - true_at).min(1) <= GAP
    return match(where[at][near], kind[near], true_at[inside], true_class[inside])


def figures(table):
    """Sensitivity and precision of a class; Q beats and what was found at them count for nothing."""
    counted = table[[0, 1, 2, 3, 5]]
    out = {}
    for c, name in enumerate("NSVF"):
        right = table[c, c]
        out[name] = (right / max(1, table[c].sum()), right / max(1, counted[:, c].sum()))
    out["accuracy"] = np.trace(table[:4, :4]) / max(1, table[:4].sum())
    return out


def shown(table):
    f = figures(table)
    parts = [f"{c} sens {100 * f[c][0]:.1f} prec {100 * f[c][1]:.1f}" for c in "NSVF"]
    return ", ".join([f"accuracy {100 * f['accuracy']:.2f}", *parts])
