"""Finger PPG of the Welltory data set (CC0; Neshitov et al., Sensors 2021, 21, 6798).

Expects a folder with dev_x.npy (int16 [n, 3], camera R G B * 100 at 30 Hz), dev_hr.npy
(int16 [n], BPM * 100 over the trailing 8 s, 0 = undefined) and index.csv (split, record,
start, length, mean_hr).  The red channel is used for every record.
"""

import csv
import pathlib

import numpy as np
from scipy.signal import resample_poly

from preprocess import preprocess

SOURCE_HZ, RATE_HZ = 30, 32
CHANNEL = 0


def records(folder, split="dev"):
    """Yield (name, preprocessed signal at 32 Hz, BPM, 0 = undefined), both [samples]."""
    folder = pathlib.Path(folder)
    x = np.load(folder / f"{split}_x.npy")[:, CHANNEL].astype(np.float64) / 100
    hr = np.load(folder / f"{split}_hr.npy").astype(np.float64) / 100
    with open(folder / "index.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["split"] == split]
    for r in rows:
        part = slice(int(r["start"]), int(r["start"]) + int(r["length"]))
        raw = x[part]
        # resample around the first value: the filter sees no step at the start
        raw = raw[0] + resample_poly(raw - raw[0], RATE_HZ, SOURCE_HZ)
        at = np.minimum(np.arange(len(raw)) * SOURCE_HZ // RATE_HZ, part.stop - part.start - 1)
        yield r["record"], preprocess(raw), hr[part][at]
