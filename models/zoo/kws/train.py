"""Train one member of the keyword network on cached features.

    python train.py --cache DIR --member image --fold 0 --out image-0.pt   # without fold 0
    python train.py --cache DIR --member image --out image.pt              # all clips

The number of steps is fixed, and held-out clips do not influence any choice.  The result is
the running average of the weights.
"""

import argparse
import copy
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from batches import NEITHER, Batches, real
from model import STEMS, Member

SMOOTHING = 0.05
MIXED = 0.7  # share of steps with mixed windows (mixup)


def loss_of(logits, y):
    """Mean cross-entropy with smoothed labels; -log(silence + unknown) for windows with label NEITHER."""
    log_p = torch.log_softmax(logits, 1)
    hard = functional.one_hot(y.clamp(max=11), 12).float()
    loss = -((hard * (1 - SMOOTHING) + SMOOTHING / 12) * log_p).sum(1)
    return torch.where(y == NEITHER, -torch.logsumexp(log_p[:, :2], 1), loss).mean()


def predict(net, x, size=256):
    """Probabilities for stored windows int8 [n, 49, 40]."""
    net.eval()
    with torch.no_grad():
        parts = [torch.softmax(net(torch.from_numpy(real(p))[:, None]), 1) for p in np.array_split(x, max(1, len(x) // size))]
    return torch.cat(parts).numpy()


def accuracy(net, cache, fold):
    """Share of correctly classified clips of a fold, and the share per class."""
    data = np.load(f"{cache}/clean.npz")
    keep = data["fold"] == fold
    found, label = predict(net, data["x"][keep]).argmax(1), data["label"][keep]
    return (found == label).mean(), [(found[label == c] == c).mean() for c in range(12)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", required=True)
    parser.add_argument("--member", required=True, choices=STEMS)
    parser.add_argument("--fold", type=int, default=-1)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bfloat16", action="store_true", help="activations in bfloat16: faster on processors that support it")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    net = Member(args.member).to(memory_format=torch.channels_last)
    average = copy.deepcopy(net)
    train = [f for f in range(5) if f != args.fold]
    batches = Batches(args.cache, train, [args.seed, args.fold + 1])
    rng = np.random.default_rng(args.seed)
    optimiser = torch.optim.AdamW(net.parameters(), args.rate, weight_decay=args.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.rate, total_steps=args.steps, pct_start=0.15)
    began, total = time.time(), 0.0
    for step in range(1, args.steps + 1):
        x, y = (torch.from_numpy(a) for a in batches.draw(args.batch))
        share, other = 1.0, torch.from_numpy(rng.permutation(args.batch))
        if rng.random() < MIXED:  # mixup, arXiv 1710.09412
            share = rng.beta(0.4, 0.4)
        net.train()
        mixed = (share * x + (1 - share) * x[other]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, args.bfloat16):
            logits = net(mixed).float()
        loss = share * loss_of(logits, y) + (1 - share) * loss_of(logits, y[other])
        if not torch.isfinite(loss):
            raise FloatingPointError(f"loss is {loss.item()} in step {step}")
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        total += loss.item()
        with torch.no_grad():
            keep = min(0.995, step / (step + 20))
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.lerp_(b, 1 - keep) if a.is_floating_point() else a.copy_(b)
        if step % 500 == 0:
            shown = f"{100 * accuracy(average, args.cache, args.fold)[0]:.2f} %" if args.fold >= 0 else ""
            print(f"step {step} loss {total / 500:.4f} {shown} {time.time() - began:.0f} s", flush=True)
            total = 0.0
            torch.save(average.state_dict(), args.out)
    if args.fold >= 0:
        print("per class", [round(100 * float(a), 1) for a in accuracy(average, args.cache, args.fold)[1]])
    torch.save(average.state_dict(), args.out)


if __name__ == "__main__":
    main()
