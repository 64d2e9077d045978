"""Train the heart rate network on simulated PPG only.

    python train.py --seed 1 --epochs 26 --threads 2 --out ppg-hr.pt

Every epoch draws new recordings of 120 s and cuts windows of 576 samples (256 plus the
left context of 320) at random places.  The loss is Huber on the normalised rate.
Validation uses the simulator's "validation" split; the best epoch is kept.
"""

import argparse
import pathlib
import sys
import time

import numpy as np
import torch
from torch.nn import functional

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

import simulate
from descent import descend
from model import EXTENDED, HeartRateNet, fold_scale
from preprocess import preprocess

SECONDS = 120
SCALE, OFFSET = 40.0, 100.0
LEVEL_SHARE = (0.3, 0.45, 0.25)
MINIMUM_START = 2 * simulate.RATE_HZ


def level_of(seed):
    """Artefact level of a seed, from a fixed mixture."""
    return simulate.LEVELS[int(np.searchsorted(np.cumsum(LEVEL_SHARE), (seed * 0.61803399) % 1.0))]


def windows(split, seeds, per_recording, rng):
    """(x float32 [n, 1, 576], bpm float32 [n, 1]).  The truth is the rate at the last sample."""
    raw, bpm = simulate.batch(split, seeds, SECONDS, level_of)
    signal = preprocess(raw)
    starts = rng.integers(MINIMUM_START, signal.shape[1] - EXTENDED, (len(signal), per_recording))
    rows = np.arange(len(signal))[:, None]
    x = signal[rows[..., None], starts[..., None] + np.arange(EXTENDED)]
    y = bpm[rows, starts + EXTENDED - 1]
    return (
        torch.from_numpy(x.reshape(-1, 1, EXTENDED)),
        torch.from_numpy(y.reshape(-1, 1).astype(np.float32)),
    )


def predict(net, x, size=256):
    """Network output for [n, 1, T] in batches, without gradients."""
    net.eval()
    with torch.no_grad():
        return torch.cat([net(part) for part in x.split(size)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=26)
    parser.add_argument("--recordings", type=int, default=500, help="recordings per epoch")
    parser.add_argument("--windows", type=int, default=32, help="windows per recording")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", default="ppg-hr.pt")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(args.seed)
    net = HeartRateNet()
    optimiser = torch.optim.Adam(net.parameters(), lr=args.rate)
    per_epoch = -(-args.recordings * args.windows // args.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, args.rate, total_steps=args.epochs * per_epoch, pct_start=0.1
    )
    x_val, y_val = windows("validation", range(120), 16, np.random.default_rng(0))
    levels = np.repeat([level_of(s) for s in range(120)], 16)
    best, began = float("inf"), time.time()
    for epoch in range(args.epochs):
        first = (args.seed * 1000 + epoch) * args.recordings
        x, y = windows("train", range(first, first + args.recordings), args.windows, rng)
        net.train()
        total = 0.0
        for index in torch.randperm(len(x)).split(args.batch):
            loss = functional.huber_loss(net(x[index]), (y[index] - OFFSET) / SCALE, delta=0.25)
            total += descend(optimiser, schedule, loss, clip=1.0) * len(index)
        error = (predict(net, x_val) * SCALE + OFFSET - y_val).abs().numpy().ravel()
        shown = " ".join(f"{name} {error[levels == name].mean():.2f}" for name in simulate.LEVELS)
        print(
            f"epoch {epoch + 1} loss {total / len(x):.5f} validation MAE {error.mean():.2f} "
            f"({shown}) BPM, {time.time() - began:.0f} s",
            flush=True,
        )
        if error.mean() < best:
            best = error.mean()
            weights = {k: v.clone() for k, v in net.state_dict().items()}
            final = HeartRateNet()
            final.load_state_dict(weights)
            torch.save(fold_scale(final, SCALE, OFFSET).state_dict(), args.out)


if __name__ == "__main__":
    main()
