"""Train the voice activity network on cached scenes.

    python train.py --cache DIR --out vad.pt
    python train.py --cache DIR --size small --out vad-small.pt

A batch has stretches of 8 s, each with a random level and frequency response, and with state zero at the
start. The number of steps is fixed; the last tenth of the scenes only shows the progress.  The result is the
running average of the weights.
"""

import argparse
import copy
import pathlib
import sys
import time

import numpy as np
import torch
from torch.nn import functional

ZOO = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(ZOO), str(ZOO / "kws")]

from batches import real
from descent import add_to_mean, cycle, descend
from model import LATE, ROWS, SIZES, VoiceNet

CROP = 400


def labels_of(label):
    """Labels of the rows that the scores describe."""
    return label[:, ROWS - 1 - LATE : label.shape[1] - LATE]


def batch(x, label, count, rng):
    """(real features [count, 40, CROP], labels [count, CROP - 4])."""
    which, at = rng.integers(0, len(x), count), rng.integers(0, x.shape[1] - CROP, count)
    rows = at[:, None] + np.arange(CROP)
    bytes_ = x[which[:, None], rows]
    curve = np.stack([np.interp(np.arange(40), np.linspace(0, 39, 5), k) for k in rng.uniform(-0.5, 0.5, (count, 5))])
    level = rng.uniform(-2, 2, (count, 1))
    moved = np.clip(real(bytes_) + (curve + level)[:, None, :], 0, 255 / 16)
    moved = np.where(bytes_ == -128, 0, moved).astype(np.float32)
    return torch.from_numpy(moved.transpose(0, 2, 1).copy()), torch.from_numpy(labels_of(label[which[:, None], rows]))


def loss_of(logits, y):
    counts = (y < 2).float()
    target = (y == 1).float() * 0.98 + 0.01
    return (functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * counts).sum() / counts.sum()


def accuracy(net, x, label):
    """Share of the counted rows that are correct with threshold 0.5, over whole scenes."""
    net.eval()
    with torch.no_grad():
        found = torch.cat([net(torch.from_numpy(real(p).transpose(0, 2, 1).copy())) for p in np.array_split(x, 8)]).numpy() > 0
    y = labels_of(label)
    return ((found == (y == 1)) & (y < 2)).sum() / (y < 2).sum()


def save(net, path):
    torch.save({"weights": net.state_dict(), "size": net.size}, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", required=True)
    parser.add_argument("--size", default="large", choices=SIZES)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=5e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(args.seed)
    with np.load(f"{args.cache}/scenes.npz") as data:
        x, label = data["x"], data["label"]
    shown = len(x) // 10
    net = VoiceNet(args.size)
    average = copy.deepcopy(net)
    optimiser, schedule = cycle(net, args.rate, args.steps)
    began, total = time.time(), 0.0
    for step in range(1, args.steps + 1):
        net.train()
        inputs, y = batch(x[:-shown], label[:-shown], args.batch, rng)
        total += descend(optimiser, schedule, loss_of(net(inputs), y), clip=1.0)
        add_to_mean(average, net, step)
        if step % 250 == 0:
            right = 100 * accuracy(average, x[-shown:], label[-shown:])
            print(f"step {step} loss {total / 250:.4f} scenes shown {right:.2f} % {time.time() - began:.0f} s", flush=True)
            total = 0.0
            save(average, args.out)
    save(average, args.out)


if __name__ == "__main__":
    main()
