"""Speech Commands clips, and folds by speaker.

A folder has one-second clips of 12 classes at 16 kHz, as mu-law bytes in *.npy, and
index.csv (split,file,row,class,label,word,speaker,source_file).
"""

import csv
import hashlib
import pathlib

import numpy as np

LABELS = "_silence_ _unknown_ yes no up down left right on off stop go".split()
WORDS = LABELS[2:]
FOLDS = 5
ALWAYS = -1  # fold of clips that every network is trained on: their speakers are not judged


def decode(bytes_):
    """mu-law uint8 -> float32 in -1..1."""
    f = bytes_.astype(np.float32) / 127.5 - 1
    return (np.sign(f) * (256 ** np.abs(f) - 1) / 255).astype(np.float32)


def to_pcm(x):
    """float in -1..1 -> int16, rounded and clipped."""
    return np.clip(np.rint(x * 32767), -32768, 32767).astype(np.int16)


def rows(folder):
    """Rows of index.csv that may be trained on, in file order: the development split, or further training clips."""
    with open(pathlib.Path(folder) / "index.csv", newline="") as file:
        return [row for row in csv.DictReader(file) if row["split"] in ("dev", "train")]


def load(folders):
    """(sound float32 [n, 16000], label int64 [n], fold int64 [n]) of the clips of several folders.

    The first folder has the judged clips.  Of the others, silence is left out, as its files overlap judged ones.
    """
    sound, label, speakers = [], [], []
    for folder in map(pathlib.Path, folders):
        index = [row for row in rows(folder) if row["split"] == "dev" or row["class"] != "0"]
        files = {name: np.load(folder / name) for name in {r["file"] for r in index}}
        sound.append(decode(np.stack([files[r["file"]][int(r["row"])] for r in index])))
        label += [int(r["class"]) for r in index]
        speakers.append([r["speaker"] for r in index])
    where = folds(speakers[0])
    fold = [where.get(name, ALWAYS) for part in speakers for name in part]
    return np.concatenate(sound), np.array(label), np.array(fold)


def folds(speakers):
    """Fold 0..4 of every speaker of the judged clips.  Speakers, in the order of their SHA-256, go to the emptiest fold.

    Silence has no speaker; its clips (one "speaker" each) are distributed in the same way.
    host/demo/kws-clips.ts has the same rule.
    """
    counts = {}
    for name in speakers:
        counts[name] = counts.get(name, 0) + 1
    where, speech, noise = {}, [0] * FOLDS, [0] * FOLDS
    for name in sorted(counts, key=lambda n: hashlib.sha256(n.encode()).hexdigest()):
        filled = noise if name.startswith("noise_") else speech
        where[name] = filled.index(min(filled))
        filled[where[name]] += counts[name]
    return where
