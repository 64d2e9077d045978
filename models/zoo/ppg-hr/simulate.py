"""Simulated PPG recordings with known heart rate, deterministic for a given (split, seed).

`recording(split, seed, seconds, level)` returns raw PPG and the true rate, both at 32 Hz:

    ppg[n] = polarity * gain * (offset + pulse(phase[n]) * amplitude[n] + artefacts[n])
    bpm[n] = 60 / 8 s * (phase[n] - phase[n - 256])        (mean rate, trailing 8 s)

with `phase` in beats.  Levels: "clean", "moderate" (wander, noise, rare short bursts),
"motion" (long bursts and often a step cadence that differs from the heart rate).
"""

import numpy as np

import artefacts

RATE_HZ = 32
TRUTH_S = 8
LEVELS = ("clean", "moderate", "motion")
SPLITS = {"train": 0, "validation": 1, "test": 2, "calibration": 3, "demo": 4, "golden": 5}
TABLE = 256


def generator(split, seed):
    """Random generator of one recording; splits never share a stream."""
    return np.random.default_rng([SPLITS[split], seed])


def smooth(x, seconds):
    """First-order low-pass along time that starts in steady state; x [samples]."""
    keep = np.exp(-1.0 / (seconds * RATE_HZ))
    out, y = np.empty_like(x), x[0]
    for n, value in enumerate(x.tolist()):
        y = value + keep * (y - value)
        out[n] = y
    return out


def rate_profile(rng, samples):
    """Slowly changing heart rate in BPM, [samples], within 40..180."""
    t = np.arange(samples) / RATE_HZ
    resting = rng.random() < 0.35
    start = rng.uniform(45, 100) if resting else rng.uniform(40, 180)
    kind = rng.choice(["steady", "ramp", "step", "walk"], p=[0.35, 0.25, 0.2, 0.2])
    if kind == "steady":
        bpm = np.full(samples, start)
    elif kind == "ramp":
        knots = np.cumsum(rng.uniform(15, 60, 12))
        knots = np.concatenate([[0.0], knots])
        slope = rng.uniform(-1.2, 1.2, len(knots) - 1) * np.diff(knots)
        bpm = np.interp(t, knots, reflect(start + np.concatenate([[0.0], np.cumsum(slope)])))
    elif kind == "step":
        edges = np.cumsum(rng.uniform(15, 50, 12))
        values = np.clip(start + rng.normal(0, 25, 13), 42, 178)
        bpm = smooth(values[np.searchsorted(edges, t)], rng.uniform(3, 12))
    else:
        bpm = reflect(start + np.cumsum(rng.normal(0, rng.uniform(0.05, 0.35), samples)))
        bpm = smooth(bpm, 2.0)
    return np.clip(bpm, 40, 180)


def reflect(bpm, low=42.0, high=178.0):
    """Fold values back into [low, high], keeping them continuous."""
    span = high - low
    folded = np.mod(bpm - low, 2 * span)
    return low + np.where(folded > span, 2 * span - folded, folded)


def beat_phase(rng, bpm, respiration):
    """Phase in beats from the rate in BPM, with heart rate variability; [samples].

    Variability: respiratory sinus arrhythmia, a 0.1 Hz component (both shrink with the
    rate) and jitter of each beat.
    """
    t = np.arange(len(bpm)) / RATE_HZ
    rest = np.clip((130 - bpm) / 80, 0.05, 1.0)
    arrhythmia = rng.uniform(0, 0.08) * np.sin(respiration + rng.uniform(0, 2 * np.pi))
    slow = rng.uniform(0, 0.04) * np.sin(
        2 * np.pi * rng.uniform(0.07, 0.13) * t + rng.uniform(0, 6)
    )
    phase = rng.random() + np.cumsum(bpm / 60 * (1 + rest * (arrhythmia + slow))) / RATE_HZ
    beats = np.arange(int(phase[-1]) + 3)
    jitter = rng.uniform(0, 0.04) * rng.normal(0, 1, len(beats)).clip(-3, 3)
    return phase + np.interp(phase, beats, jitter) * rest


def bump(phase, centre, width):
    """Periodic Gaussian-like bump over phase in beats."""
    return np.exp((np.cos(2 * np.pi * (phase - centre)) - 1) / (2 * np.pi * width) ** 2)


def pulse_table(rng, kind=None):
    """One beat, [TABLE], with mean 0 and peak-to-peak height 1.

    Kinds: "notch" (systolic, reflected and dicrotic waves), "skewed" (fast rise, slow
    decay), "damped" (one broad wave), "double" (dicrotic nearly as high as systolic).
    """
    kind = kind or rng.choice(["notch", "skewed", "damped", "double"], p=[0.4, 0.25, 0.2, 0.15])
    phase = np.arange(TABLE) / TABLE
    if kind == "skewed":
        rise = rng.uniform(0.1, 0.3)
        up = 0.5 - 0.5 * np.cos(np.pi * np.minimum(phase / rise, 1))
        decay = ((1 - phase) / (1 - rise)).clip(0, 1) ** rng.uniform(0.8, 2.0)
        wave = np.where(phase < rise, up, decay)
        wave = wave + rng.uniform(0, 0.12) * bump(phase, rise + rng.uniform(0.25, 0.4), 0.05)
    elif kind == "damped":
        wave = bump(phase, 0.3, rng.uniform(0.14, 0.25))
        wave = wave + rng.uniform(0, 0.15) * np.sin(4 * np.pi * phase + rng.uniform(0, 6))
    else:
        peak, width = rng.uniform(0.15, 0.28), rng.uniform(0.06, 0.11)
        dicrotic = rng.uniform(0.05, 0.4) if kind == "notch" else rng.uniform(0.4, 0.75)
        wave = bump(phase, peak, width)
        wave = wave + rng.uniform(0, 0.6) * bump(phase, peak + rng.uniform(0.1, 0.18), width * 1.3)
        wave = wave + dicrotic * bump(phase, peak + rng.uniform(0.28, 0.45), rng.uniform(0.05, 0.1))
    wave = wave - wave.mean()
    return wave / np.ptp(wave)


def pulses(rng, phase, bpm):
    """Pulse train of unit amplitude, [samples].  Its shape becomes broader as the rate
    rises, and the amplitude varies from beat to beat."""
    at = phase * TABLE
    low = np.interp(at, np.arange(TABLE), pulse_table(rng), period=TABLE)
    high = np.interp(at, np.arange(TABLE), pulse_table(rng, "damped"), period=TABLE)
    blend = np.clip((bpm - rng.uniform(80, 120)) / 60, 0, rng.uniform(0.3, 1.0))
    beats = np.arange(int(phase[-1]) + 3)
    strength = 1 + rng.uniform(0, 0.22) * rng.normal(0, 1, len(beats)).clip(-2.5, 2.5)
    return ((1 - blend) * low + blend * high) * np.interp(phase, beats + 0.5, strength)


def recording(split, seed, seconds, level, bpm=None):
    """Raw PPG and true rate, both float64 [seconds * 32].

    bpm: heart rate before variability, [(seconds + 8) * 32], with 8 s of lead-in.
    Default: drawn at random.
    """
    if level not in LEVELS:
        raise ValueError(f"unknown level {level!r}")
    rng = generator(split, seed)
    lead = TRUTH_S * RATE_HZ
    samples = int(seconds * RATE_HZ) + lead
    bpm = rate_profile(rng, samples) if bpm is None else np.asarray(bpm, dtype=np.float64)
    breaths = np.cumsum(rng.uniform(0.15, 0.45) * (1 + 0.1 * artefacts.slow_noise(rng, samples, 5)))
    respiration = 2 * np.pi * breaths / RATE_HZ
    phase = beat_phase(rng, bpm, respiration)
    signal = pulses(rng, phase, bpm)
    signal = signal * (1 + rng.uniform(0, 0.25) * np.sin(respiration + rng.uniform(0, 6)))
    signal = artefacts.add(rng, signal, respiration, bpm, level)
    truth = 60 / TRUTH_S * (phase[lead:] - phase[:-lead])
    return signal[lead:], truth


def batch(split, seeds, seconds, level_of):
    """Stack recordings: (ppg [n, samples], bpm [n, samples]); level_of(seed) -> level."""
    pairs = [recording(split, seed, seconds, level_of(seed)) for seed in seeds]
    return np.stack([p for p, _ in pairs]), np.stack([b for _, b in pairs])
