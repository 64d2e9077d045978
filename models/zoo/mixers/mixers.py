"""Train a network with four token mixers: what does a spatial layer without weights cost in accuracy?

    python mixers.py --on har --data DIR --out RUNS
    python mixers.py --on kws --data CACHE --out RUNS      # CACHE: of ../kws/prepare.py

RUNS gets runs.json and an ONNX file for each network.  A second start continues where the first one ended.
Data, augmentation, loss, optimiser, learning rates and running mean are those of the network's own recipe, with
fewer steps.  All mixers of a fold and seed get the same batches.  The judged people of a fold influence no
choice.
"""

import argparse
import copy
import importlib
import json
import pathlib
import sys
import time

import torch

ZOO = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ZOO))

import onnx_file
from blocks import MIXERS
from descent import add_to_mean, cycle, descend


def task_of(name):
    """The module on_har or on_kws.  One process can load one of them: their recipes have modules of the same names."""
    sys.path.append(str(ZOO / name))
    return importlib.import_module(f"on_{name}")


def train(task, mixer, fold, seed, data, out, steps):
    """A run: the name of the ONNX file in `out`, and the share of right answers for the fold's people."""
    torch.manual_seed(seed)
    draw = task.batches(data, fold, seed)
    net = task.network(mixer)
    mean = copy.deepcopy(net)
    optimiser, schedule = cycle(net, task.RATE, steps, task.DECAY)
    for step in range(1, steps + 1):
        xs, labels = draw()
        net.train()
        descend(optimiser, schedule, task.loss_of(net(xs), labels), task.CLIP)
        add_to_mean(mean, net, step)
    accuracy = float(task.accuracy(mean, data, fold))
    name = f"{mixer}-fold{fold}-seed{seed}.onnx"
    window = torch.zeros(task.WINDOW_SHAPE)
    onnx_file.write_onnx(task.Scores(mean).eval(), out / name, task.__name__.removeprefix("on_"), window, task.INPUT, "scores", task.METADATA)
    return {"file": name, "accuracy": accuracy, "parameters": sum(p.numel() for p in net.parameters())}


def compare(task, data, out, seeds=None, steps=None, folds=None):
    """All runs, in out/runs.json.  data: of task.load."""
    out.mkdir(parents=True, exist_ok=True)
    seeds, steps, folds = seeds or task.SEEDS, steps or task.STEPS, folds or task.FOLDS
    file = out / "runs.json"
    head = {"steps": steps, "folds": folds, "seeds": list(seeds), "mixers": list(MIXERS)}
    runs = json.loads(file.read_text())["runs"] if file.exists() else {}
    for seed in seeds:
        for fold in range(folds):
            for mixer in MIXERS:
                name, began = f"{mixer}, fold {fold}, seed {seed}", time.time()
                if name not in runs:
                    runs[name] = train(task, mixer, fold, seed, data, out, steps)
                    file.write_text(json.dumps(head | {"runs": runs}))
                print(f"{name} {runs[name]['accuracy']:.4f} {time.time() - began:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", choices=("har", "kws"), required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    task = task_of(args.on)
    compare(task, task.load(args.data), args.out)


if __name__ == "__main__":
    main()
