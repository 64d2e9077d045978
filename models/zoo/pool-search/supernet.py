"""Networks of har with moved strides, one at a time or all with the same weights.

A placement is a tuple of strides, one for each convolution of models/zoo/har/model.py. Their product is the
hop. Layers and widths stay. The number of frames that remain of a window depends on the placement, and with
it the size of the dense head.
"""

import json
import math
import pathlib
import sys

import onnx
import torch
from torch.nn import functional

HAR = pathlib.Path(__file__).resolve().parent.parent / "har"
sys.path.append(str(HAR))

from model import HOP, LAYERS, WINDOW, ActivityNet


def read_placements(path):
    """[(strides, row)] of the file that `runlet plan har-watch.onnx --sweep pools --json` writes."""
    with open(path) as file:
        rows = json.load(file)["rows"]
    names = [node.name for node in onnx.load(HAR / "har-watch.onnx").graph.node if node.op_type == "Conv"]
    found = []
    for row in rows:
        strides = {s["layer"]: s["stride"] for s in row["strides"]}
        if not strides.keys() <= set(names) or math.prod(strides.values()) != HOP:
            raise ValueError(f"{path}: {row['strides']} does not place a total stride of {HOP} on {names}")
        found.append((tuple(strides.get(name, 1) for name in names), row))
    return found


def layers_of(strides):
    return tuple((*layer[:3], stride) for layer, stride in zip(LAYERS, strides))


def frames_of(strides):
    """Number of frames that remain of a window."""
    field, jump = 1, 1
    for (_, _, kernel, _), stride in zip(LAYERS, strides):
        field += (kernel - 1) * jump
        jump *= stride
    return (WINDOW - field) // HOP + 1


class SuperNet(ActivityNet):
    """[B, 6, T] at 50 Hz and strides -> logits [B, 5, answers], with the same weights for all placements.

    The head has weights for the placement with the most frames.  Another placement uses the frames in their
    middle, which are those nearest to the middle of the window.
    """

    def __init__(self, placements):
        super().__init__(frames=max(map(frames_of, placements)))

    def head_of(self, strides):
        """Weights of the head [5, 32, frames]."""
        frames = frames_of(strides)
        first = (self.head.weight.shape[2] - frames) // 2
        return self.head.weight[:, :, first : first + frames]

    def forward(self, x, strides):
        for conv, norm, stride in zip(self.trunk[0::3], self.trunk[1::3], strides):
            x = functional.relu(norm(functional.conv1d(x, conv.weight, stride=stride)))
        return functional.conv1d(self.dropout(x), self.head_of(strides), self.head.bias)

    def alone(self, strides):
        """A copy of the network of one placement."""
        net = ActivityNet(layers_of(strides), frames_of(strides))
        net.load_state_dict(self.state_dict() | {"head.weight": self.head_of(strides)})
        return net.eval()


def with_statistics(net, batches):
    """Replace the means and variances of batch norm by those over batches.  In place; returns the network."""
    norms = net.trunk[1::3]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    net.train()
    with torch.no_grad():
        for x in batches:
            net(x)
    return net.eval()
