"""Beat network: strided convolutions, then dilated ones over six seconds, without padding.

It has only convolutions, so a longer signal gives one answer per hop: [B, 1, T] -> [B, 5, (T - WINDOW) / 8 +
1]. An answer describes the sample that is DELAY samples before the end of its window.  The later samples show
whether a pause follows.
"""

import torch
from torch import nn

RATE_HZ = 180
HOP = 8
CLASSES = ("none", "N", "S", "V", "F")
STEM = ((1, 16, 11), (16, 24, 7), (24, 32, 5))
WIDTH = 32
DILATIONS = (1, 2, 4, 8, 16)
KERNEL = 5
WINDOW = 11 + 6 * 2 + 4 * 4 + HOP * (KERNEL - 1) * sum(DILATIONS)
DELAY = 207


def layers():
    """(inputs, outputs, kernel, stride, dilation) of every convolution that has batch norm and ReLU."""
    return [(*layer, 2, 1) for layer in STEM] + [(WIDTH, WIDTH, KERNEL, 1, d) for d in DILATIONS]


class BeatNet(nn.Module):
    """[B, 1, T] in mV at 180 Hz -> logits [B, 5, answers]."""

    def __init__(self, dropout=0.1):
        super().__init__()
        parts = []
        for inputs, outputs, kernel, stride, dilation in layers():
            parts += [
                nn.Conv1d(inputs, outputs, kernel, stride, dilation=dilation, bias=False),
                nn.BatchNorm1d(outputs),
                nn.ReLU(),
            ]
        self.trunk = nn.Sequential(*parts)
        self.dropout = nn.Dropout1d(dropout)
        self.head = nn.Conv1d(WIDTH, len(CLASSES), 1)

    def forward(self, x):
        return self.head(self.dropout(self.trunk(x)))


class Exported(nn.Module):
    """One window [1, 1, 1031] -> scores [1, 5], with folded batch norm and a softmax at the end."""

    def __init__(self, net):
        super().__init__()
        net = net.eval()
        parts = []
        for conv, norm in zip(net.trunk[0::3], net.trunk[1::3]):
            parts += [torch.nn.utils.fusion.fuse_conv_bn_eval(conv, norm), nn.ReLU()]
        self.trunk = nn.Sequential(*parts)
        self.head = nn.Linear(WIDTH, len(CLASSES))
        with torch.no_grad():
            self.head.weight.copy_(net.head.weight.flatten(1))
            self.head.bias.copy_(net.head.bias)

    def forward(self, x):
        return torch.softmax(self.head(torch.flatten(self.trunk(x), 1)), 1)
