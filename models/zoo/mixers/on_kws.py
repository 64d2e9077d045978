"""The comparison on kws: the batches and loss of ../kws/train.py, and its mean over the window.

The first convolution reads three rows with all their features.
"""

import export
import torch
import train
from batches import Batches
from blocks import PLANE, MixerNet, Shape
from clips import FOLDS, LABELS
from model import CHANNELS, MEAN, ROWS, SPREAD
from torch import nn

SEEDS, STEPS = (1,), 2000
BATCH, RATE, DECAY, CLIP = 96, 4e-3, 0.05, 2.0
SHAPE = Shape(PLANE, width=64, kernel=9, strides=(1, 1, 1, 1, 1))
METADATA = export.METADATA
INPUT, WINDOW_SHAPE = "features", (1, 1, ROWS, CHANNELS)

loss_of = train.loss_of


def load(cache):
    return cache


class Mean(nn.Module):
    """[B, channels, T, 1] -> [B, channels]."""

    def forward(self, x):
        return x.mean((2, 3))


def network(mixer):
    """[B, 1, T, 40] -> logits [B, 12]."""
    first = nn.Sequential(nn.Conv2d(1, SHAPE.width, (3, CHANNELS), bias=False), nn.BatchNorm2d(SHAPE.width), nn.ReLU())
    return MixerNet(mixer, SHAPE, first, nn.Sequential(Mean(), nn.Dropout(0.2), nn.Linear(SHAPE.width, len(LABELS))))


def batches(cache, fold, seed):
    """A function that draws a batch of the clips outside the fold."""
    made = Batches(cache, [f for f in range(-1, FOLDS) if f < 0 or f != fold], [seed, fold + 1])

    def draw():
        x, y = made.draw(BATCH)
        return (x - MEAN) / SPREAD, y

    return draw


class Normal(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net((x - MEAN) / SPREAD)


def accuracy(net, cache, fold):
    """Share of right answers for the clips of the fold."""
    return train.accuracy(Normal(net), cache, fold)[0]


class Scores(nn.Module):
    """One window [1, 1, 49, 40] -> scores [1, 12].  The first convolution reads x instead of (x - MEAN) / SPREAD."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        first = net.trunk[0]
        plain = nn.Conv2d(1, SHAPE.width, (3, CHANNELS))
        with torch.no_grad():
            plain.weight.copy_(first[0].weight / SPREAD)
            plain.bias.copy_(-MEAN * plain.weight.sum((1, 2, 3)))
        first[0] = plain

    def forward(self, x):
        return torch.softmax(self.net(x), 1)
