"""Train the keyword network on cached features.

    python train.py --cache DIR --fold 0 --out large-0.pt                                       # without fold 0
    python train.py --cache DIR --out large.pt                                                  # all clips
    python train.py --cache DIR --size small --teacher large.pt --steps 4000 --out small.pt     # distilled

The number of steps is fixed, and held-out clips do not influence any choice.  The result is
the running average of the weights.
"""

import argparse
import copy
import pathlib
import sys
import time

import numpy as np
import torch
from torch.nn import functional

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

from batches import NEITHER, Batches, real
from descent import add_to_mean, cycle, descend, divergence
from model import SIZES, WordNet

SMOOTHING = 0.05
MIXED = 0.3  # share of steps with mixed windows (mixup)
TAUGHT, WARMTH = 0.7, 2.0  # weight and temperature of a teacher's answers
SHOWN = 500  # steps between two rounds of mining, and two lines of progress
# "unknown" is right more often in training (23 % of the windows) than among the judged clips (8.3 %):
# the logarithm of that
SHARE_OF_UNKNOWN = 1.0


def loss_of(logits, y):
    """Cross-entropy with smoothed labels [n]; -log(silence + unknown) for windows with label NEITHER."""
    log_p = torch.log_softmax(logits, 1)
    hard = functional.one_hot(y.clamp(max=11), 12).float()
    loss = -((hard * (1 - SMOOTHING) + SMOOTHING / 12) * log_p).sum(1)
    return torch.where(y == NEITHER, -torch.logsumexp(log_p[:, :2], 1), loss).mean()


def answers(net, x):
    """Logits [n, 12], computed in bfloat16."""
    with torch.autocast("cpu", torch.bfloat16):
        return net(x).float()


def predict(net, x, size=256):
    """Probabilities for stored windows int8 [n, 49, 40]."""
    net.eval()
    with torch.no_grad():
        parts = [torch.softmax(net(torch.from_numpy(real(p))[:, None]), 1) for p in np.array_split(x, max(1, len(x) // size))]
    return torch.cat(parts).numpy()


def without_share(net):
    """The network whose "unknown" is lowered by SHARE_OF_UNKNOWN."""
    out = copy.deepcopy(net)
    with torch.no_grad():
        out.output.bias[1] -= SHARE_OF_UNKNOWN
    return out


def accuracy(net, cache, fold):
    """Share of correctly classified clips of a fold, and the share per class."""
    data = np.load(f"{cache}/clean.npz")
    keep = data["fold"] == fold
    found, label = predict(net, data["x"][keep]).argmax(1), data["label"][keep]
    return (found == label).mean(), [(found[label == c] == c).mean() for c in range(12)]


def save(net, path):
    torch.save({"size": net.size, "weights": net.state_dict()}, path)


def load(path):
    data = torch.load(path)
    net = WordNet(data["size"])
    net.load_state_dict(data["weights"])
    return net.eval()


def train(args):
    """Returns the running mean of the weights.  Prints progress, and saves it in between."""
    net = WordNet(args.size).to(memory_format=torch.channels_last)
    teachers = [load(path).to(memory_format=torch.channels_last) for path in args.teacher]
    mean = copy.deepcopy(net)
    folds = [f for f in range(-1, 5) if f != args.fold or f < 0]
    batches = Batches(args.cache, folds, [args.seed, args.fold + 1])
    rng = np.random.default_rng(args.seed)
    optimiser, schedule = cycle(net, args.rate, args.steps, args.decay)
    began, total = time.time(), 0.0
    for step in range(1, args.steps + 1):
        x, y = batches.draw(args.batch)
        # mixup, arXiv 1710.09412
        share, other = rng.beta(0.4, 0.4) if rng.random() < MIXED else 1.0, torch.from_numpy(rng.permutation(args.batch))
        x = (share * x + (1 - share) * x[other]).contiguous(memory_format=torch.channels_last)
        net.train()
        logits = answers(net, x)
        loss = share * loss_of(logits, y) + (1 - share) * loss_of(logits, y[other])
        if teachers:
            with torch.no_grad():
                taught = torch.stack([answers(t, x) for t in teachers]).mean(0)
            loss = (1 - TAUGHT) * loss + TAUGHT * divergence(logits, taught, WARMTH)
        total += descend(optimiser, schedule, loss, clip=2.0)
        add_to_mean(mean, net, step, early=20)
        if step % SHOWN == 0:
            shown = f"{100 * accuracy(without_share(mean), args.cache, args.fold)[0]:.2f} %" if args.fold >= 0 else ""
            print(f"step {step} loss {total / SHOWN:.4f} {shown} {time.time() - began:.0f} s", flush=True)
            total = 0.0
            save(mean, args.out)
            batches.keep_hardest(lambda windows: predict(mean, windows))
    return mean


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", required=True)
    parser.add_argument("--size", default="large", choices=SIZES)
    parser.add_argument("--teacher", nargs="*", default=[], help="checkpoints; the mean of their logits is learnt from")
    parser.add_argument("--fold", type=int, default=-1)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    mean = train(args)
    if args.fold >= 0:
        print("per class", [round(100 * float(a), 1) for a in accuracy(without_share(mean), args.cache, args.fold)[1]])
    save(mean, args.out)


if __name__ == "__main__":
    main()
