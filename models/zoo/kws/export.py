"""Write the networks of all sizes, those of the folds, and their signals.

    python export.py --weights large.pt small.pt tiny.pt                    # kws.onnx, kws-small.onnx, kws-tiny.onnx
    python export.py --weights large-0.pt small-0.pt tiny-0.pt --fold 0     # folds/fold-0.onnx and so on, float16 weights
    python export.py --signals                                              # calib.npy and golden files

kws.onnx         input features [1, 1, 49, 40], output scores [1, 12] (softmax), opset 18
folds/*.onnx     the same network trained without the speakers of one fold, for `npm run eval:kws`
calib.npy        float32 [rows, 40]: rows of synthesised words, sentences and noise
golden-in.npy    int8 [8, 49, 40] windows; golden-out.npy float32 [8, 12] scores of PyTorch (-small, -tiny: of the sizes)
golden-rows.npy  int8 [400, 40]: the front end's rows of the first 8 s of demo.wav
"""

import argparse
import copy
import json
import pathlib
import sys

import numpy as np
import torch
from scipy.io import wavfile
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

import augment
import clips
import onnx_file
import speech
from batches import real
from front_end import features
from model import HOP, MEAN, SIZES, SPREAD, Block, WordNet
from train import load, without_share

HERE = pathlib.Path(__file__).parent
# chosen by `npm run tune:kws`
CUTOFFS = {
    "yes": 0.71,
    "no": 0.75,
    "up": 0.79,
    "down": 0.85,
    "left": 0.55,
    "right": 0.75,
    "on": 0.79,
    "off": 0.75,
    "stop": 0.89,
    "go": 0.71,
}
DETECTOR = {"cutoff": 0.7, "cutoffs": CUTOFFS, "slidingWindow": 8, "refractoryMs": 1000, "output": 0}
FEATURES = {"preset": "log-mel", "stepSamples": 320, "sampleRateHz": 16000}
# % of int8 streamed, mean of five folds (`npm run eval:kws`)
# `runlet fit --choose` compares it with other sizes
ACCURACY = {"large": 92.72, "small": 88.44, "tiny": 84.16}
METADATA = {
    "runlet.sample_rate_hz": "50",
    "runlet.hop": str(HOP),
    "runlet.labels": ",".join(clips.LABELS),
    "runlet.detector": json.dumps(DETECTOR),
    "runlet.features": json.dumps(FEATURES),
}


def folded(layers):
    """Layers for inference: batch norm is folded into the convolutions, and dropout is left out."""
    out = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            out[-1] = fuse_conv_bn_eval(out[-1], layer)
        elif isinstance(layer, Block):
            out.append(copy.deepcopy(layer))
            out[-1].found = folded(layer.found)
        elif not isinstance(layer, nn.Dropout):
            out.append(layer)
    return nn.Sequential(*out)


def trunk_of(net):
    """The trunk for inference.  Its first convolution reads x instead of (x - MEAN) / SPREAD."""
    trunk = folded(net.eval().trunk)
    with torch.no_grad():
        trunk[0].weight /= SPREAD
        trunk[0].bias -= MEAN * trunk[0].weight.sum((1, 2, 3))
    return trunk


class Scores(nn.Module):
    """Softmax of the logits of one window."""

    def __init__(self, net):
        super().__init__()
        self.trunk, self.output = trunk_of(net), net.output

    def forward(self, x):
        return torch.softmax(self.output(self.trunk(x).mean((2, 3))), 1)


def suffix(size):
    return "" if size == "large" else f"-{size}"


def write_onnx(path, target, fold):
    """Write the network of a checkpoint, for one window, with its metadata."""
    net = load(path)
    name = f"fold-{fold}{suffix(net.size)}.onnx" if fold >= 0 else f"kws{suffix(net.size)}.onnx"
    stated = {"runlet.accuracy": str(ACCURACY[net.size])} if net.size in ACCURACY and fold < 0 else {}
    window = torch.zeros(1, 1, 49, 40)
    scores = Scores(without_share(net)).eval()
    onnx_file.write_onnx(scores, target / name, "kws", window, "features", "scores", METADATA | stated, half=fold >= 0)


def calibration(rng):
    """Rows of about 48 s of sound at many levels: words and sentences of the part `train`, noise, silence."""
    parts = []
    for n, word in enumerate([*clips.WORDS, "seven", "happy"] * 2):
        parts.append(speech.word_clip(word, "train", rng)[1600:14400] * 10 ** (-rng.uniform(0, 1.2)))
        if n % 3 == 0:
            parts.append(speech.continuous("train", 2, rng) * 10 ** (-rng.uniform(0, 1)))
        if n % 4 == 0:
            parts.append(0.01 * augment.coloured_noise(1, 9600, rng)[0] * 10 ** rng.uniform(-2, 1))
    x = np.concatenate(parts)[None, : 48 * 16000 + 80]
    x[:, 8 * 16000 : 30 * 16000] = augment.convolve(x[:, 8 * 16000 : 30 * 16000], augment.rooms(1, rng))
    noise = 0.002 * augment.coloured_noise(1, x.shape[1], rng)
    rows = features(clips.to_pcm(augment.gain(x + noise, rng, 0, 0.1)))[0]
    # both ends of the range, so that calibration finds the scale of the front end, 1 / 16
    rows[-1, :2] = -128, 127
    return real(rows)


def golden(rng):
    """Eight windows: words by voices of the part `demo` in soft noise."""
    x = np.stack([speech.word_clip(w, "demo", rng) for w in ["yes", "no", "stop", "go", "left", "on", "seven", "zero"]])
    return features(clips.to_pcm(x + 0.003 * augment.coloured_noise(8, 16000, rng)))


def write_signals():
    np.save(HERE / "calib.npy", calibration(np.random.default_rng(5)))
    _, pcm = wavfile.read(HERE / "demo.wav")
    np.save(HERE / "golden-rows.npy", features(pcm[None, : 399 * 320 + 400])[0])
    x = golden(np.random.default_rng(6))
    np.save(HERE / "golden-in.npy", x)
    for size in SIZES:
        if not (path := HERE / f"kws{suffix(size)}.onnx").exists():
            continue
        net = onnx_file.read_weights(Scores(WordNet(size)), path)
        with torch.no_grad():
            y = net(torch.from_numpy(real(x))[:, None]).numpy()
        np.save(HERE / f"golden-out{suffix(size)}.npy", y)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", nargs="+", default=[], help="checkpoints of train.py, one for each size")
    parser.add_argument("--fold", type=int, default=-1)
    parser.add_argument("--signals", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    target = HERE / "folds" if args.fold >= 0 else HERE
    target.mkdir(exist_ok=True)
    for path in args.weights:
        write_onnx(path, target, args.fold)
    if args.signals:
        write_signals()


if __name__ == "__main__":
    main()
