"""When a word is heard: the rule of host/session/detector.ts on stored scores, and the choice of the cutoff.

Heard if the mean of the latest SLIDING_WINDOW scores is above the cutoff. Then the window is empty, and
nothing is heard until scores were below the cutoff for REFRACTORY_MS in total.
"""

import numpy as np

SLIDING_WINDOW, REFRACTORY_MS = 3, 1000
# the tests of the choice: false accepts per hour of speech, and share of hits
WANTED_FALSE, WANTED_HITS = 1.0, 0.97
CUTOFFS = 1 / (1 + np.exp(-np.linspace(-3, 3.9, 70)))
LATEST_S = 1.0  # a hit comes up to a second after the end of the phrase


def heard(scores, cutoff, step_ms):
    """Indexes of the scores that complete a detection."""
    n = SLIDING_WINDOW
    means = np.convolve(scores, np.ones(n) / n, "valid")
    above = np.flatnonzero(means > cutoff) + n - 1
    below = np.cumsum(scores < cutoff)
    out, at = [], 0
    wait = int(np.ceil(REFRACTORY_MS / step_ms))
    while at < len(above):
        out.append(int(above[at]))
        # the first score at which `wait` scores after the detection were below the cutoff
        ready = np.searchsorted(below, below[out[-1]] + wait)
        at = int(np.searchsorted(above, max(ready, out[-1] + n)))
    return out


def matched(times, spans):
    """Whether each span was heard, and the number of times that belong to none. times, spans: seconds."""
    hits, wrong = np.zeros(len(spans), bool), 0
    for time in times:
        fits = [i for i, (a, b) in enumerate(spans) if not hits[i] and (a + b) / 2 < time <= b + LATEST_S]
        if fits:
            hits[fits[0]] = True
        else:
            wrong += 1
    return hits, wrong


def curve(scores, times, spans, speech_hours, step_ms):
    """[(cutoff, share of spans heard, false accepts per hour of speech)] for CUTOFFS."""
    out = []
    for cutoff in CUTOFFS:
        hits, wrong = matched(times[heard(scores, cutoff, step_ms)], spans)
        out.append((float(cutoff), float(hits.mean()), wrong / speech_hours))
    return out


def choice(points):
    """The cutoff: half-way, in log-odds, from the lowest that is quiet to the highest with WANTED_HITS.

    Quiet: false accepts are at most WANTED_FALSE. If no quiet cutoff has WANTED_HITS, it is the lowest quiet one.
    """
    quiet = next((c for c, _, wrong in points if wrong <= WANTED_FALSE), points[-1][0])
    sure = max((c for c, hits, _ in points if hits >= WANTED_HITS), default=quiet)
    odds = [np.log(c / (1 - c)) for c in (quiet, max(quiet, sure))]
    return round(float(1 / (1 + np.exp(-np.mean(odds)))), 3)
