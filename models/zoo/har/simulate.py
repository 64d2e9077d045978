"""Simulated signals of a phone in a trouser pocket and a watch, for calibration, golden files and the demo.

In: a device, a seed, a list of (activity, seconds).  Out: x float32 [n, 6] at 50 Hz in g and 250 degrees/s,
labels int [n].

Gravity moves between a seated and a standing posture.  Walking adds the stride (arm or leg swing), the steps
(its second harmonic) and the third harmonic.  A turn is a yaw of 180 degrees about the upright axis.  Noise
is added. Amplitudes are rounded values of such sensors.  No recording is used.
"""

import numpy as np

from model import LABELS

RATE_HZ = 50
SEATED, STANDING_UP, WALKING, TURNING, SITTING_DOWN = range(len(LABELS))
# gravity when seated and when standing, in g; index of the upright axis when standing
POSTURE = {
    "watch": ((-0.3, -0.3, 0.85), (-0.95, -0.28, 0.0), 0),
    "phone": ((-0.45, -0.1, -0.85), (-0.2, -0.95, -0.1), 1),
}
# amplitudes of the stride, the steps and the third harmonic: ax ay az gx gy gz
STRIDE = {
    "watch": (
        (0.09, 0.09, 0.11, 0.23, 0.18, 0.45),
        (0.2, 0.08, 0.06, 0.13, 0.1, 0.17),
        (0.06, 0.04, 0.04, 0.1, 0.05, 0.08),
    ),
    "phone": (
        (0.08, 0.1, 0.19, 0.26, 0.17, 0.15),
        (0.15, 0.25, 0.16, 0.15, 0.1, 0.08),
        (0.12, 0.12, 0.13, 0.09, 0.07, 0.06),
    ),
}
ROUND = (
    (SEATED, 2.5),
    (STANDING_UP, 1.2),
    (WALKING, 4.5),
    (TURNING, 1.2),
    (WALKING, 4.5),
    (TURNING, 1.2),
    (SITTING_DOWN, 1.4),
    (SEATED, 1.5),
)


def smooth(values, samples):
    """Running mean over `samples` samples; the ends are held."""
    padded = np.pad(values, ((samples // 2, samples - 1 - samples // 2), (0, 0)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((1, 0), (0, 0))), 0)
    return (sums[samples:] - sums[:-samples]) / samples


def recording(device, seed, script):
    rng = np.random.default_rng([seed, sorted(POSTURE).index(device)])
    seated, upright, axis = (np.array(p, float) for p in POSTURE[device])
    axis = int(axis)
    labels = np.concatenate([np.full(round(s * RATE_HZ), a) for a, s in script])
    n = len(labels)
    t = np.arange(n) / RATE_HZ
    up, yaw = np.zeros(n), np.zeros(n)
    at, standing = 0, 0.0
    for activity, seconds in script:
        part = slice(at, at + round(seconds * RATE_HZ))
        ramp = np.linspace(0, 1, part.stop - part.start)
        if activity in (STANDING_UP, SITTING_DOWN):
            goal = float(activity == STANDING_UP)
            up[part] = standing + (goal - standing) * (0.5 - 0.5 * np.cos(np.pi * ramp))
            standing = goal
        else:
            up[part] = standing
        if activity == TURNING:
            yaw[part] = rng.choice([-1, 1]) * (180 / 250) / seconds * np.pi / 2 * np.sin(np.pi * ramp)
        at = part.stop
    wobble = smooth(rng.normal(0, 0.3, (n, 3)), 15) * np.sin(np.pi * up)[:, None]
    gravity = seated + (upright - seated) * up[:, None]
    gravity = gravity / np.linalg.norm(gravity, axis=1, keepdims=True)
    # a change of gravity in the device's frame is a rotation: omega = gravity x its change
    turn = -np.cross(gravity, np.gradient(gravity, 1 / RATE_HZ, axis=0)) * 180 / np.pi / 250
    x = np.concatenate([gravity + wobble, turn], 1)
    x[:, 3 + axis] += yaw
    walks = smooth(np.isin(labels, (WALKING, TURNING)).astype(float)[:, None], 25) * (1 - 0.35 * smooth((labels == TURNING)[:, None] * 1.0, 25))
    stride = 2 * np.pi * np.cumsum(0.9 * (1 + 0.03 * smooth(rng.normal(0, 3, (n, 1)), 50)[:, 0])) / RATE_HZ
    for harmonic, heights in enumerate(STRIDE[device], 1):
        phase = rng.uniform(0, 2 * np.pi, 6)
        height = np.array(heights) * rng.uniform(0.8, 1.4, 6)
        x += walks * height * np.sin(harmonic * stride[:, None] + phase)
    impact = np.maximum(0, np.sin(2 * stride + rng.uniform(0, 6))) ** 8
    x[:, axis] += walks[:, 0] * 0.35 * np.sign(upright[axis]) * impact
    moving = 0.3 + 0.7 * np.maximum(walks[:, 0], np.sin(np.pi * up))
    x += moving[:, None] * rng.normal(0, (0.05, 0.05, 0.05, 0.03, 0.03, 0.03), (n, 6))
    return x.astype(np.float32), labels
