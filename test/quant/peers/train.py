"""Trains the networks of `npm run quant:compare` that are not in the zoo, on windows that the script made.

    python train.py fan calibration.npy labels.npy fan.onnx

In: windows float32 [n, frames, channels], labels int [n].  Out: ONNX, input [1, channels, frames], softmax over
the labels, batch norm folded. Names with -separable have depthwise-separable convolutions and a residual sum;
names with -gru and -lstm have such a layer of 32 units instead of the last convolution; the others have plain
convolutions.  Seeds are fixed. Cost: one to two minutes.
"""

import copy
import sys

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def layer(inputs, outputs, kernel, stride=1, groups=1, padding=0):
    return [nn.Conv1d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]


class Residual(nn.Module):
    """The sum of x and two padded separable convolutions of it."""

    def __init__(self, channels, kernel):
        super().__init__()
        parts = []
        for _ in range(2):
            parts += layer(channels, channels, kernel, 1, channels, kernel // 2) + layer(channels, channels, 1)
        self.body = nn.Sequential(*parts[:-1])

    def forward(self, x):
        return torch.relu(x + self.body(x))


class LastStep(nn.Module):
    """The last output of a recurrent layer over [n, channels, frames]."""

    def __init__(self, kind, channels, units):
        super().__init__()
        self.cell = kind(channels, units, batch_first=True)

    def forward(self, x):
        return self.cell(x.transpose(1, 2))[0][:, -1]


CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}


def network(form, channels, frames, labels):
    trunk = layer(channels, 24, 7, 2)
    if form in CELLS:
        trunk += [*layer(24, 32, 5, 2), *layer(32, 32, 5)]
        return nn.Sequential(*trunk, LastStep(CELLS[form], 32, 32), nn.Dropout(0.3), nn.Linear(32, labels))
    if form == "separable":
        trunk += [*layer(24, 24, 5, 2, 24), *layer(24, 32, 1), Residual(32, 5), *layer(32, 32, 5, 2, 32), *layer(32, 32, 1)]
    else:
        trunk += [*layer(24, 32, 5, 2), *layer(32, 32, 5, 2), *layer(32, 32, 3)]
    trunk = nn.Sequential(*trunk)
    left = trunk(torch.zeros(2, channels, frames)).shape[-1]
    return nn.Sequential(trunk, nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * left, labels))


def folded(parts):
    """Returns a Sequential without batch norm and dropout."""
    out = []
    for part in parts:
        if isinstance(part, nn.BatchNorm1d):
            out[-1] = fuse_conv_bn_eval(out[-1], part)
        elif isinstance(part, (nn.Sequential, Residual)):
            inner = copy.deepcopy(part)
            if isinstance(part, Residual):
                inner.body = folded(part.body)
                out.append(inner)
            else:
                out.append(folded(part))
        elif not isinstance(part, nn.Dropout):
            out.append(part)
    return nn.Sequential(*out)


def main():
    name, windows, labels, target = sys.argv[1:5]
    torch.manual_seed(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    x = torch.from_numpy(np.load(windows)).transpose(1, 2).contiguous()
    y = torch.from_numpy(np.load(labels).astype(np.int64))
    net = network(name.rsplit("-")[-1], x.shape[1], x.shape[2], int(y.max()) + 1)
    steps = 1200
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        index = rng.integers(0, len(x), 128)
        batch = x[index] * torch.from_numpy(rng.uniform(0.9, 1.1, (128, 1, 1))).float() + 0.03 * torch.randn(128, *x.shape[1:])
        loss = nn.functional.cross_entropy(net(batch), y[index], label_smoothing=0.05)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"loss is {loss.item()} at step {step}")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    print(f"{name}: loss {loss.item():.3f}", file=sys.stderr)
    whole = nn.Sequential(*folded(net.eval()), nn.Softmax(1)).eval()
    program = torch.onnx.export(whole, (x[:1],), input_names=["x"], output_names=["scores"], opset_version=18, dynamo=True, verbose=False)
    onnx.save(program.model_proto, target)


if __name__ == "__main__":
    main()
