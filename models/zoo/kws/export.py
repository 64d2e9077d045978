"""Write kws.onnx, the networks of the folds, and their signals.

    python export.py --weights slide.pt rows.pt image.pt                    # kws.onnx, float32
    python export.py --weights slide-0.pt rows-0.pt image-0.pt --fold 0     # folds/fold-0.onnx, float16 weights
    python export.py --signals                                              # calib.npy and golden files

kws.onnx         input features [1, 1, 49, 40], output scores [1, 12] (softmax), opset 18
folds/*.onnx     the same network trained without the speakers of one fold, for `npm run eval:kws`
calib.npy        float32 [2400, 40]: rows of synthesised words, sentences and noise
golden-in.npy    int8 [8, 49, 40] windows; golden-out.npy float32 [8, 12] scores of PyTorch
golden-rows.npy  int8 [400, 40]: the front end's rows of the first 8 s of demo.wav
"""

import argparse
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
from model import HOP, MEAN, SPREAD, STEMS, Member

HERE = pathlib.Path(__file__).parent
DETECTOR = {"cutoff": 0.7, "slidingWindow": 4, "refractoryMs": 1000, "output": 0}
FEATURES = {"preset": "log-mel", "stepSamples": 320, "sampleRateHz": 16000}
METADATA = {
    "runlet.sample_rate_hz": "50",
    "runlet.hop": str(HOP),
    "runlet.labels": ",".join(clips.LABELS),
    "runlet.detector": json.dumps(DETECTOR),
    "runlet.features": json.dumps(FEATURES),
}


class Trunk(nn.Sequential):
    """A member without its dense layer.  Batch norm, MEAN and SPREAD are folded into its convolutions."""

    def __init__(self, member):
        layers = []
        for layer in member.eval().trunk:
            if isinstance(layer, nn.BatchNorm2d):
                layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
            elif not isinstance(layer, nn.Dropout):
                layers.append(layer)
        with torch.no_grad():  # the first convolution reads x instead of (x - MEAN) / SPREAD
            layers[0].weight /= SPREAD
            layers[0].bias -= MEAN * layers[0].weight.sum((1, 2, 3))
        super().__init__(*layers)


class Scores(nn.Module):
    """Softmax of the mean of the members' logits, computed by one dense layer over all their features."""

    def __init__(self, members):
        super().__init__()
        self.trunks = nn.ModuleList(Trunk(m) for m in members)
        self.output = nn.Linear(sum(m.output.in_features for m in members), len(clips.LABELS))
        with torch.no_grad():
            self.output.weight.copy_(torch.cat([m.output.weight for m in members], 1) / len(members))
            self.output.bias.copy_(torch.stack([m.output.bias for m in members]).mean(0))

    def forward(self, x):
        return torch.softmax(self.output(torch.cat([trunk(x).mean((2, 3)) for trunk in self.trunks], 1)), 1)


def load(paths):
    members = [Member(kind) for kind in STEMS]
    for member, path in zip(members, paths, strict=True):
        member.load_state_dict(torch.load(path))
    return Scores(members).eval()


def write_onnx(net, path, half=False):
    """Write the network for one window, with its metadata."""
    onnx_file.write_onnx(net, path, "kws", torch.zeros(1, 1, 49, 40), "features", "scores", METADATA, half)


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
    with torch.no_grad():
        y = load_onnx(HERE / "kws.onnx")(torch.from_numpy(real(x))[:, None]).numpy()
    np.save(HERE / "golden-in.npy", x)
    np.save(HERE / "golden-out.npy", y)


def load_onnx(path):
    return onnx_file.read_weights(Scores([Member(kind) for kind in STEMS]), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", nargs="+", help="checkpoints of slide, rows and image")
    parser.add_argument("--fold", type=int, default=-1)
    parser.add_argument("--signals", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.weights and args.fold < 0:
        write_onnx(load(args.weights), HERE / "kws.onnx")
    elif args.weights:
        (HERE / "folds").mkdir(exist_ok=True)
        write_onnx(load(args.weights), HERE / "folds" / f"fold-{args.fold}.onnx", half=True)
    if args.signals:
        write_signals()


if __name__ == "__main__":
    main()
