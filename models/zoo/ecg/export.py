"""Write the ONNX files and their signals.

    python export.py --weights ecg.pt                     # ecg.onnx, float32
    python export.py --weights ecg-0.pt ... ecg-4.pt      # folds/fold-0.onnx ..., float16 weights
    python export.py --signals                            # calib, demo and golden files, all simulated

ecg.onnx         input ecg [1, 1, 1031] in mV at 180 Hz, output scores [1, 5] (softmax), opset 18
calib.npy        float32 [n, 1]: 16 patients, 20 s each, R waves of 0.3 to 4 mV
demo.csv         time_s, ecg, beat: two minutes with ectopic beats; beat is 1 + class at an R wave, else 0
golden-in.npy    float32 [8, 1031] windows; golden-out.npy float32 [8, 5] scores of PyTorch
golden-kinds.npy float32 [beats, 19]: samples in demo.csv, sums of scores, features and classes from kinds.py
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

import kinds
import onnx_file
import simulate
from model import CLASSES, HOP, RATE_HZ, WINDOW, BeatNet, Exported

HERE = pathlib.Path(__file__).parent
METADATA = {
    "runlet.sample_rate_hz": str(RATE_HZ),
    "runlet.hop": str(HOP),
    "runlet.labels": ",".join(CLASSES),
}


def write_onnx(net, path, half=False):
    """Write the network for one window, with its metadata."""
    onnx_file.write_onnx(net, path, "ecg", torch.zeros(1, 1, WINDOW), "ecg", "scores", METADATA, half)


def load(path):
    found = torch.load(path)
    net = BeatNet()
    net.load_state_dict(found["weights"])
    return Exported(net).eval(), found["fold"]


def load_onnx(path):
    return onnx_file.read_weights(Exported(BeatNet()), path)


def calibration():
    """Joined recordings of patients with small, medium and large R waves."""
    heights = np.geomspace(0.4, 2.2, 16)[np.random.default_rng(0).permutation(16)]
    return np.concatenate([h * simulate.recording(seed, 20, 0.15, 0.05)[0] for seed, h in enumerate(heights)])


def write_signals():
    np.save(HERE / "calib.npy", calibration()[:, None].astype(np.float32))
    x, at, kind = simulate.recording(301, 120, 0.1, 0.0)
    beat = np.zeros(len(x), int)
    beat[at] = 1 + kind
    with open(HERE / "demo.csv", "w") as file:
        file.write("time_s,ecg,beat\n")
        for n, (value, mark) in enumerate(zip(x, beat)):
            file.write(f"{n / RATE_HZ:.4f},{value:.4f},{mark}\n")
    x, _, _ = simulate.recording(202, 40, 0.15, 0.05)
    windows = np.stack([x[start : start + WINDOW] for start in np.linspace(0, len(x) - WINDOW, 8).astype(int)])
    with torch.no_grad():
        scores = load_onnx(HERE / "ecg.onnx")(torch.from_numpy(windows)[:, None]).numpy()
    np.save(HERE / "golden-in.npy", windows)
    np.save(HERE / "golden-out.npy", scores)
    write_kinds(np.loadtxt(HERE / "demo.csv", delimiter=",", skiprows=1))


def write_kinds(rows):
    """Write features of beats and of as many random samples, with random scores, so that templates change."""
    rng = np.random.default_rng(180)
    x, at = rows[:, 1].astype(np.float32).astype(float), np.flatnonzero(rows[:, 2])
    at = np.sort(np.concatenate([at + rng.integers(-4, 5, len(at)), rng.integers(0, len(x) - 41, len(at) + 20)]))
    sums = (3 * rng.dirichlet([0.5, 0.3, 0.4, 0.05], len(at))).astype(np.float32)
    f = kinds.features(x, at, sums.astype(float))
    shipped = json.loads((HERE / "kinds.json").read_text())["shipped"]
    np.save(HERE / "golden-kinds.npy", np.c_[at, sums, f, kinds.kinds(f, sums, shipped)].astype(np.float32))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", nargs="*", default=[])
    parser.add_argument("--signals", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for path in args.weights:
        net, fold = load(path)
        if fold is None:
            write_onnx(net, HERE / "ecg.onnx")
        else:
            (HERE / "folds").mkdir(exist_ok=True)
            write_onnx(net, HERE / "folds" / f"fold-{fold}.onnx", half=True)
    if args.signals:
        write_signals()


if __name__ == "__main__":
    main()
