"""Augmentation of sound: rooms, background, gain, speed, tilt.

All functions take and return float32 [n, samples] at 16 kHz, with new random values for every row.
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

RATE_HZ = 16000


def convolve(x, h):
    """Convolve rows of x with rows of h, cut to the length of x."""
    n = next_fast_len(x.shape[1] + h.shape[1], real=True)
    y = irfft(rfft(x, n) * rfft(h, n), n)
    return y[:, : x.shape[1]].astype(np.float32)


def rooms(n, rng, seconds=0.35):
    """Impulse responses: a direct path, some early reflections, a decaying coloured tail."""
    taps = int(seconds * RATE_HZ)
    t = np.arange(taps) / RATE_HZ
    rt60 = rng.uniform(0.08, 0.7, (n, 1))
    tail = rng.standard_normal((n, taps)) * 10 ** (-3 * t / rt60)
    smooth = rng.uniform(0.0, 0.7, (n, 1))
    tail[:, 1:] = (1 - smooth) * tail[:, 1:] + smooth * tail[:, :-1]
    tail[:, : int(0.002 * RATE_HZ)] = 0
    tail /= np.sqrt((tail**2).sum(1, keepdims=True)) + 1e-9
    early = np.zeros((n, taps))
    for _ in range(4):
        early[np.arange(n), rng.integers(16, 480, n)] += rng.uniform(-0.5, 0.5, n)
    h = early * rng.uniform(0, 1, (n, 1)) + tail * rng.uniform(0.1, 1.2, (n, 1))
    h[:, 0] += 1
    return h.astype(np.float32)


def coloured_noise(n, samples, rng):
    """Noise with a spectrum f^-a, a in -0.5..2, and one random resonance; rms 1."""
    spectrum = rfft(rng.standard_normal((n, samples), np.float32))
    hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    hz[0] = hz[1]
    hz = hz.astype(np.float32)
    shape = (hz / 1000) ** (-rng.uniform(-0.5, 2, (n, 1)) / 2)
    shape = np.minimum(shape, 30)
    centre, width = rng.uniform(100, 6000, (n, 1)), rng.uniform(50, 1500, (n, 1))
    shape = shape + rng.uniform(0, 4, (n, 1)) / (1 + ((hz - centre) / width) ** 2)
    x = irfft(spectrum * shape, samples)
    x *= slow_envelope(n, samples, rng)
    return (x / (x.std(1, keepdims=True) + 1e-9)).astype(np.float32)


def slow_envelope(n, samples, rng):
    """Level that wanders between 0.3 and 1."""
    points = rng.uniform(0.3, 1, (n, 6))
    at = np.linspace(0, 5, samples)
    return np.stack([np.interp(at, np.arange(6), p) for p in points])


def tilt(x, rng, db=6):
    """Apply a smooth random frequency response of up to +-db, like another microphone."""
    spectrum = rfft(x)
    knots = np.linspace(0, 1, 6)
    hz = np.linspace(0, 1, spectrum.shape[1]) ** 0.5
    gain = [np.interp(hz, knots, p) for p in rng.uniform(-db, db, (len(x), 6))]
    return irfft(spectrum * 10 ** (np.stack(gain) / 20), x.shape[1]).astype(np.float32)


def warped(x, factor, edges):
    """Play rows of 1 s `factor` times faster around their middle, with the pitch; returns rows of 1.2 s.

    edges: mode of np.pad outside the row.
    """
    padded = np.pad(x, ((0, 0), (4800, 4800)), mode=edges)
    samples = x.shape[1] + 3200
    grid, source = np.arange(samples) - (samples - 1) / 2, np.arange(padded.shape[1])
    out = np.empty((len(x), samples), np.float32)
    for row, f in enumerate(factor):
        out[row] = np.interp(grid * f + (padded.shape[1] - 1) / 2, source, padded[row])
    return out


def mix(speech, noise, snr_db):
    """Add noise at a ratio to the speech's loudest tenth of a second."""
    blocks = speech[:, : speech.shape[1] // 1600 * 1600].reshape(len(speech), -1, 1600)
    level = np.sqrt((blocks**2).mean(2).max(1, keepdims=True)) + 1e-5
    power = np.sqrt((noise**2).mean(1, keepdims=True)) + 1e-9
    return speech + noise * (level / power) * 10 ** (-snr_db[:, None] / 20)


def gain(x, rng, low_db=-20, high_db=8):
    """Apply a random level, and clip at full scale."""
    x = x * 10 ** (rng.uniform(low_db, high_db, (len(x), 1)) / 20)
    return np.clip(x, -1, 1).astype(np.float32)
