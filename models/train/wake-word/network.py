"""The network: the stem and the residual blocks of kws, a mean, one score.

    [B, 1, T, 40] real features -> logits [B, T - window + 1]

There is no padding, so streaming is exact. Training reads long stretches and gets a logit for every row; the
exported file reads one window. Cost at a hop of 2 rows and 6 blocks: 91,000 multiply-adds.
"""

import torch
from batches import real
from export import trunk_of
from model import KERNEL, MEAN, SPREAD, Block, stem
from torch import nn
from torch.nn import functional

STEM_CHANNELS, WIDTH, HOP = 12, 64, 2
STEM_ROWS = 3
MOST_BLOCKS = 6
DROPOUT = 0.1
AVERAGED = 8  # smallest number of rows in the mean


def blocks_for(window):
    """Number of blocks whose receptive field leaves AVERAGED rows of the window for the mean."""
    return min(MOST_BLOCKS, (window - STEM_ROWS + 1 - AVERAGED) // (KERNEL - 1))


class WakeNet(nn.Module):
    def __init__(self, window):
        super().__init__()
        self.window, blocks = window, blocks_for(window)
        self.trunk = nn.Sequential(*stem(STEM_CHANNELS, WIDTH), *(Block(WIDTH, DROPOUT) for _ in range(blocks)))
        self.averaged = window - (STEM_ROWS - 1) - blocks * (KERNEL - 1)
        self.output = nn.Linear(WIDTH, 1)

    def forward(self, x):
        rows = self.trunk((x - MEAN) / SPREAD)[:, :, :, 0]
        means = functional.avg_pool1d(rows, self.averaged, 1)
        return self.output(means.transpose(1, 2))[:, :, 0]


class Exported(nn.Module):
    """[1, 1, window, 40] -> [1, 1], a sigmoid. Batch norm, MEAN and SPREAD are in the convolutions."""

    def __init__(self, net):
        super().__init__()
        self.trunk, self.output = trunk_of(net), net.output

    def forward(self, x):
        return torch.sigmoid(self.output(self.trunk(x).mean((2, 3))))


def scores(net, rows, size=4000):
    """Probability of every window of stored rows int8 [n, 40]: float64 [n - window + 1]."""
    net.eval()
    out = []
    with torch.no_grad():
        for at in range(0, len(rows) - net.window + 1, size):
            part = real(rows[at : at + size + net.window - 1])
            out.append(torch.sigmoid(net(torch.from_numpy(part)[None, None]))[0])
    return torch.cat(out).double().numpy()
