"""Records of the MIT-BIH Arrhythmia Database, lead MLII, at 180 Hz.

Expects a folder with index.csv (split, record, ...), dev/{record}_x.npy (int16 [n], 1000 counts per mV) and
dev/{record}_beats.npy (int32 [n, 2]: sample of the R wave, class 0 N 1 S 2 V 3 F 4 Q).  This repository
contains none of the data.
"""

import csv
import pathlib

import numpy as np

FOLDS = 5


def records(folder):
    """{record: (mV float32 [n], R waves in samples int [beats], class int [beats])}, in index order."""
    folder = pathlib.Path(folder)
    found = {}
    with open(folder / "index.csv", newline="") as file:
        for row in csv.DictReader(file):
            path = folder / "dev" / f"{row['record']}_x.npy"
            if row["split"] != "dev" or not path.exists():
                continue
            beats = np.load(folder / "dev" / f"{row['record']}_beats.npy").astype(np.int64)
            found[row["record"]] = (np.load(path).astype(np.float32) / 1000, beats[:, 0], beats[:, 1])
    return found


def fold_of(names):
    """{record: fold}: every fifth record is in the same fold.  Each record is of another patient."""
    return {name: n % FOLDS for n, name in enumerate(names)}
