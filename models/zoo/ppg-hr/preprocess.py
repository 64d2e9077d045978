"""Causal PPG front end: band-pass biquads, automatic gain, clip.

In:   raw PPG, any unit, any offset, either polarity; shape [..., samples].
Out:  dimensionless signal in [-4, 4], same shape; about 1 = mean absolute level.

Per sample, in float64, with x0 the first sample of the recording:

    u    = x - x0                                   (removes the start-up step)
    v    = highpass(u), w = lowpass(v)              (Butterworth, second order)
    level = level + max(alpha, 1/n) * (|w| - level) (n = 1, 2, ... samples seen)
    out  = clip(w / max(level, floor), -4, 4)

alpha = 1 - exp(-1 / (tau * rate)).  Values do not depend on later samples or on the start
of a window, so they are equal in overlapping windows and the signal can be streamed.
The biquads are the bilinear-transform designs of R. Bristow-Johnson's "Audio EQ
Cookbook" with Q = 1/sqrt(2), run in transposed direct form II.

host/features/ppg.ts is the same algorithm, operation by operation.
"""

import math

import numpy as np

RATE_HZ = 32.0
HIGHPASS_HZ = 0.5
LOWPASS_HZ = 8.0
TAU_S = 3.0
FLOOR = 1e-6
LIMIT = 4.0


def biquad(kind, cutoff_hz, rate_hz):
    """Butterworth biquad coefficients (b0, b1, b2, a1, a2), a0 normalised to 1."""
    omega = 2.0 * math.pi * cutoff_hz / rate_hz
    cosine = math.cos(omega)
    alpha = math.sin(omega) / math.sqrt(2.0)
    a0 = 1.0 + alpha
    if kind == "highpass":
        edge, middle = (1.0 + cosine) / 2.0, -(1.0 + cosine)
    elif kind == "lowpass":
        edge, middle = (1.0 - cosine) / 2.0, 1.0 - cosine
    else:
        raise ValueError(f"unknown biquad kind {kind!r}")
    return edge / a0, middle / a0, edge / a0, -2.0 * cosine / a0, (1.0 - alpha) / a0


def hold_gaps(raw):
    """Replace each non-finite sample by the one before it (zero-order hold)."""
    raw = np.asarray(raw, dtype=np.float64)
    good = np.isfinite(raw)
    if good.all():
        return raw
    if not good[..., 0].all():
        raise ValueError("the first sample is not finite")
    index = np.maximum.accumulate(np.where(good, np.arange(raw.shape[-1]), 0), axis=-1)
    return np.take_along_axis(raw, index, axis=-1)


def preprocess(raw, rate_hz=RATE_HZ, floor=FLOOR):
    """Run the front end over the last axis.  Each leading index is a separate recording.

    raw: [..., samples], returns float32 [..., samples].
    """
    raw = hold_gaps(raw)
    stages = [biquad("highpass", HIGHPASS_HZ, rate_hz), biquad("lowpass", LOWPASS_HZ, rate_hz)]
    alpha = 1.0 - math.exp(-1.0 / (TAU_S * rate_hz))
    lead = raw.shape[:-1]
    state = np.zeros((2, 2) + lead)
    level = np.zeros(lead)
    out = np.empty(raw.shape, dtype=np.float32)
    offset = raw[..., 0]
    for n in range(raw.shape[-1]):
        w = raw[..., n] - offset
        for s, (b0, b1, b2, a1, a2) in zip(state, stages):
            y = b0 * w + s[0]
            s[0] = b1 * w - a1 * y + s[1]
            s[1] = b2 * w - a2 * y
            w = y
        level = level + max(alpha, 1.0 / (n + 1)) * (np.abs(w) - level)
        out[..., n] = np.clip(w / np.maximum(level, floor), -LIMIT, LIMIT)
    return out
