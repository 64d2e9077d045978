"""Keyword network: two-dimensional stem over time and features, then depthwise-separable
convolutions over time.  No padding in time anywhere; padding over features only.

    [B, 1, T, 40] real features -> [B, 12] logits, T = 49 (one second at 20 ms)
"""

import torch
from torch import nn

ROWS, CHANNELS, CLASSES = 49, 40, 12
HOP = 2  # rows, 40 ms; also the total stride


def block(inputs, outputs, kernel, stride=(1, 1), groups=1):
    """Convolution [time, feature], padded over features, batch norm, ReLU."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, (0, kernel[1] // 2), groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


class KeywordNet(nn.Module):
    def __init__(self, stem=16, mid=(32, 48), width=64, kernels=(5, 5, 5), dropout=0.05):
        super().__init__()
        layers = block(1, stem, (3, 5), (2, 2))  # 24 rows of 20
        channels = stem
        for outputs in mid:  # 22 rows of 10, 20 rows of 5
            layers += block(channels, channels, (3, 3), (1, 2), channels)
            layers += block(channels, outputs, (1, 1))
            channels = outputs
        layers += [
            nn.Conv2d(channels, width, (1, 5), bias=False),  # all features of a row
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        for k in kernels:
            layers += [
                nn.Conv2d(width, width, (k, 1), groups=width, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            layers += block(width, width, (1, 1))
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, CLASSES)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x):
        return self.output(self.dropout(self.trunk(x).mean((2, 3))))
