"""Activity network: convolutions without padding, and a dense layer over the whole window.

The head is written as a convolution, so that a longer signal gives one answer per hop: [B, 6, T] -> [B, 5, (T - 128) / 8 + 1].
The exported model reads one window and ends with a softmax.
"""

import torch
from torch import nn

WINDOW = 128
HOP = 8
LABELS = ("seated", "standing up", "walking", "turning", "sitting down")
LAYERS = ((6, 24, 7, 2), (24, 32, 5, 2), (32, 32, 5, 2), (32, 32, 5, 1))
FRAMES = 9


class ActivityNet(nn.Module):
    """[B, 6, T] at 50 Hz -> logits [B, 5, answers]."""

    def __init__(self, dropout=0.3):
        super().__init__()
        parts = []
        for inputs, outputs, kernel, stride in LAYERS:
            parts += [nn.Conv1d(inputs, outputs, kernel, stride, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]
        self.trunk = nn.Sequential(*parts)
        self.dropout = nn.Dropout1d(dropout)
        self.head = nn.Conv1d(LAYERS[-1][1], len(LABELS), FRAMES)

    def forward(self, x):
        return self.head(self.dropout(self.trunk(x)))


class Exported(nn.Module):
    """One window [1, 6, 128] -> scores [1, 5]: batch norm folded, the head a dense layer over 9 frames."""

    def __init__(self, net):
        super().__init__()
        net = net.eval()
        parts = []
        for conv, norm in zip(net.trunk[0::3], net.trunk[1::3]):
            parts += [torch.nn.utils.fusion.fuse_conv_bn_eval(conv, norm), nn.ReLU()]
        self.trunk = nn.Sequential(*parts)
        self.head = nn.Linear(LAYERS[-1][1] * FRAMES, len(LABELS))
        with torch.no_grad():
            self.head.weight.copy_(net.head.weight.flatten(1))
            self.head.bias.copy_(net.head.bias)

    def forward(self, x):
        return torch.softmax(self.head(torch.flatten(self.trunk(x), 1)), 1)
