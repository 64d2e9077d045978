"""Write vad.onnx, vad-small.onnx and their signals.

    python export.py --signals                          # calib.npy and golden-in.npy
    python export.py --weights vad.pt vad-small.pt      # each network, and its golden scores

vad*.onnx        input features [1, 40, 5], output voice [1, 1] (sigmoid), opset 18
calib.npy        float32 [2997, 40]: rows of three synthesised scenes of 20 s
golden-in.npy    int8 [999, 40]: rows of another scene
golden-out*.npy  float32 [995]: PyTorch's scores for it, with the state carried over
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
sys.path += [str(HERE.resolve().parent), str(HERE.resolve().parent / "kws")]

import onnx_file
import prepare
import scenes
from batches import real
from model import CHANNELS, ROWS, Exported, VoiceNet

METADATA = {
    "runlet.sample_rate_hz": "50",
    "runlet.hop": "1",
    "runlet.mode": "stream",
    "runlet.labels": "voice",
    # a score describes the row in the middle of its window
    "runlet.truth_at": "middle",
    "runlet.detector": json.dumps({"cutoff": 0.5, "slidingWindow": 5, "voice": True, "output": 0}),
    "runlet.features": json.dumps({"preset": "log-mel", "stepSamples": 320, "sampleRateHz": 16000}),
}


def write_signals():
    made = scenes.bank("train", 40, np.random.default_rng(5))
    rows = np.concatenate([prepare.scene(made, (), np.random.default_rng(seed))[0] for seed in (50, 51, 52)])
    # both ends of the range, so that calibration finds the scale of the front end
    rows[-1, :2] = -128, 127
    np.save(HERE / "calib.npy", real(rows))
    x, _ = prepare.scene(scenes.bank("test", 6, np.random.default_rng(6)), (), np.random.default_rng(60))
    np.save(HERE / "golden-in.npy", x)


def write_network(path):
    """Write the network of a checkpoint, and its scores."""
    found = torch.load(path)
    net = VoiceNet(found["size"])
    net.load_state_dict(found["weights"])
    exported = Exported(net).eval()
    part = "" if net.size == "large" else f"-{net.size}"
    window = torch.zeros(1, CHANNELS, ROWS)
    onnx_file.write_onnx(exported, HERE / f"vad{part}.onnx", "vad", window, "features", "voice", METADATA)
    rows = torch.from_numpy(real(np.load(HERE / "golden-in.npy")).T.copy())
    with torch.no_grad():
        np.save(HERE / f"golden-out{part}.npy", exported.scores(rows[None])[0, :, 0].numpy())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", nargs="*", default=[])
    parser.add_argument("--signals", action="store_true", help="calib.npy and golden-in.npy")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.signals:
        write_signals()
    for path in args.weights:
        write_network(path)


if __name__ == "__main__":
    main()
