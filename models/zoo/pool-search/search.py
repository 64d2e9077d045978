"""Train the placements of the downsampling of har, each alone and all in supernets.

    runlet plan ../har/har-watch.onnx --sweep pools --json > placements.json
    python search.py --data DIR --placements placements.json --out RUNS

RUNS gets runs.json, and an ONNX file for each network that was trained alone.  A second start continues an
interrupted search. All trainings use the data, augmentation, loss, learning rates and running mean of
models/zoo/har/train.py.  The judged subjects are those of one fold; nothing else uses them.
"""

import argparse
import copy
import json
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

import onnx_file
from descent import add_to_mean, cycle, descend
from mixture import Assignment
from supernet import SuperNet, read_placements, with_statistics

import export
from model import WINDOW, Exported
from recordings import fold_of, subjects
from train import batch, loss_of, report

DEVICE = "watch"
# har was developed on fold 0, and no choice was made on this fold
FOLD = 1
SEEDS = (1, 2, 3)
# steps of a training of one placement, and of all supernets of a search together
STEPS = 500
SEARCH_STEPS = 2000
SUPERNETS = {"supernet": 1, "mixture": 4}
BATCH = 32
RATE = 4e-3
ANSWERS = 13
# batches for the statistics of batch norm of a placement in a supernet
STATISTICS = 20


def right(net, strides, x, labels):
    """Share of right answers, with the statistics of the batch and without dropout."""
    net.train()
    net.dropout.eval()
    with torch.no_grad():
        return (net(x, strides).argmax(1) == labels).float().mean().item()


def fit(placements, count, steps, streams, seed):
    """Train `count` supernets for `placements`.  Returns their running means and the assignment.

    A training of one placement is one supernet with one placement.  All trainings of a seed get the same
    batches."""
    torch.manual_seed(seed)
    rng, fresh = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    x, y = (np.concatenate(p) for p in zip(*streams.values()))
    nets = nn.ModuleList(SuperNet(placements) for _ in range(count))
    means = copy.deepcopy(nets)
    # the optimiser skips a supernet that has no gradient in a step
    optimiser, schedule = cycle(nets, RATE, steps)
    assignment = Assignment(len(placements), count, steps, (seed, 2))
    for _ in range(steps):
        xs, labels = batch(rng, x, y, BATCH, DEVICE, ANSWERS)
        placement, chosen = assignment.choose()
        net, strides = nets[chosen], placements[placement]
        net.train()
        descend(optimiser, schedule, loss_of(net(xs, strides), labels))
        add_to_mean(means[chosen], net, assignment.counts[:, chosen].sum())
        if count > 1:
            accuracy = right(net, strides, *batch(fresh, x, y, BATCH, DEVICE, ANSWERS))
            assignment.learn((placement, chosen), accuracy)
    return means, assignment


def train_alone(strides, trained_on, judged, seed, out, steps=STEPS):
    """A run of one placement, and its ONNX file."""
    means, _ = fit([strides], 1, steps, trained_on, seed)
    net = means[0].alone(strides)
    name = f"{'-'.join(map(str, strides))}-seed{seed}.onnx"
    accuracy, _ = report(net, judged)
    onnx_file.write_onnx(
        Exported(net).eval(), out / name, "har", torch.zeros(1, 6, WINDOW), "motion", "scores", export.METADATA
    )
    return {"file": name, "accuracy": accuracy}


def train_shared(kind, placements, trained_on, judged, seed, steps=SEARCH_STEPS):
    """A run of supernets: accuracy of each placement in its most probable supernet."""
    means, assignment = fit(placements, SUPERNETS[kind], steps, trained_on, seed)
    chosen = assignment.shares().argmax(1)
    x, y = (np.concatenate(p) for p in zip(*trained_on.values()))
    accuracy = []
    for strides, supernet in zip(placements, chosen):
        rng = np.random.default_rng((seed, 3))
        batches = (batch(rng, x, y, BATCH, DEVICE, ANSWERS)[0] for _ in range(STATISTICS))
        accuracy.append(report(with_statistics(means[supernet].alone(strides), batches), judged)[0])
    return {"accuracy": accuracy, "chosen": chosen.tolist(), "steps": assignment.counts.tolist()}


def search(planned, streams, out, seeds=SEEDS, steps=STEPS, search_steps=SEARCH_STEPS):
    """All runs, in out/runs.json.  planned: of read_placements; streams: of recordings.subjects."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "runs.json"
    folds = fold_of(streams)
    judged = {s: v for s, v in streams.items() if folds[s] == FOLD}
    trained_on = {s: v for s, v in streams.items() if folds[s] != FOLD}
    placements = [strides for strides, _ in planned]
    head = {
        "device": DEVICE,
        "fold": FOLD,
        "judged": sorted(judged),
        "answers": sum((len(y) - WINDOW) // export.HOP + 1 for _, y in judged.values()),
        "steps": steps,
        "searchSteps": search_steps,
        "supernets": SUPERNETS["mixture"],
        "seeds": list(seeds),
        "placements": [row | {"strides": list(strides)} for strides, row in planned],
    }
    runs = json.loads(file.read_text())["runs"] if file.exists() else {}

    def run(name, make, *args):
        began = time.time()
        if name not in runs:
            runs[name] = make(*args)
            file.write_text(json.dumps(head | {"runs": runs}))
        print(f"{name} {np.mean(runs[name]['accuracy']):.4f} {time.time() - began:.0f} s", flush=True)

    for seed in seeds:
        for strides in placements:
            name = f"{' '.join(map(str, strides))}, seed {seed}"
            run(name, train_alone, strides, trained_on, judged, seed, out, steps)
    for seed in seeds:
        for kind in SUPERNETS:
            run(f"{kind} {seed}", train_shared, kind, placements, trained_on, judged, seed, search_steps)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--placements", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    search(read_placements(args.placements), subjects(args.data, DEVICE), args.out)


if __name__ == "__main__":
    main()
