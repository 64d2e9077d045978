"""Random augmentation of inertial windows: [B, 6, T] float32 -> the same shape.

Accelerometer and gyroscope are rotated alike: about a random axis by up to `turn` degrees, and in some
windows by half a turn about one of the device's axes (a phone upside down, or with its screen to the other
side).
"""

import numpy as np
import torch


def rotations(rng, count, turn, flips):
    """Random rotation matrices [count, 3, 3], by Rodrigues' formula.  flips: share of half turns."""
    axis = rng.normal(size=(count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.radians(turn) * rng.uniform(-1, 1, count)
    zero = np.zeros(count)
    k = np.stack([zero, -axis[:, 2], axis[:, 1], axis[:, 2], zero, -axis[:, 0], -axis[:, 1], axis[:, 0], zero], 1)
    k = k.reshape(count, 3, 3)
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    matrix = np.eye(3) + sine * k + (1 - cosine) * k @ k
    for n in np.flatnonzero(rng.random(count) < flips):
        half = -np.ones(3)
        half[rng.integers(3)] = 1
        matrix[n] = matrix[n] @ np.diag(half)
    return matrix


def warp(rng, starts, samples, largest=0.2):
    """Sample positions [B, samples] of windows with a slightly changing speed and a fixed middle."""
    t = np.linspace(-1, 1, samples)
    speed = rng.uniform(-largest, largest, (len(starts), 1))
    bend = rng.uniform(-0.1, 0.1, (len(starts), 1))
    offset = (samples - 1) / 2 * ((1 + speed) * t + bend * (t**2))
    return starts[:, None] + (samples - 1) / 2 + offset


def change(rng, x, turn, flips):
    """Rotate windows, change the gain and add noise.  x: tensor [B, 6, T]."""
    count = len(x)
    matrix = torch.from_numpy(rotations(rng, count, turn, flips)).float()
    x = torch.cat([matrix @ x[:, :3], matrix @ x[:, 3:]], 1)
    gain = torch.from_numpy(rng.uniform(0.85, 1.15, (count, 2, 1))).float().repeat_interleave(3, 1)
    gain[:, :3] = 1 + (gain[:, :3] - 1) * 0.2
    noise = torch.from_numpy(0.04 * rng.random((count, 1, 1))).float()
    return x * gain + noise * torch.randn(x.shape)
