"""Train har with four token mixers: what does a spatial layer without weights cost in accuracy?

    python mixers.py --data DIR --out RUNS

RUNS gets runs.json and an ONNX file for each network.  A second start continues where the first one ended.
Data, augmentation, loss, optimiser, learning rates and running mean are those of ../har/train.py, with fewer
and smaller steps.  All mixers of a fold and seed get the same batches.  The judged subjects of a fold influence
no choice.
"""

import argparse
import copy
import json
import pathlib
import sys
import time

import numpy as np
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

import onnx_file
from descent import add_to_mean, cycle, descend
from blocks import MIXERS, MixerNet, Scores

import export
from model import WINDOW
from recordings import FOLDS, fold_of, subjects
from train import batch, loss_of, report

DEVICE = "watch"
SEEDS = (1, 2, 3)
STEPS = 1000
BATCH = 32
RATE = 4e-3
ANSWERS = 13


def train(mixer, fold, seed, streams, out, steps):
    """A run: the name of the ONNX file in `out`, and the share of right answers for the fold's subjects."""
    torch.manual_seed(seed)
    rng = np.random.default_rng((seed, fold))
    folds = fold_of(streams)
    x, y = (np.concatenate(p) for p in zip(*[v for s, v in streams.items() if folds[s] != fold]))
    net = MixerNet(mixer)
    mean = copy.deepcopy(net)
    optimiser, schedule = cycle(net, RATE, steps)
    for step in range(1, steps + 1):
        xs, labels = batch(rng, x, y, BATCH, DEVICE, ANSWERS)
        net.train()
        descend(optimiser, schedule, loss_of(net(xs), labels))
        add_to_mean(mean, net, step)
    accuracy, _ = report(mean, {s: v for s, v in streams.items() if folds[s] == fold})
    name = f"{mixer}-fold{fold}-seed{seed}.onnx"
    onnx_file.write_onnx(
        Scores(mean).eval(), out / name, "har", torch.zeros(1, 6, WINDOW), "motion", "scores", export.METADATA
    )
    return {"file": name, "accuracy": accuracy, "parameters": sum(p.numel() for p in net.parameters())}


def compare(streams, out, seeds=SEEDS, steps=STEPS):
    """All runs, in out/runs.json.  streams: of recordings.subjects."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "runs.json"
    head = {"device": DEVICE, "steps": steps, "folds": FOLDS, "seeds": list(seeds), "mixers": list(MIXERS)}
    runs = json.loads(file.read_text())["runs"] if file.exists() else {}
    for seed in seeds:
        for fold in range(FOLDS):
            for mixer in MIXERS:
                name, began = f"{mixer}, fold {fold}, seed {seed}", time.time()
                if name not in runs:
                    runs[name] = train(mixer, fold, seed, streams, out, steps)
                    file.write_text(json.dumps(head | {"runs": runs}))
                print(f"{name} {runs[name]['accuracy']:.4f} {time.time() - began:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    compare(subjects(args.data, DEVICE), args.out)


if __name__ == "__main__":
    main()
