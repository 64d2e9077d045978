"""The comparison on har: data, augmentation and loss of ../har/train.py, and its head.

Window, frames of the head and hop are those of ../har/model.py.
"""

import export
import numpy as np
import recordings
import torch
import train
from blocks import LINE, MixerNet, Shape
from model import FRAMES, LABELS, WINDOW
from torch import nn

DEVICE = "watch"
FOLDS, SEEDS, STEPS = recordings.FOLDS, (1, 2, 3), 1000
BATCH, RATE, DECAY, CLIP = 32, 4e-3, 0.02, None
ANSWERS = 13
SHAPE = Shape(LINE, width=32, kernel=5, strides=(2, 2, 1))
METADATA = export.METADATA
INPUT, WINDOW_SHAPE = "motion", (1, 6, WINDOW)

loss_of = train.loss_of


def load(folder):
    return recordings.subjects(folder, DEVICE)


def network(mixer):
    """[B, 6, T] at 50 Hz -> logits [B, 5, answers]."""
    first = nn.Sequential(nn.Conv1d(6, SHAPE.width, 7, 2, bias=False), nn.BatchNorm1d(SHAPE.width), nn.ReLU())
    head = nn.Sequential(nn.Dropout1d(0.3), nn.Conv1d(SHAPE.width, len(LABELS), FRAMES))
    return MixerNet(mixer, SHAPE, first, head)


def batches(streams, fold, seed):
    """A function that draws a batch of the people outside the fold."""
    rng = np.random.default_rng((seed, fold))
    folds = recordings.fold_of(streams)
    x, y = (np.concatenate(p) for p in zip(*[v for s, v in streams.items() if folds[s] != fold]))
    return lambda: train.batch(rng, x, y, BATCH, DEVICE, ANSWERS)


def accuracy(net, streams, fold):
    """Share of right answers for the people of the fold."""
    folds = recordings.fold_of(streams)
    return train.report(net, {s: v for s, v in streams.items() if folds[s] == fold})[0]


class Scores(nn.Module):
    """One window [1, 6, 128] -> scores [1, 5]."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return torch.softmax(self.net(x)[:, :, 0], 1)
