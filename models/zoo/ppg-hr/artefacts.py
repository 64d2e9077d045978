"""Artefacts of the PPG simulator.  Signals are [samples] at 32 Hz; the pulse has height 1."""

import numpy as np

RATE_HZ = 32

# level: (wander, respiration, white noise, pulse band noise, steps/min, dips/min, bursts/min,
#         burst s, burst height, chance of a cadence)
SETTINGS = {
    "clean": (0.3, 0.2, 0.03, 0.03, 0.0, 0.0, 0.0, (0, 0), (0, 0), 0.0),
    "moderate": (1.5, 0.5, 0.15, 0.15, 2.0, 3.0, 0.7, (0.5, 2.5), (0.5, 3.0), 0.1),
    "motion": (2.0, 0.5, 0.2, 0.2, 2.0, 3.0, 2.0, (1.0, 8.0), (0.5, 6.0), 0.8),
}


def slow_noise(rng, samples, seconds):
    """Noise of unit standard deviation varying over about `seconds`."""
    knots = int(samples / RATE_HZ / seconds) + 4
    at = np.arange(samples) / RATE_HZ / seconds + rng.random()
    return np.interp(at, np.arange(knots + 1), rng.normal(0, 1, knots + 1)) * 1.2


def coloured(rng, samples, low_hz, high_hz):
    """Band-limited Gaussian noise of unit standard deviation, by masking its spectrum."""
    freq = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    spectrum = rng.normal(0, 1, len(freq)) + 1j * rng.normal(0, 1, len(freq))
    x = np.fft.irfft(spectrum * ((freq >= low_hz) & (freq <= high_hz)), samples)
    return x / (x.std() + 1e-12)


def window(samples, start, length, edge):
    """0..1 envelope with cosine edges; start, length and edge in samples."""
    n = np.arange(samples)
    up = np.clip((n - start) / edge, 0, 1)
    down = np.clip((start + length - n) / edge, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * np.minimum(up, down))


def bursts(rng, samples, per_minute, duration, height):
    """Irregular motion: short stretches of noise above 0.4 Hz, with a shift of the baseline."""
    out = np.zeros(samples)
    for _ in range(rng.poisson(per_minute * samples / RATE_HZ / 60)):
        length = rng.uniform(*duration) * RATE_HZ
        shape = window(samples, rng.uniform(0, samples), length, max(4.0, length / 4))
        noise = coloured(rng, samples, 0.4, rng.uniform(1.5, 5.0))
        out += rng.uniform(*height) * shape * (0.5 * noise + rng.normal(0, 0.5))
    return out


def steps(rng, samples, per_minute):
    """Contact changes: jumps that decay within seconds."""
    out = np.zeros(samples)
    t = np.arange(samples) / RATE_HZ
    for _ in range(rng.poisson(per_minute * samples / RATE_HZ / 60)):
        at, tau = rng.uniform(0, t[-1]), rng.uniform(1, 10)
        rise = 0.5 + 0.5 * np.tanh((t - at) / rng.uniform(0.06, 0.8))
        out += rng.normal(0, 3) * rise * np.exp(-np.maximum(t - at, 0) / tau)
    return out


def dips(rng, samples, per_minute):
    """Short touches of the sensor: single bumps of 0.2..1.5 s, up or down."""
    out = np.zeros(samples)
    for _ in range(rng.poisson(per_minute * samples / RATE_HZ / 60)):
        length = rng.uniform(0.2, 1.5) * RATE_HZ
        out += rng.normal(0, 1.2) * window(samples, rng.uniform(0, samples), length, length / 2)
    return out


def cadence(rng, samples, bpm):
    """Periodic motion at 1..3 Hz, at least 12 % away from the mean heart rate."""
    heart = bpm.mean() / 60
    rate = rng.uniform(1, 3)
    while abs(rate / heart - 1) < 0.12:
        rate = rng.uniform(1, 3)
    phase = np.cumsum(rate * (1 + 0.03 * slow_noise(rng, samples, 4))) / RATE_HZ
    wave = np.sin(2 * np.pi * phase) + rng.uniform(0, 0.7) * np.sin(
        4 * np.pi * phase + rng.uniform(0, 6)
    )
    length = rng.uniform(10, 60) * RATE_HZ
    return (
        rng.uniform(0.1, 0.6)
        * wave
        * window(samples, rng.uniform(-0.2, 1) * samples, length, 2 * RATE_HZ)
    )


def add(rng, signal, respiration, bpm, level):
    """Add the artefacts of one level, then scale, invert, offset and quantise."""
    wander, breath, noise, band_noise, *rest = SETTINGS[level]
    step_rate, dip_rate, burst_rate, duration, height, cadence_chance = rest
    samples = len(signal)
    strength = np.exp(rng.uniform(0.05, 0.4) * slow_noise(rng, samples, rng.uniform(5, 30)))
    x = signal * strength
    x = x + rng.uniform(0, wander) * coloured(rng, samples, 0.02, rng.uniform(0.15, 0.35))
    x = x + rng.uniform(0, breath) * np.sin(respiration + rng.uniform(0, 6))
    x = x + steps(rng, samples, step_rate)
    x = x + dips(rng, samples, dip_rate)
    x = x + bursts(rng, samples, burst_rate, duration, height)
    if rng.random() < cadence_chance:
        x = x + cadence(rng, samples, bpm)
    patchy = np.clip(slow_noise(rng, samples, 3), 0, 2)
    x = x + rng.uniform(0, band_noise) * patchy * coloured(rng, samples, 1, rng.uniform(4, 9))
    x = x + rng.uniform(0, noise) * rng.normal(0, 1, samples)
    polarity = 1 if rng.random() < 0.5 else -1
    counts = 10 ** rng.uniform(0.9, 3.5)
    return np.round(polarity * counts * (x + rng.uniform(20, 100)))
