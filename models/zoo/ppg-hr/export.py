"""Write ppg-hr.onnx and its signals, from a checkpoint of train.py.

    python export.py --weights ppg-hr.pt
    python export.py --signals-only          # only the signals, with the weights of the ONNX file

ppg-hr.onnx       input ppg [1, 1, 256], output bpm [1, 1], float32, opset 18
calib.npy         [16384, 1] preprocessed calibration signal
demo.csv          5 minutes of raw PPG at 32 Hz with the true rate
golden-in.npy     [8, 576] extended preprocessed windows; golden-out.npy [8, 1] BPM
fixtures/*.npy    raw signal and front-end output for the TypeScript test
"""

import argparse
import pathlib
import sys

import numpy as np
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

import onnx_file
import simulate
from evaluate import load
from model import EXTENDED, HOP, LEFT_CONTEXT, WINDOW
from preprocess import preprocess

HERE = pathlib.Path(__file__).parent
DEMO_SEED = 7
METADATA = {
    "runlet.sample_rate_hz": str(simulate.RATE_HZ),
    "runlet.hop": str(HOP),
    "runlet.left_context": str(LEFT_CONTEXT),
    "runlet.front_end": "ppg",
}


def write_onnx(net, path):
    """Write the network for one window of 256 samples.

    The exporter fuses each zero pad into its convolution (pads = [8, 0]).
    """
    onnx_file.write_onnx(net, path, "ppg-hr", torch.zeros(1, 1, WINDOW), "ppg", "bpm", METADATA)


def write_calibration():
    """Write 512 s of all levels, 40 to 180 BPM: 16 recordings of 32 s after a warm-up of 16 s."""
    parts = []
    for seed, centre in enumerate(np.random.default_rng(0).permutation(np.linspace(42, 178, 16))):
        seconds = 48
        bpm = np.linspace(centre - 2, centre + 2, (seconds + 8) * simulate.RATE_HZ)
        level = simulate.LEVELS[(0, 1, 1, 2)[seed % 4]]
        raw, _ = simulate.recording("calibration", seed, seconds, level, bpm)
        parts.append(preprocess(raw)[16 * simulate.RATE_HZ :])
    np.save(HERE / "calib.npy", np.concatenate(parts)[:, None].astype(np.float32))


def write_demo():
    """Write the demo: 66 BPM at rest, ramp to 160 BPM (60 to 150 s), from 180 s recovery to 90 BPM."""
    seconds = 300
    t = np.arange((seconds + 8) * simulate.RATE_HZ) / simulate.RATE_HZ - 8
    bpm = np.interp(t, [-8, 60, 150, 180], [66, 66, 160, 160])
    bpm = np.where(t > 180, 90 + 70 * np.exp(-(t - 180) / 45), bpm)
    ppg, truth = simulate.recording("demo", DEMO_SEED, seconds, "moderate", bpm)
    with open(HERE / "demo.csv", "w") as file:
        file.write("time_s,ppg,bpm_true\n")
        for n, (value, rate) in enumerate(zip(ppg, truth)):
            file.write(f"{n / simulate.RATE_HZ},{value:.0f},{rate:.1f}\n")


def write_golden(net):
    """Write eight extended windows and the network's float output for each."""
    rng = np.random.default_rng(7)
    windows = []
    for seed in range(8):
        raw, _ = simulate.recording("golden", seed, 60, simulate.LEVELS[(0, 1, 1, 2)[seed % 4]])
        start = rng.integers(64, 60 * simulate.RATE_HZ - EXTENDED)
        windows.append(preprocess(raw)[start : start + EXTENDED])
    x = np.stack(windows)
    with torch.no_grad():
        y = net(torch.from_numpy(x)[:, None]).numpy()
    np.save(HERE / "golden-in.npy", x)
    np.save(HERE / "golden-out.npy", y)


def write_fixture():
    """Write the front-end fixture: 20 s of raw PPG (integers) with one gap, and the output for it."""
    raw, _ = simulate.recording("golden", 100, 20, "motion")
    raw[300:304] = np.nan
    np.save(HERE / "fixtures" / "front-end-raw.npy", raw.astype(np.float32))
    np.save(HERE / "fixtures" / "front-end-out.npy", preprocess(raw.astype(np.float32)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", default="ppg-hr.pt")
    parser.add_argument("--signals-only", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not args.signals_only:
        write_onnx(load(args.weights), HERE / "ppg-hr.onnx")
    (HERE / "fixtures").mkdir(exist_ok=True)
    write_calibration()
    write_demo()
    write_golden(load())
    write_fixture()


if __name__ == "__main__":
    main()
