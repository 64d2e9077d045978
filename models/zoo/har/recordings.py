"""Phone and watch recordings of the sp-sw-har data set, as one stream per subject at 50 Hz.

Expects a folder with {sp,sw}_dev_x.npy (int16 [n, 6]: acceleration m/s^2 * 400, rotation rad/s * 1600, at 100
Hz), {sp,sw}_dev_y.npy (int8 [n], label per sample) and index.csv (device, split, subject, execution, start,
length). This repository contains none of the data.
"""

import csv
import pathlib

import numpy as np

GRAVITY = 9.80665
FULL_SCALE = 250 * np.pi / 180
DEVICES = {"phone": "sp", "watch": "sw"}
FOLDS = 4


def preprocess(acceleration, rotation):
    """m/s^2 and rad/s at 100 Hz, [n, 3] each -> means [n / 2, 6] at 50 Hz in g and 250 degrees/s."""
    x = np.concatenate([acceleration / GRAVITY, rotation / FULL_SCALE], 1)
    x = x[: len(x) // 2 * 2]
    return ((x[0::2] + x[1::2]) / 2).astype(np.float32)


def subjects(folder, device):
    """{subject: (x float32 [n, 6], y int64 [n])}: joined executions, which start and end seated."""
    folder = pathlib.Path(folder)
    short = DEVICES[device]
    x = np.load(folder / f"{short}_dev_x.npy").astype(np.float64)
    y = np.load(folder / f"{short}_dev_y.npy").astype(np.int64)
    streams = {}
    with open(folder / "index.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["device"] != short or row["split"] != "dev":
                continue
            part = slice(int(row["start"]), int(row["start"]) + int(row["length"]))
            signal = preprocess(x[part, :3] / 400, x[part, 3:] / 1600)
            streams.setdefault(row["subject"], []).append((signal, y[part][0::2][: len(signal)]))
    return {s: tuple(np.concatenate(p) for p in zip(*parts)) for s, parts in sorted(streams.items())}


def fold_of(names):
    """{subject: fold}: every fourth subject, by sorted name, is in the same fold."""
    return {name: n % FOLDS for n, name in enumerate(sorted(names))}
