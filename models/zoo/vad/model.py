"""Voice activity network: two causal convolutions, a GRU, one score per row.

    [B, 40, T] real features, a row every 20 ms -> logits [B, T - 4]

A score describes the third of the five rows that its convolutions read, so it is 40 ms late.  The GRU's state
carries over along the whole signal.  The exported model reads five rows and ends with a sigmoid; Runlet keeps
the state between them (mode `stream`).
"""

import torch
from torch import nn

CHANNELS, KERNEL = 40, 3
# channels of the convolutions and units of the GRU, by size
SIZES = {"large": 32, "small": 16}
ROWS = 2 * KERNEL - 1
# number of rows from the row that a score describes to the newest one
LATE = KERNEL - 1
# statistics of the features: the network reads (x - MEAN) / SPREAD
MEAN, SPREAD = 8.0, 2.2


class VoiceNet(nn.Module):
    """The network for training, with batch norm behind each convolution."""

    def __init__(self, size="large", dropout=0.1):
        super().__init__()
        self.size, units = size, SIZES[size]
        layers = []
        for inputs in (CHANNELS, units):
            layers += [nn.Conv1d(inputs, units, KERNEL, bias=False), nn.BatchNorm1d(units), nn.ReLU()]
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout1d(dropout)
        self.gru = nn.GRU(units, units, batch_first=True)
        self.head = nn.Linear(units, 1)

    def forward(self, x):
        states, _ = self.gru(self.dropout(self.trunk((x - MEAN) / SPREAD)).transpose(1, 2))
        return self.head(states)[:, :, 0]


class Exported(nn.Module):
    """[1, 40, T] -> [1, 1], the last score.  Batch norm, MEAN and SPREAD are folded into the convolutions."""

    def __init__(self, net):
        super().__init__()
        trunk = net.eval().trunk
        first, second = (nn.utils.fusion.fuse_conv_bn_eval(trunk[at], trunk[at + 1]) for at in (0, 3))
        with torch.no_grad():
            first.weight /= SPREAD
            first.bias -= MEAN * first.weight.sum((1, 2))
        self.trunk = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
        self.gru, self.head = net.gru, net.head

    def scores(self, x):
        """Scores of all rows, with the state carried over: [1, 40, T] -> [1, T - 4, 1]."""
        states, _ = self.gru(self.trunk(x).transpose(1, 2))
        return torch.sigmoid(self.head(states))

    def forward(self, x):
        return self.scores(x)[:, -1]
