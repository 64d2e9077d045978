"""Train the activity network of one device.

    python train.py --data DIR --device watch --fold 0 --out watch-0.pt     # judged on the subjects of fold 0
    python train.py --data DIR --device watch --out watch.pt                # all subjects, as shipped
    python train.py --data DIR --device watch --net gru --out watch-gru.pt
    python train.py --data DIR --device watch --net small --distil --fold 0 --out watch-small-0.pt    # and tiny

A batch has crops of WINDOW + 8 * 12 samples with 13 answers each (gru: 37).  The label of an answer is that
of the sample in the middle of its window.  The result is a running mean of the weights over the last steps.
The number of steps is fixed, without early stopping.

With --distil the network also learns the scores of the network of this folder that was trained on the same
subjects.
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

import augment
import onnx_file
from descent import add_to_mean, cycle, descend, divergence
from model import HOP, KINDS, WINDOW, ActivityNet, Exported
from recordings import fold_of, subjects

TURN = {"watch": 25, "phone": 35}
FLIPS = {"watch": 0.0, "phone": 0.5}
# share of the teacher in the loss, and divisor of the logits of both networks; no other values were tried
SHARE = 0.7
TEMPERATURE = 2.0


def batch(rng, x, y, count, device, answers):
    """Random crops of a stream [n, 6], augmented: (x [count, 6, crop], labels [count, answers])."""
    crop = WINDOW + HOP * (answers - 1)
    starts = rng.integers(crop // 4, len(x) - crop - crop // 4, count)
    at = augment.warp(rng, starts, crop).clip(0, len(x) - 1.001)
    low = at.astype(int)
    part = (at - low)[..., None].astype(np.float32)
    signal = x[low] * (1 - part) + x[low + 1] * part
    middle = WINDOW // 2 + HOP * np.arange(answers)
    labels = y[np.rint(at[:, middle]).astype(int)]
    signal = torch.from_numpy(signal.transpose(0, 2, 1).copy())
    return augment.change(rng, signal, TURN[device], FLIPS[device]), torch.from_numpy(labels)


def answers(net, x):
    """Labels found in a stream [n, 6], one per hop, and the samples that they describe."""
    with torch.no_grad():
        found = net.eval()(torch.from_numpy(x.T.copy())[None])[0].argmax(0).numpy()
    return found, WINDOW // 2 + HOP * np.arange(len(found))


def report(net, streams):
    """Accuracy over all answers, and the confusion [label, found]."""
    confusion = np.zeros((5, 5), int)
    for x, y in streams.values():
        found, at = answers(net, x)
        np.add.at(confusion, (y[at], found), 1)
    return np.trace(confusion) / confusion.sum(), confusion


def teacher_of(device, fold):
    """The exported network that was trained on the subjects outside this fold, and has not seen those inside."""
    name = f"har-{device}.onnx" if fold is None else f"folds/{device}-{fold}.onnx"
    return onnx_file.read_weights(Exported(ActivityNet()), pathlib.Path(__file__).parent / name)


def loss_of(logits, labels, taught=None):
    """Mean cross-entropy with smoothed labels.  taught: the teacher's logits, if there is one."""
    loss = functional.cross_entropy(logits, labels, label_smoothing=0.05)
    return loss if taught is None else (1 - SHARE) * loss + SHARE * divergence(logits, taught, TEMPERATURE)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--device", choices=sorted(TURN), required=True)
    parser.add_argument("--net", choices=sorted(KINDS), default="cnn")
    parser.add_argument("--distil", action="store_true", help="learn from the network of this folder, too")
    parser.add_argument("--fold", type=int, help="fold of the held-out subjects; default: train on all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)

    streams = subjects(args.data, args.device)
    folds = fold_of(streams)
    kept = {s: v for s, v in streams.items() if folds[s] == args.fold}
    x, y = (np.concatenate(p) for p in zip(*[v for s, v in streams.items() if s not in kept]))
    kind, _, crop_answers = KINDS[args.net]
    net = kind()
    teacher = teacher_of(args.device, args.fold) if args.distil else None
    mean = copy.deepcopy(net)
    optimiser, schedule = cycle(net, args.rate, args.steps)
    began, total = time.time(), 0.0
    for step in range(1, args.steps + 1):
        xs, labels = batch(rng, x, y, args.batch, args.device, crop_answers)
        net.train()
        with torch.no_grad():
            taught = teacher.logits(xs) if teacher else None
        total += descend(optimiser, schedule, loss_of(net(xs), labels, taught))
        add_to_mean(mean, net, step)
        if step % 500 == 0:
            shown = f"held-out {100 * report(mean, kept)[0]:.2f} %" if kept else ""
            print(f"step {step} loss {total / 500:.4f} {shown} {time.time() - began:.0f} s", flush=True)
            total = 0.0
    torch.save({"weights": mean.state_dict(), "net": args.net, "device": args.device, "fold": args.fold}, args.out)
    if kept:
        print(report(mean, kept)[1])


if __name__ == "__main__":
    main()
