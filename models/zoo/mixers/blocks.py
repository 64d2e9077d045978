"""Networks that differ only in their token mixer: what looks at several frames at once.

Three blocks of MetaFormer (arXiv 2111.11418) follow a first convolution.  A block has two residual branches:

    x = kept(x) + norm(mixer(x))     kept: the frames in the middle of what the mixer reads
    x = x + norm(wide(x))            two pointwise layers, twice as wide inside

Mixers, over `kernel` frames of each channel:
depthwise    a depthwise convolution; the only one with weights
maxpool      the maximum (parameter-free layers, arXiv 2202.02777)
poolformer   the mean minus the frame in the middle (PoolFormer, arXiv 2111.11418)
none         nothing: the residual alone, to see whether mixing matters here

There is no padding, and batch norm takes the place of layer norm and layer scale, so a block streams exactly.
"""

from collections import namedtuple

from torch import nn

MIXERS = ("depthwise", "maxpool", "poolformer", "none")

# Layers over time: for tensors [B, channels, T], and for [B, channels, T, features]
Layers = namedtuple("Layers", "conv norm maximum mean frames")
LINE = Layers(nn.Conv1d, nn.BatchNorm1d, nn.MaxPool1d, nn.AvgPool1d, lambda n: n)
PLANE = Layers(nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d, lambda n: (n, 1))

# layers: LINE or PLANE; kernel: frames that a mixer reads; strides: of the blocks
Shape = namedtuple("Shape", "layers width kernel strides")


def kept(x, kernel, stride):
    """The frames in the middle of the `kernel` frames that a mixer reads."""
    middle = kernel // 2
    return x[:, :, middle : x.shape[2] - (kernel - 1 - middle) : stride]


class PoolMinusMiddle(nn.Module):
    """The mean over the kernel, minus the frame in its middle."""

    def __init__(self, shape, stride):
        super().__init__()
        self.kernel, self.stride = shape.kernel, stride
        frames = shape.layers.frames
        self.pool = shape.layers.mean(frames(shape.kernel), frames(stride))

    def forward(self, x):
        return self.pool(x) - kept(x, self.kernel, self.stride)


def mixer_of(name, shape, stride):
    """The layers of a mixer, or None."""
    (conv, norm, maximum, _, frames), width = shape.layers, shape.width
    kernel, steps = frames(shape.kernel), frames(stride)
    layers = {
        "depthwise": lambda: conv(width, width, kernel, steps, groups=width, bias=False),
        "maxpool": lambda: maximum(kernel, steps),
        "poolformer": lambda: PoolMinusMiddle(shape, stride),
    }
    return None if name == "none" else nn.Sequential(layers[name](), norm(width))


class Block(nn.Module):
    def __init__(self, mixer, shape, stride):
        super().__init__()
        self.kernel, self.stride = shape.kernel, stride
        self.mixer = mixer_of(mixer, shape, stride)
        conv, norm, width = shape.layers.conv, shape.layers.norm, shape.width
        self.wide = nn.Sequential(
            conv(width, 2 * width, 1, bias=False),
            norm(2 * width),
            nn.ReLU(),
            conv(2 * width, width, 1, bias=False),
            norm(width),
        )

    def forward(self, x):
        y = kept(x, self.kernel, self.stride)
        if self.mixer is not None:
            y = y + self.mixer(x)
        return y + self.wide(y)


class MixerNet(nn.Module):
    """first: layers from the input to `width` channels; head: layers from there to logits."""

    def __init__(self, mixer, shape, first, head):
        super().__init__()
        self.trunk = nn.Sequential(first, *(Block(mixer, shape, stride) for stride in shape.strides), nn.ReLU())
        self.head = head

    def forward(self, x):
        return self.head(self.trunk(x))
