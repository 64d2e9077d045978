"""Keyword network: a convolution over all features, then depthwise-separable convolutions over
time.  No padding in time anywhere, so that streaming is exact.

    [B, 1, T, 40] real features -> [B, 12] logits, T = 49 (one second at 20 ms)
"""

import torch
from torch import nn

ROWS, CHANNELS, CLASSES = 49, 40, 12
HOP = 2  # rows, 40 ms; also the total stride


def block(inputs, outputs, kernel, stride=(1, 1), groups=1):
    """Convolution [time, feature] without padding, batch norm, ReLU."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


class KeywordNet(nn.Module):
    def __init__(self, width=96, kernels=(5, 5, 5, 5), dropout=0.1):
        super().__init__()
        layers = block(1, width, (3, CHANNELS), (2, 1))  # 24 rows
        for k in kernels:  # 20, 16, 12, 8 rows
            layers += block(width, width, (k, 1), groups=width)
            layers += block(width, width, (1, 1))
            layers.append(nn.Dropout(dropout))
        self.trunk = nn.Sequential(*layers)
        self.output = nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.output(self.trunk(x).mean((2, 3)))
