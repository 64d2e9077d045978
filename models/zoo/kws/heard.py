"""What Google's speech embedding hears: its front end, and its network.

    mel = Mel(wheel); rows = mel(pcm)         # int16 [clips, samples] -> int8 [clips, frames, 32], a frame every 10 ms
    net = Embedding(wheel); net(x)            # real values [clips, frames, 32] -> [clips, 96, steps], a step every 80 ms

The network (J. Lin, K. Kilgour, D. Roblek, M. Sharifi, "Training Keyword Spotters with Limited and Synthesized
Speech Data", arXiv 2002.01322; Apache-2.0) was trained on other speech than the clips here.  The wheel of
openwakeword 0.4.0 carries it as ONNX files:

    pip download --no-deps openwakeword==0.4.0

Rows are stored like those of front_end.py: 16 times the natural logarithm of a magnitude.
"""

import hashlib
import io
import zipfile

import numpy as np
import onnx
import torch
from front_end import SCALE, ZERO_POINT
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

FOLDER = "openwakeword/resources/models"
DIGESTS = {
    "melspectrogram.onnx": "ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f",
    "embedding_model.onnx": "ba754db3cd768a524c655ea90655ee5e6055a43b8dfd29366a11e93716ae9e51",
}
STEP, FEATURES, FIRST_BINS = 160, 32, 257
# the network reads log10(power) + 2, in which power is that of int16 samples
LOG10, OFFSET = 2 / np.log(10), 2.0


def graph(wheel, name):
    """(ONNX graph, its tensors) of a file in the wheel.

    Raises ValueError if the file is another one than this recipe was made with.
    """
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(f"{FOLDER}/{name}")
    found = hashlib.sha256(data).hexdigest()
    if found != DIGESTS[name]:
        raise ValueError(f"{wheel}: {name} has SHA-256 {found}, not {DIGESTS[name]}: take openwakeword 0.4.0")
    g = onnx.load(io.BytesIO(data)).graph
    return g, {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in g.initializer}


class Mel:
    """Logarithms of 32 mel bands, from windows of 32 ms."""

    def __init__(self, wheel):
        _, t = graph(wheel, "melspectrogram.onnx")
        self.waves = torch.cat([t["0.stft.conv_real.weight"], t["0.stft.conv_imag.weight"]])
        self.bands = t["1.melW"]

    def __call__(self, pcm, batch=64):
        return np.concatenate([self.some(pcm[at : at + batch]) for at in range(0, len(pcm), batch)])

    def some(self, pcm):
        squares = functional.conv1d(torch.from_numpy(pcm.astype(np.float32))[:, None], self.waves, stride=STEP) ** 2
        power = (squares[:, :FIRST_BINS] + squares[:, FIRST_BINS:]).transpose(1, 2) @ self.bands
        logged = torch.log(power.clamp(min=1)) / 2
        return torch.round(logged / SCALE + ZERO_POINT).clamp(-128, 127).to(torch.int8).numpy()


class Embedding(nn.Module):
    """The network up to its last convolution.  It has no padding over time."""

    def __init__(self, wheel):
        super().__init__()
        g, tensors = graph(wheel, "embedding_model.onnx")
        self.layers = nn.ModuleList([layer for node in g.node if (layer := layer_of(node, tensors))][:-1])

    def forward(self, x):
        x = (x * LOG10 + OFFSET)[:, None].contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = layer(x)
        return x[..., 0]


class Affine(nn.Module):
    """Batch norm with fixed statistics: a factor and a summand per channel."""

    def __init__(self, scale, offset, mean, variance, epsilon):
        super().__init__()
        factor = scale / (variance + epsilon).sqrt()
        self.factor = nn.Parameter(factor[:, None, None])
        self.summand = nn.Parameter((offset - mean * factor)[:, None, None])

    def forward(self, x):
        return x * self.factor + self.summand


class AtLeast(nn.Module):
    def __init__(self, bound):
        super().__init__()
        self.bound = bound

    def forward(self, x):
        return x.clamp(min=self.bound)


def convolution(weight, bias, pads):
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], tuple(weight.shape[2:]), padding=tuple(pads[:2]), bias=bias is not None)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return layer


def layer_of(node, tensors):
    """The layer of an ONNX node, or None for a reshape."""
    stated = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    inputs = [tensors.get(name) for name in node.input]
    match node.op_type:
        case "Conv":
            return convolution(inputs[1], inputs[2] if len(inputs) > 2 else None, stated.get("pads", (0, 0)))
        case "BatchNormalization":
            return Affine(*inputs[1:], stated["epsilon"])
        case "Relu":
            return nn.ReLU()
        case "LeakyRelu":
            return nn.LeakyReLU(stated["alpha"])
        case "Max":
            return AtLeast(float(inputs[1]))
        case "MaxPool":
            return nn.MaxPool2d(stated["kernel_shape"], stated["strides"])
        case "Pad":
            _, _, left, _, _, _, right, _ = inputs[1].tolist()  # [clips, time, features, channels]
            return nn.ZeroPad2d((left, right, 0, 0))
        case _:
            return None
