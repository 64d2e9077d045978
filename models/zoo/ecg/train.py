"""Train the beat network.

    python train.py --data DIR --fold 0 --out ecg-0.pt     # judged on the records of fold 0
    python train.py --data DIR --out ecg.pt                # all records, for the shipped network

A batch has crops with ANSWERS answers each.  Half of the crops from records are around a beat that is not
normal.  An answer within REACH samples of an R wave has the class of that beat.  The result is a running mean
of the weights over the last steps.  The number of steps is fixed, without early stopping.
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

import beats
import invent
from descent import add_to_mean, cycle, descend
from model import CLASSES, DELAY, HOP, RATE_HZ, WINDOW, BeatNet
from records import fold_of, records

ANSWERS = 160
CROP = WINDOW + HOP * (ANSWERS - 1)
REACH = 10
WEIGHT = torch.tensor([0.5, 1.0, 2.0, 1.5, 1.0])
IGNORED = -1
INVENTED = 0.4


def labelled(marks, classes, breaks):
    """Labels of the ANSWERS answers of a crop.

    breaks: ignore answers more than GAP samples away from any mark, because such a stretch was not marked.
    """
    place = WINDOW - 1 - DELAY + HOP * np.arange(ANSWERS)
    labels = np.zeros(ANSWERS, np.int64)
    distance = np.abs(place[:, None] - marks).min(1, initial=np.inf)
    if breaks:
        labels[distance > beats.GAP] = IGNORED
    for mark, c in zip(marks, classes):
        labels[np.abs(mark - place) <= REACH] = IGNORED if c == beats.Q else c + 1
    return labels


def crop(rng, group):
    """A crop at a random speed, or of an invented patient, and the labels of its answers."""
    if rng.random() < INVENTED:
        x, marks, classes = invent.patient(rng, group, CROP)
        return x, labelled(marks, classes, False)
    x, at, kind = group[rng.integers(len(group))]
    speed = np.exp(rng.uniform(-0.25, 0.25))
    length = int(CROP * speed) + 2
    other = np.flatnonzero((kind > 0) & (kind < beats.Q))
    if len(other) and rng.random() < 0.5:
        present = np.unique(kind[other])
        centre = at[rng.choice(np.flatnonzero(kind == rng.choice(present)))]
        start = centre - int(length * rng.uniform(0.4, 0.9))
    else:
        start = rng.integers(0, len(x) - length)
    start = int(np.clip(start, 0, len(x) - length))
    signal = np.interp(np.arange(CROP) * speed, np.arange(length), x[start : start + length])
    first, last = np.searchsorted(at, [start - beats.GAP, start + length + beats.GAP])
    return signal, labelled((at[first:last] - start) / speed, kind[first:last], True)


def blurs(rng, wide, taps=31):
    """Random filters [B, taps]: the signal plus a smooth response, with sum of squares 1.

    wide: crops that are widened much.  These have no ventricular beats; they show a patient with only wide
    beats, as with a bundle branch block.
    """
    count = len(wide)
    t = np.arange(taps) - taps // 2
    low, high = np.where(wide, 3, 1.5), np.where(wide, 10, 4)
    width = np.exp(rng.uniform(np.log(low), np.log(high)))[:, None]
    shape = rng.normal(size=(count, taps)) * np.exp(-0.5 * (t / width) ** 2)
    smooth = np.hanning(7)
    shape = np.stack([np.convolve(s, smooth, "same") for s in shape])
    shape /= np.linalg.norm(shape, axis=1, keepdims=True)
    mix = np.where(wide, rng.uniform(0.4, 1, count), rng.uniform(0, 0.5, count)) * (rng.random(count) < 0.6)
    filters = (1 - mix[:, None]) * (t == 0) + mix[:, None] * shape * rng.choice([-1, 1], (count, 1))
    return filters / np.linalg.norm(filters, axis=1, keepdims=True)


def change(rng, x, wide):
    """Change shape of the beats, polarity and gain; add baseline wander, hum and noise, [B, CROP].

    The network cannot know how wide or how high the beats of a patient are, so it must compare neighbouring
    beats.
    """
    count, samples = x.shape
    t = np.arange(samples, dtype=np.float32) / RATE_HZ
    filters = torch.from_numpy(blurs(rng, wide).astype(np.float32))[:, None]
    x = functional.conv1d(torch.from_numpy(x)[None], filters, padding=filters.shape[-1] // 2, groups=count)[0].numpy()
    x = x * np.exp(rng.uniform(-0.5, 0.5, (count, 1))) * rng.choice([1, -1], (count, 1))
    for _ in range(2):
        f = rng.uniform(0.05, 0.5, (count, 1))
        x = x + rng.exponential(0.1, (count, 1)) * np.sin(2 * np.pi * (f * t + rng.random((count, 1))))
    hum = rng.choice([50.0, 60.0], (count, 1))
    x = x + rng.exponential(0.01, (count, 1)) * np.sin(2 * np.pi * (hum * t + rng.random((count, 1))))
    x = x + rng.exponential(0.015, (count, 1)) * rng.standard_normal(x.shape, np.float32)
    return x + rng.normal(0, 0.1, (count, 1))


def batch(rng, group, count):
    picked = [crop(rng, group) for _ in range(count)]
    labels = np.stack([p[1] for p in picked])
    ventricular = np.isin(labels, (CLASSES.index("V"), CLASSES.index("F"))).any(1)
    x = change(rng, np.stack([p[0] for p in picked]).astype(np.float32), ~ventricular).astype(np.float32)
    return torch.from_numpy(x)[:, None], torch.from_numpy(labels)


def scores_of(net, x):
    """Scores [answers, 5] over a whole record."""
    with torch.no_grad():
        return net.eval()(torch.from_numpy(x)[None, None]).softmax(1)[0].T.numpy()


def report(net, group):
    return sum(beats.judge(scores_of(net, x), at, kind) for x, at, kind in group)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--fold", type=int, help="fold of the held-out records; default: train on all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)

    all_records = records(args.data)
    folds = fold_of(all_records)
    kept = [r for name, r in all_records.items() if folds[name] == args.fold]
    group = [r for name, r in all_records.items() if folds[name] != args.fold]
    net = BeatNet()
    mean = copy.deepcopy(net)
    optimiser, schedule = cycle(net, args.rate, args.steps, rise=0.1)
    began, total = time.time(), 0.0
    for step in range(1, args.steps + 1):
        x, labels = batch(rng, group, args.batch)
        net.train()
        loss = functional.cross_entropy(net(x), labels, WEIGHT, ignore_index=IGNORED)
        total += descend(optimiser, schedule, loss, clip=1.0)
        add_to_mean(mean, net, step, most=0.99)
        if step % 200 == 0:
            text = beats.shown(report(mean, kept)) if kept else ""
            print(f"step {step} loss {total / 200:.4f} {text} {time.time() - began:.0f} s", flush=True)
            total = 0.0
    torch.save({"weights": mean.state_dict(), "fold": args.fold}, args.out)
    if kept:
        for name, record in all_records.items():
            if folds[name] == args.fold:
                print(name, beats.shown(report(mean, [record])))
        print(report(mean, kept))


if __name__ == "__main__":
    main()
