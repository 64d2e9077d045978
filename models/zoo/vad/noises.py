"""Kinds of noise without speech, synthesised by formulas.

    NOISES[kind](samples, rng) -> float32 [samples] with rms about 1 (clicks and knocks have high peaks)
"""

import numpy as np
from augment import RATE_HZ, coloured_noise


def unit(x):
    return (x / (np.sqrt((x**2).mean()) + 1e-9)).astype(np.float32)


def noise(samples, rng):
    return coloured_noise(1, samples, rng)[0]


def throbbing(samples, rng):
    """Noise whose level changes as fast as syllables: fans, wheels, waves."""
    t = np.arange(samples) / RATE_HZ
    depth, hz = rng.uniform(0.3, 1), rng.uniform(0.2, 9)
    return unit(noise(samples, rng) * (1 + depth * np.sin(2 * np.pi * (hz * t + 0.3 * np.sin(t * rng.uniform(0.1, 1))))))


def hum(samples, rng):
    """Mains hum or an engine: a low tone and its harmonics."""
    t = np.arange(samples) / RATE_HZ
    base = rng.choice([50, 60, rng.uniform(30, 240)])
    drift = np.cumsum(rng.standard_normal(samples // 1600 + 2)) * rng.choice([0, 0.5])
    phase = 2 * np.pi * (base * t + np.interp(t * 10, np.arange(len(drift)), drift) / 10)
    parts = rng.uniform(0, 1, 14) / np.arange(1, 15) ** rng.uniform(0, 1.5)
    return unit(sum(a * np.sin(k * phase + k) for k, a in enumerate(parts, 1)))


def events(samples, rng, per_second, make):
    """Sounds of `make` at random times."""
    x = np.zeros(samples, np.float32)
    for at in rng.integers(0, samples, 1 + rng.poisson(per_second * samples / RATE_HZ)):
        piece = make(rng)[: samples - at]
        x[at : at + len(piece)] += piece * rng.uniform(0.2, 1)
    return unit(x)


def decaying(samples, rng):
    """A ringing knock: some decaying resonances."""
    t = np.arange(samples) / RATE_HZ
    fade = np.exp(-t / rng.uniform(0.002, samples / RATE_HZ / 4))
    ring = sum(np.sin(2 * np.pi * rng.uniform(80, 5000) * t) for _ in range(3))
    return (ring * rng.uniform(0, 1) + rng.standard_normal(samples) * rng.uniform(0, 1)) * fade


def clicks(samples, rng):
    return events(samples, rng, rng.uniform(1, 8), lambda r: decaying(int(r.integers(160, 1600)), r))


def knocks(samples, rng):
    return events(samples, rng, rng.uniform(0.3, 2), lambda r: decaying(int(r.integers(1600, 9600)), r))


def bursts(samples, rng):
    """Rustle, breath, cloth: short stretches of noise with soft edges."""
    return events(samples, rng, rng.uniform(0.2, 2), lambda r: burst(int(r.integers(800, 16000)), r))


def burst(samples, rng):
    return noise(samples, rng) * np.sin(np.linspace(0, np.pi, samples)) ** rng.uniform(0.3, 3)


def note(rng, samples=None):
    """A tone with harmonics (beep, bell or musical note), steady, gliding or with vibrato."""
    samples = samples or int(rng.integers(1000, 16000))
    t = np.arange(samples) / RATE_HZ
    hz = 110 * 2 ** rng.uniform(0, 5) * (1 + rng.choice([0, 0, rng.uniform(-0.5, 1)]) * t)
    hz = hz * (1 + rng.choice([0, 0.01, 0.05]) * np.sin(2 * np.pi * rng.uniform(2, 8) * t))
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    x = sum(rng.uniform(0, 1) / k * np.sin(k * phase) for k in range(1, int(rng.integers(2, 8))))
    edge = np.minimum(1, np.minimum(t, t[::-1]) * 100)
    return x * edge * np.exp(-t * rng.choice([0, rng.uniform(0.5, 8)]))


def tones(samples, rng):
    return events(samples, rng, rng.uniform(0.3, 3), note)


def music(samples, rng):
    """Notes on a beat, some at once, with a drum."""
    x = np.zeros(samples, np.float32)
    beat = int(rng.uniform(0.15, 0.6) * RATE_HZ)
    for at in range(0, samples, beat):
        for _ in range(rng.integers(0, 4)):
            piece = note(rng, int(beat * rng.uniform(0.5, 2)))[: samples - at]
            x[at : at + len(piece)] += piece
        if rng.random() < 0.5:
            drum = decaying(2400, rng)[: samples - at]
            x[at : at + len(drum)] += drum
    return unit(x)


NOISES = {f.__name__: f for f in (noise, throbbing, hum, clicks, knocks, bursts, tones, music)}
