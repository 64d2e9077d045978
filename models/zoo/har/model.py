"""Activity networks: convolutions without padding, then a dense layer over the whole window or a GRU.

A longer signal gives one answer per hop: [B, 6, T] -> [B, 5, (T - 128) / 8 + 1].  For this purpose the dense
layer is written as a convolution.  The GRU's state carries over along the whole signal, so its answers use
more than one window.  The exported models read one window and end with a softmax.
"""

from functools import partial

import torch
from torch import nn

WINDOW = 128
HOP = 8
LABELS = ("seated", "standing up", "walking", "turning", "sitting down")
# input channels, output channels, kernel and stride of each convolution
LAYERS = ((6, 24, 7, 2), (24, 32, 5, 2), (32, 32, 5, 2), (32, 32, 5, 1))
SMALL = ((6, 12, 7, 2), (12, 16, 5, 2), (16, 16, 5, 2), (16, 16, 5, 1))
TINY = ((6, 6, 7, 2), (6, 8, 5, 2), (8, 8, 5, 2), (8, 8, 5, 1))
FRAMES = 9
UNITS = 32
# number of frames of a window after the first three convolutions
STEPS = 13


def convolutions(layers):
    parts = []
    for inputs, outputs, kernel, stride in layers:
        parts += [nn.Conv1d(inputs, outputs, kernel, stride, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]
    return nn.Sequential(*parts)


def folded(trunk):
    """The same layers with batch norm folded into the convolutions."""
    parts = []
    for conv, norm in zip(trunk[0::3], trunk[1::3]):
        parts += [torch.nn.utils.fusion.fuse_conv_bn_eval(conv, norm), nn.ReLU()]
    return nn.Sequential(*parts)


class ActivityNet(nn.Module):
    """[B, 6, T] at 50 Hz -> logits [B, 5, answers].  frames: number of frames of a window after the layers."""

    def __init__(self, layers=LAYERS, frames=FRAMES, dropout=0.3):
        super().__init__()
        self.trunk = convolutions(layers)
        self.dropout = nn.Dropout1d(dropout)
        self.head = nn.Conv1d(layers[-1][1], len(LABELS), frames)

    def forward(self, x):
        return self.head(self.dropout(self.trunk(x)))


class Exported(nn.Module):
    """One window [1, 6, 128] -> scores [1, 5], with folded batch norm and a dense head over all frames."""

    def __init__(self, net):
        super().__init__()
        self.trunk = folded(net.eval().trunk)
        weight = net.head.weight.flatten(1)
        self.head = nn.Linear(weight.shape[1], len(LABELS))
        with torch.no_grad():
            self.head.weight.copy_(weight)
            self.head.bias.copy_(net.head.bias)

    def forward(self, x):
        return torch.softmax(self.head(torch.flatten(self.trunk(x), 1)), 1)

    def logits(self, x):
        """Logits [B, 5, answers] of a longer signal [B, 6, T], as from the network that was trained."""
        frames = self.trunk(x)
        weight = self.head.weight.unflatten(1, (frames.shape[1], -1))
        return nn.functional.conv1d(frames, weight, self.head.bias)


class RecurrentNet(nn.Module):
    """[B, 6, T] at 50 Hz -> logits [B, 5, answers]: three convolutions and a GRU with initial state zero."""

    def __init__(self, dropout=0.3):
        super().__init__()
        self.trunk = convolutions(LAYERS[:3])
        self.dropout = nn.Dropout1d(dropout)
        self.gru = nn.GRU(LAYERS[2][1], UNITS, batch_first=True)
        self.head = nn.Linear(UNITS, len(LABELS))

    def forward(self, x):
        states, _ = self.gru(self.dropout(self.trunk(x)).transpose(1, 2))
        return self.head(states[:, STEPS - 1 :]).transpose(1, 2)


class ExportedRecurrent(nn.Module):
    """One window [1, 6, 128] -> scores [1, 5], from the last of 13 states of the GRU."""

    def __init__(self, net):
        super().__init__()
        self.trunk = folded(net.eval().trunk)
        self.gru = net.gru
        self.head = net.head

    def forward(self, x):
        states, _ = self.gru(self.trunk(x).transpose(1, 2))
        return torch.softmax(self.head(states[:, -1]), 1)


# for each kind: network to train, network to export, number of answers of one training crop
KINDS = {
    "cnn": (ActivityNet, Exported, 13),
    "small": (partial(ActivityNet, SMALL, dropout=0.1), Exported, 13),
    "tiny": (partial(ActivityNet, TINY, dropout=0.1), Exported, 13),
    "gru": (RecurrentNet, ExportedRecurrent, 37),
}
