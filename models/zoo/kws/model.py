"""Keyword network: a stem that reads all features of a row, residual blocks over time, a mean.

    [B, 1, T, 40] real features -> [B, 12] logits, T = 49 (one second at 20 ms)

The stem slides a convolution over the features, so that a slightly higher voice looks similar, and converts
them to channels.  Each block adds to its input what a depthwise convolution over nine rows and a pointwise one
find in it.  Then the mean over the window, and a dense layer.

No layer has padding, so streaming is exact and has no warm-up.  The total stride is 1: any hop is possible.
"""

import torch
from torch import nn

ROWS, CHANNELS, CLASSES = 49, 40, 12
HOP = 2  # rows, 40 ms
KERNEL, BLOCKS = 9, 5
MEAN, SPREAD = 8.0, 2.2  # statistics of the features: the network reads (x - MEAN) / SPREAD
# channels of the first convolution, and of all layers behind it; dropout
SIZES = {"large": (16, 128, 0.2), "small": (12, 64, 0.2), "tiny": (8, 32, 0)}


def layer(inputs, outputs, kernel, stride=(1, 1), groups=1):
    """Convolution [time, feature] without padding, batch norm, ReLU."""
    return [nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def stem(channels, width):
    """[B, 1, T, 40] -> [B, width, T - 2, 1]."""
    return layer(1, channels, (3, 7), (1, 2)) + layer(channels, width, (1, (CHANNELS - 7) // 2 + 1))


class Block(nn.Module):
    """[B, width, T, 1] -> [B, width, T - 8, 1]."""

    def __init__(self, width, dropout):
        super().__init__()
        found = layer(width, width, (KERNEL, 1), groups=width) + layer(width, width, (1, 1))[:2]
        self.found = nn.Sequential(*found, nn.Dropout(dropout))

    def forward(self, x):
        middle = x[:, :, KERNEL // 2 : x.shape[2] - KERNEL // 2]
        return torch.relu(middle + self.found(x))


class WordNet(nn.Module):
    """size: a key of SIZES."""

    def __init__(self, size):
        super().__init__()
        self.size = size
        channels, width, dropout = SIZES[size]
        self.trunk = nn.Sequential(*stem(channels, width), *(Block(width, dropout) for _ in range(BLOCKS)))
        self.output = nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.output(self.trunk((x - MEAN) / SPREAD).mean((2, 3)))
