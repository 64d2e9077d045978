"""Keyword network: a convolution over features, then depthwise-separable convolutions over time.

    [B, 1, T, 40] real features -> [B, 12] logits, T = 49 (one second at 20 ms)

The first layer slides over features, so that a voice that lies a little higher looks alike;
the second joins all features of a row to 96 channels; four depthwise-separable convolutions over
nine rows follow, then the mean over the window and a dense layer.  Nothing is padded:
streaming is exact and has no warm-up.

Several networks, trained apart, run as one: their channels stand side by side in grouped
convolutions, and the dense layer takes the mean of their logits (`joined`).
"""

import torch
from torch import nn

ROWS, CHANNELS, CLASSES = 49, 40, 12
HOP = 2  # rows, 40 ms; the total stride is 1
STEM, WIDTH, KERNEL, BLOCKS, DROPOUT = 12, 96, 9, 4, 0.2
MEAN, SPREAD = 8.0, 2.2  # of real features: the network reads (x - MEAN) / SPREAD


def layer(inputs, outputs, kernel, stride=(1, 1), groups=1):
    """Convolution [time, feature] without padding, batch norm, ReLU."""
    return [nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


class KeywordNet(nn.Module):
    """One network, or `members` of them side by side."""

    def __init__(self, members=1):
        super().__init__()
        stem, width = STEM * members, WIDTH * members
        layers = layer(1, stem, (3, 7), (1, 2)) + layer(stem, width, (1, (CHANNELS - 7) // 2 + 1), groups=members)
        for _ in range(BLOCKS):
            layers += layer(width, width, (KERNEL, 1), groups=width)
            layers += [*layer(width, width, (1, 1), groups=members), nn.Dropout(DROPOUT)]
        self.trunk = nn.Sequential(*layers)
        self.output = nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.output(self.trunk((x - MEAN) / SPREAD).mean((2, 3)))


def joined(states):
    """State dicts of networks trained apart -> one network whose logits are the mean of theirs."""
    net = KeywordNet(len(states))
    whole = {}
    for name, tensor in states[0].items():
        parts = [s[name] for s in states]
        if name == "output.weight":
            whole[name] = torch.cat(parts, 1) / len(states)
        elif name == "output.bias":
            whole[name] = torch.stack(parts).mean(0)
        else:  # a convolution's or a batch norm's output channels come first
            whole[name] = torch.cat(parts) if tensor.ndim else tensor
    net.load_state_dict(whole)
    return net
