"""From the network to a bundle, and what the bundle hears: both by the command `runlet` of this clone.

    export(net, phrase, cutoff, rows, model)      # a path NAME.onnx; calib.npy next to it
    built(model)                                  # NAME.wasm: sound in, scores out; the manifest has the rule
    heard(bundle, wav)                            # times in seconds
"""

import json
import subprocess

import listening
import numpy as np
import onnx_file
import clone
import torch
from batches import real
from changes import FEATURES
from network import HOP, Exported
from scipy.io import wavfile
from voices import RATE_HZ

STEP_MS = 20


def runlet(*arguments):
    """Standard output of a command of this clone. Warnings go to the terminal."""
    command = ["node", str(clone.ROOT / "host" / "cli" / "bin.js"), *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def check():
    """Raises OSError without Node, CalledProcessError if the command does not start."""
    runlet("--version")


def export(net, phrase, cutoff, rows, model):
    """Write the ONNX file with labels, rule and front end, and calib.npy: two minutes of training."""
    rule = {
        "cutoff": cutoff,
        "slidingWindow": listening.SLIDING_WINDOW,
        "refractoryMs": listening.REFRACTORY_MS,
        "output": 0,
    }
    metadata = {
        "runlet.sample_rate_hz": str(1000 // STEP_MS),
        "runlet.hop": str(HOP),
        "runlet.labels": json.dumps([phrase]),
        "runlet.truth_at": "end",
        "runlet.detector": json.dumps(rule),
        "runlet.features": json.dumps({"preset": "log-mel", "stepSamples": RATE_HZ * STEP_MS // 1000, "sampleRateHz": RATE_HZ}),
    }
    window = torch.zeros(1, 1, net.window, FEATURES)
    onnx_file.write_onnx(Exported(net).eval(), model, "wake-word", window, "features", "score", metadata)
    starts = np.linspace(0, len(rows) - 500, 12).astype(int)
    calib = np.concatenate([rows[at : at + 500] for at in starts])
    # both ends of the range, so that calibration finds the scale of the front end
    calib[0, :2] = -128, 127
    np.save(model.with_name("calib.npy"), real(calib))


def built(model):
    """Path of the bundle, which is built with the front end inside."""
    path = model.with_suffix(".wasm")
    front = ("--front-end", "log-mel", "--step-ms", STEP_MS)
    runlet("build", model, "--calib", model.with_name("calib.npy"), *front, "-o", path)
    return path


def heard(bundle, wav):
    """Times in seconds at which the bundle hears its phrase in a recording."""
    lines = [json.loads(line) for line in runlet("run", bundle, wav, "--json").splitlines()]
    return [line["timeS"] for line in lines if "heard" in line]


def write_wav(path, pcm):
    wavfile.write(path, RATE_HZ, pcm)
