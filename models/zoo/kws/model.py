"""Keyword network: the mean of the logits of three small networks with different first layers.

    [B, 1, T, 40] real features -> [B, 12] logits, T = 49 (one second at 20 ms)

Slide   a convolution slides over the features, so that a slightly higher voice looks similar
Rows    a convolution reads all features of a row at once
Image   the features are a picture, halved three times by depthwise-separable convolutions

Each then converts the features of a row to channels.  Four depthwise-separable convolutions over
nine rows follow, the mean over the window, and a dense layer.  The three are trained separately; the
mean of their logits is one dense layer over all their means (export.py).  There is no padding, so
streaming is exact and has no warm-up.
"""

from torch import nn

ROWS, CHANNELS, CLASSES = 49, 40, 12
HOP = 2  # rows, 40 ms; the total stride is 1
KERNEL, BLOCKS, DROPOUT = 9, 4, 0.2
MEAN, SPREAD = 8.0, 2.2  # statistics of the features: the network reads (x - MEAN) / SPREAD


def layer(inputs, outputs, kernel, stride=(1, 1), groups=1):
    """Convolution [time, feature] without padding, batch norm, ReLU."""
    return [nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def slide(width, channels=12):
    return layer(1, channels, (3, 7), (1, 2)) + layer(channels, width, (1, (CHANNELS - 7) // 2 + 1))


def rows(width):
    return layer(1, width, (3, CHANNELS))


def image(width, widths=(16, 32, 64)):
    layers = layer(1, widths[0], (3, 3), (1, 2))
    for a, b in zip(widths, widths[1:]):
        layers += layer(a, a, (3, 3), (1, 2), groups=a) + layer(a, b, (1, 1))
    return layers + layer(widths[-1], width, (1, 4))


STEMS = {"slide": (slide, 96), "rows": (rows, 112), "image": (image, 96)}


class Member(nn.Module):
    """One of the three networks."""

    def __init__(self, kind):
        super().__init__()
        stem, width = STEMS[kind]
        layers = stem(width)
        for _ in range(BLOCKS):
            layers += layer(width, width, (KERNEL, 1), groups=width)
            layers += [*layer(width, width, (1, 1)), nn.Dropout(DROPOUT)]
        self.trunk = nn.Sequential(*layers)
        self.output = nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.output(self.trunk((x - MEAN) / SPREAD).mean((2, 3)))
