"""Simulated ECG for calibration, golden files and the demo: beats are sums of Gaussians at known times.

In: a seed, seconds, probabilities of ectopic beats.  Out: mV float32 [n] at 180 Hz, samples of R waves int
[beats], classes int [beats] (0 N 1 S 2 V).

N has P, Q, R, S and T.  V comes early, without P, with a wide QRS and an opposite T.  After it there is a
pause, so that the next beat comes at its regular time.  S comes early with its own P; the beat after it
follows at the usual distance.  Heights and widths are random for each patient, within textbook values.  No
recording is used.
"""

import numpy as np

from model import RATE_HZ

N, S, V = range(3)


def shapes(rng):
    """Waves of each class: [height in mV, centre in s from R, width in s]."""
    r = rng.uniform(0.7, 1.8)
    t = rng.uniform(0.15, 0.4) * r
    normal = [
        [rng.uniform(0.08, 0.18), -0.17, 0.022],
        [-rng.uniform(0.03, 0.15) * r, -0.028, 0.008],
        [r, 0.0, 0.0105],
        [-rng.uniform(0.1, 0.35) * r, 0.03, 0.011],
        [t, 0.27, 0.045],
    ]
    early = [[0.6 * normal[0][0], -0.14, 0.018], *normal[1:]]
    side = rng.choice([-1, 1], p=[0.3, 0.7])
    h = side * r * rng.uniform(0.9, 1.5)
    wide = [
        [h, 0.0, rng.uniform(0.026, 0.036)],
        [-h * rng.uniform(0.3, 0.6), 0.085, 0.032],
        [-h * rng.uniform(0.2, 0.4), 0.28, 0.07],
    ]
    return {N: normal, S: early, V: wide}


def recording(seed, seconds, ventricular=0.08, supraventricular=0.02):
    rng = np.random.default_rng([seed, 180])
    waves = shapes(rng)
    beat_s = 60 / rng.uniform(55, 95)
    times, kinds, at, breath = [], [], 0.5, rng.uniform(0, 6)
    while at < seconds - 0.6:
        normal = beat_s * (1 + 0.04 * np.sin(2 * np.pi * 0.23 * at + breath) + 0.02 * rng.normal())
        draw = rng.random()
        calm = len(kinds) > 2 and kinds[-1] == N
        if calm and draw < ventricular:
            early = rng.uniform(0.55, 0.72) * normal
            times += [at - normal + early, at + normal]
            kinds += [V, N]
            at += 2 * normal
        elif calm and draw < ventricular + supraventricular:
            early = rng.uniform(0.6, 0.75) * normal
            times.append(at - normal + early)
            kinds.append(S)
            at += early
        else:
            times.append(at)
            kinds.append(N)
            at += normal
    n = int(seconds * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    x = np.zeros(n)
    for time, kind in zip(times, kinds):
        near = slice(max(0, int((time - 0.5) * RATE_HZ)), min(n, int((time + 0.8) * RATE_HZ)))
        gain = 1 + 0.05 * rng.normal()
        for height, centre, width in waves[kind]:
            x[near] += gain * height * np.exp(-0.5 * ((t[near] - time - centre) / width) ** 2)
    x += 0.08 * np.sin(2 * np.pi * 0.23 * t + breath) + 0.05 * np.sin(2 * np.pi * 0.07 * t)
    x += rng.uniform(0.008, 0.025) * rng.normal(size=n)
    keep = np.array(times) < (n - 1) / RATE_HZ
    return x.astype(np.float32), np.rint(np.array(times)[keep] * RATE_HZ).astype(int), np.array(kinds)[keep]
