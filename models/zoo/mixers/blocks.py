"""Networks for har that differ only in their token mixer: what looks at several samples at once.

Three blocks of MetaFormer (arXiv 2111.11418) follow a first convolution.  A block has two residual branches:

    x = kept(x) + norm(mixer(x))     kept: the samples in the middle of what the mixer reads
    x = x + norm(wide(x))            two pointwise layers, twice as wide inside

Mixers, over KERNEL samples of each channel:
depthwise    a depthwise convolution; the only one with weights
maxpool      the maximum (parameter-free layers, arXiv 2202.02777)
poolformer   the mean minus the sample in the middle (PoolFormer, arXiv 2111.11418)
none         nothing: the residual alone, to see whether mixing matters here

There is no padding, and batch norm takes the place of layer norm and layer scale, so a block streams exactly.
Window, frames of the head and hop are those of ../har/model.py.
"""

import pathlib
import sys

import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "har"))

from model import FRAMES, LABELS

WIDTH, KERNEL = 32, 5
STRIDES = (2, 2, 1)
MIXERS = ("depthwise", "maxpool", "poolformer", "none")


def kept(x, stride):
    """The samples in the middle of the KERNEL samples that a mixer reads."""
    middle = KERNEL // 2
    return x[:, :, middle : x.shape[2] - (KERNEL - 1 - middle) : stride]


class PoolMinusMiddle(nn.Module):
    """The mean over KERNEL samples, minus the sample in their middle."""

    def __init__(self, stride):
        super().__init__()
        self.stride = stride
        self.pool = nn.AvgPool1d(KERNEL, stride)

    def forward(self, x):
        return self.pool(x) - kept(x, self.stride)


def mixer_of(name, stride):
    """The layers of a mixer, or None."""
    if name == "none":
        return None
    layers = {
        "depthwise": lambda: nn.Conv1d(WIDTH, WIDTH, KERNEL, stride, groups=WIDTH, bias=False),
        "maxpool": lambda: nn.MaxPool1d(KERNEL, stride),
        "poolformer": lambda: PoolMinusMiddle(stride),
    }
    return nn.Sequential(layers[name](), nn.BatchNorm1d(WIDTH))


class Block(nn.Module):
    def __init__(self, mixer, stride):
        super().__init__()
        self.stride = stride
        self.mixer = mixer_of(mixer, stride)
        self.wide = nn.Sequential(
            nn.Conv1d(WIDTH, 2 * WIDTH, 1, bias=False),
            nn.BatchNorm1d(2 * WIDTH),
            nn.ReLU(),
            nn.Conv1d(2 * WIDTH, WIDTH, 1, bias=False),
            nn.BatchNorm1d(WIDTH),
        )

    def forward(self, x):
        y = kept(x, self.stride)
        if self.mixer is not None:
            y = y + self.mixer(x)
        return y + self.wide(y)


class MixerNet(nn.Module):
    """[B, 6, T] at 50 Hz -> logits [B, 5, answers]."""

    def __init__(self, mixer):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv1d(6, WIDTH, 7, 2, bias=False),
            nn.BatchNorm1d(WIDTH),
            nn.ReLU(),
            *(Block(mixer, stride) for stride in STRIDES),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout1d(0.3)
        self.head = nn.Conv1d(WIDTH, len(LABELS), FRAMES)

    def forward(self, x):
        return self.head(self.dropout(self.trunk(x)))


class Scores(nn.Module):
    """One window [1, 6, 128] -> scores [1, 5]."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return torch.softmax(self.net(x)[:, :, 0], 1)
