"""Heart rate network: causal CNN trunk and dense head.

The trunk is f_PPG of arXiv 2408.03223 (3 blocks of three causal convolutions, K = 5,
dilation 2, ReLU, then average pooling); the head is dense, without attention.
"""

import torch
from torch import nn

WINDOW = 256
HOP = 64
LEFT_CONTEXT = 320
EXTENDED = WINDOW + LEFT_CONTEXT
FRAMES = 16
KERNEL, DILATION = 5, 2
BLOCKS = ((32, 4), (48, 2), (64, 2))


class CausalConv(nn.Module):
    """Zero left padding of (K - 1) * dilation, convolution, ReLU: [B,Cin,T] -> [B,Cout,T]."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.pad = nn.ConstantPad1d(((KERNEL - 1) * DILATION, 0), 0.0)
        self.conv = nn.Conv1d(inputs, outputs, KERNEL, dilation=DILATION)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.zeros_(self.conv.bias)

    def forward(self, x):
        return torch.relu(self.conv(self.pad(x)))


class HeartRateNet(nn.Module):
    """[B, 1, T] at 32 Hz -> [B, 1] BPM, T = 256 (window) or 576 (window + left context).

    The head reads only the last 16 of the T / 16 embedding frames.
    """

    def __init__(self):
        super().__init__()
        layers, channels = [], 1
        for width, pool in BLOCKS:
            for _ in range(3):
                layers.append(CausalConv(channels, width))
                channels = width
            layers.append(nn.AvgPool1d(pool))
        self.trunk = nn.Sequential(*layers)
        self.hidden = nn.Linear(channels * FRAMES, 32)
        self.output = nn.Linear(32, 1)

    def forward(self, x):
        frames = self.trunk(x)
        if frames.shape[-1] != FRAMES:
            frames = frames[..., -FRAMES:]
        return self.output(torch.relu(self.hidden(torch.flatten(frames, 1))))


def fold_scale(net, scale, offset):
    """Fold y -> scale * y + offset into the last dense layer, in place."""
    with torch.no_grad():
        net.output.weight.mul_(scale)
        net.output.bias.mul_(scale).add_(offset)
    return net
