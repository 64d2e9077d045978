"""Keyword network: a convolution over features, then depthwise-separable convolutions over time.

    [B, 1, T, 40] real features -> [B, 12] logits, T = 49 (one second at 20 ms)

The first layer slides over features, so that a voice that lies a little higher looks alike;
the second joins all features of a row to 96 channels; four depthwise-separable convolutions over
nine rows follow, then the mean over the window and a dense layer.  Nothing is padded:
streaming is exact and has no warm-up.
"""

import torch
from torch import nn

ROWS, CHANNELS, CLASSES = 49, 40, 12
HOP = 2  # rows, 40 ms; the total stride is 1
STEM, WIDTH, KERNEL, BLOCKS, DROPOUT = 12, 96, 9, 4, 0.2
MEAN, SPREAD = 8.0, 2.2  # of real features: the network reads (x - MEAN) / SPREAD


def layer(inputs, outputs, kernel, stride=(1, 1), groups=1):
    """Convolution [time, feature] without padding, batch norm, ReLU."""
    return [nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


class KeywordNet(nn.Module):
    def __init__(self):
        super().__init__()
        layers = layer(1, STEM, (3, 7), (1, 2)) + layer(STEM, WIDTH, (1, (CHANNELS - 7) // 2 + 1))
        for _ in range(BLOCKS):
            layers += layer(WIDTH, WIDTH, (KERNEL, 1), groups=WIDTH)
            layers += [*layer(WIDTH, WIDTH, (1, 1)), nn.Dropout(DROPOUT)]
        self.trunk = nn.Sequential(*layers)
        self.output = nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        return self.output(self.trunk((x - MEAN) / SPREAD).mean((2, 3)))
