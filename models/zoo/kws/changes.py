"""Random changes of features in training, on the logarithms of the spectrum.

All functions take and return float32 tensors [n, rows, 40], and draw new values for every window from a NumPy
generator.
"""

import numpy as np
import torch
from front_end import SCALE

FEATURES = 40
LARGEST = 255 * SCALE


def tensor(x):
    return torch.from_numpy(np.asarray(x, np.float32))


def weights(at, size):
    """Matrix [n, size, m] that interpolates `size` values linearly at places [n, m], 0 to size - 1."""
    return (1 - (tensor(at)[:, None, :] - torch.arange(size)[:, None]).abs()).clamp_(min=0)


def read(x, at):
    """Rows at fractional places [n, m]: tensor [n, m, 40]."""
    return weights(np.clip(at, 0, x.shape[1] - 1), x.shape[1]).transpose(1, 2) @ x


def shifted(x, most, rng):
    """Features in the middle are shifted by up to `most`, the ends stay: a longer or shorter vocal tract."""
    c = np.arange(FEATURES)
    bump = np.clip(np.minimum(c, FEATURES - 1 - c) / 12, 0, 1)
    at = c + rng.uniform(-most, most, (len(x), 1)) * bump
    return x @ weights(np.clip(at, 0, FEATURES - 1), FEATURES)


def curves(n, knots, height, rng):
    """Smooth random curves over the features, within +-height: tensor [n, 1, 40]. A microphone adds one."""
    at = np.broadcast_to(np.linspace(0, knots - 1, FEATURES), (n, FEATURES))
    return tensor(rng.uniform(-height, height, (n, 1, knots))) @ weights(at, knots)


def loudness(x, share):
    """The value that a share of the values of each window exceeds: tensor [n, 1, 1]."""
    values = x.flatten(1)
    return values.kthvalue(round((1 - share) * (values.shape[1] - 1)) + 1).values[:, None, None]


def stored(x):
    """Values rounded and limited like stored ones."""
    return torch.round(x / SCALE).mul_(SCALE).clamp_(0, LARGEST)


def masked(x, longest, rng):
    """SpecAugment (arXiv 1904.08779): stretches of rows or features are set to the mean.

    longest: (axis, largest length) of each stretch; axis 1 is time, 2 the features.
    """
    n, mean = len(x), x.mean((1, 2), keepdim=True)
    for axis, most in longest:
        start, length = rng.integers(0, x.shape[axis], n), rng.integers(0, most + 1, n)
        at = np.arange(x.shape[axis])
        hit = torch.from_numpy((at >= start[:, None]) & (at < (start + length)[:, None]))
        x = torch.where(hit[:, :, None] if axis == 1 else hit[:, None, :], mean, x)
    return x
