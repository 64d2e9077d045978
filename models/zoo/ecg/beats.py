"""Find beats in scores, and compare them with true beats.

Beats: evidence[j] = sum over answers j-1 .. j+1 of 1 - score(none).  A beat is an answer whose evidence is
above a threshold and is the largest within 4 answers (178 ms) on each side; of two equal ones the earlier is
taken. Its class has the largest sum of scores over answers j-1 .. j+1.  The sum of V counts 1.5 times, which
trades precision for sensitivity.  host/features/beats.ts has the same rule for a running signal.

Judged are true beats within the range of the answers, and found beats within 2 s of a true one.  Longer
stretches without a true beat are skipped, because nobody marked them (ventricular flutter).
A found beat is correct if it is within 150 ms of a true one.  Each beat is used once, in time order.
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
    """Sample that each of `count` answers describes."""
    return WINDOW - 1 - DELAY + HOP * np.arange(count)


def sums_of(scores):
    """Scores of N, S, V and F, summed over each answer and its neighbours."""
    padded = np.pad(scores[:, 1:], ((1, 1), (0, 0)))
    return padded[:-2] + padded[1:-1] + padded[2:]


def find(scores, threshold=THRESHOLD):
    """scores [n, 5] -> (answer index [beats], class 0 N 1 S 2 V 3 F [beats])."""
    sums = sums_of(scores)
    evidence = sums.sum(1)
    n = len(evidence)
    around = np.pad(evidence, NEAR, constant_values=-1)
    keep = evidence > threshold
    for d in range(1, NEAR + 1):
        keep &= evidence > around[NEAR - d : NEAR - d + n]
        keep &= evidence >= around[NEAR + d : NEAR + d + n]
    at = np.flatnonzero(keep)
    return at, (sums[at] * WEIGHTS).argmax(1)


def truth(found_at, true_at, true_class):
    """True class at each found beat (5: no beat), and whether the found beat is judged."""
    there, j = np.full(len(found_at), 5), 0
    for i, at in enumerate(found_at):
        while j < len(true_at) and true_at[j] < at - TOLERANCE:
            j += 1
        if j < len(true_at) and true_at[j] <= at + TOLERANCE:
            there[i], j = true_class[j], j + 1
    return there, np.abs(found_at[:, None] - true_at).min(1) <= GAP


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
    """Confusion of one record, for the beats within the range of the answers."""
    return judge_beats(places(len(scores)), *find(scores), true_at, true_class)


def judge_beats(where, at, kind, true_at, true_class):
    """Confusion of found beats.  where: sample of each answer; at: answers that are beats."""
    inside = (true_at >= where[0]) & (true_at <= where[-1])
    near = np.abs(where[at][:, None] - true_at).min(1) <= GAP
    return match(where[at][near], kind[near], true_at[inside], true_class[inside])


def figures(table):
    """Sensitivity and precision of each class, and accuracy.  Q beats and beats found there do not count."""
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
