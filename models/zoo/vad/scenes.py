"""Scenes: speech with pauses, mixed with noise, with a label for each row.

Speech is synthesised (kws/speech.py, voices and vocabularies of its parts `train`, `test`, `demo`), or clips
of Speech Commands.  A row has label 1 (speech) if its level is above the loudest level of the utterance less
35 dB; in clips it must also exceed the background.  Gaps of up to 0.2 s count as speech.  Rows at the edges
of speech in a clip have label 2 (not counted), because the data set does not mark the edges.
"""

import csv
import hashlib
import pathlib
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "kws"))

import augment
import clips
import speech
from front_end import STEP, WINDOW
from noises import NOISES

GAP_ROWS = 10


def levels(x):
    """Level of every row in dB: float [rows]."""
    frames = np.lib.stride_tricks.sliding_window_view(x, WINDOW)[::STEP]
    return 10 * np.log10((frames.astype(np.float64) ** 2).mean(1) + 1e-12)


def filled(active, rows=GAP_ROWS):
    """Fill gaps of up to `rows` rows between active rows."""
    on = np.flatnonzero(active)
    out = active.copy()
    for a, b in zip(on[:-1], on[1:]):
        if b - a <= rows + 1:
            out[a:b] = True
    return out


def said(text, speaker):
    """(sound, label of every row) of a synthesised text, with 25 ms of silence at its end."""
    x = np.pad(speech.trimmed(speech.say(text, speaker)), (0, WINDOW))
    db = levels(x)
    return x, filled(db > db.max() - 35).astype(np.int8)


def bank(part, count, rng):
    """Synthesised sentences and single words: [(sound, labels)]."""
    out = []
    for _ in range(count):
        text = speech.sentence(part, rng) if rng.random() < 0.8 else str(rng.choice([*speech.OTHERS, *clips.WORDS]))
        out.append(said(text, speech.voice(part, rng)))
    return out


def kept(speaker):
    """Whether a speaker is held out for judging: one in ten, by SHA-256."""
    return int(hashlib.sha256(speaker.encode()).hexdigest(), 16) % 10 == 0


def recorded(folders, judged):
    """Clips of held-out speakers (judged) or of others: (spoken [(sound, labels)], background [sound])."""
    spoken, background = [], []
    for folder in map(pathlib.Path, folders):
        with open(folder / "index.csv", newline="") as file:
            index = [r for r in csv.DictReader(file) if r["split"] in ("dev", "train") and kept(r["speaker"]) == judged]
        files = {name: np.load(folder / name) for name in {r["file"] for r in index}}
        for row in index:
            x = clips.decode(files[row["file"]][int(row["row"])])
            if row["class"] == "0":
                background.append(x)
            elif (label := clip_label(x)) is not None:
                spoken.append((x, label))
    return spoken, background


def clip_label(x):
    """Labels of a clip's 49 rows; None if the speech is less than 25 dB above the background."""
    db = levels(x)
    loud, floor = np.sort(db)[-3], max(np.percentile(db, 10), -90)
    if loud - floor < 25:
        return None
    active = filled(db > max(floor + 10, loud - 35)).astype(np.int8)
    edge = np.flatnonzero(np.diff(active))
    for at in edge:
        active[max(0, at - 1) : at + 3] = 2
    return active


def track(pieces, seconds, rng, pause):
    """Consecutive utterances with pauses of about `pause` seconds: (sound, labels)."""
    samples = seconds * augment.RATE_HZ
    x, label = np.zeros(samples, np.float32), np.zeros(1 + (samples - WINDOW) // STEP, np.int8)
    row = int(rng.exponential(pause) * 50)
    while row < len(label):
        sound, active = pieces[rng.integers(len(pieces))]
        at = row * STEP
        part = sound[: samples - at] * rng.uniform(0.4, 1.4)
        fade = min(320, len(part) // 2)
        part[:fade] *= np.linspace(0, 1, fade)
        part[len(part) - fade :] *= np.linspace(1, 0, fade)
        x[at : at + len(part)] += part
        label[row : row + len(active)] = active[: len(label) - row]
        row += len(active) + 1 + int((0.1 + rng.exponential(pause)) * 50)
    return x, filled_labels(label)


def filled_labels(label):
    """Labels in which pauses of up to 0.2 s between two utterances are speech."""
    return np.where((label == 0) & filled(label == 1), 1, label).astype(np.int8)


def background(samples, rng, recordings=()):
    """A mixture of one to three kinds of noise at random levels, or sometimes a recording."""
    if len(recordings) and rng.random() < 0.3:
        x = np.concatenate([recordings[i] for i in rng.integers(0, len(recordings), samples // 16000 + 1)])[:samples]
        return x / (x.std() + 1e-9)
    kinds = rng.choice(list(NOISES), rng.choice([1, 1, 2, 3]), replace=False)
    return sum(NOISES[kind](samples, rng) * 10 ** (-rng.uniform(0, 1)) for kind in kinds)


def mixed(x, label, noise, snr_db, rng):
    """Mix speech, possibly in a room, with noise (snr_db: to its mean level); random microphone and level."""
    rows = np.repeat(label == 1, STEP)
    power = (x[: len(rows)][rows] ** 2).mean() if rows.any() else 1e-3
    if rng.random() < 0.6:
        x = augment.convolve(x[None], augment.rooms(1, rng))[0]
    noise = noise * np.sqrt(power / ((noise**2).mean() + 1e-12)) * 10 ** (-snr_db / 20)
    y = augment.tilt((x + noise)[None], rng)
    y = y / (np.abs(y).max() + 1e-9) * 10 ** (rng.uniform(-45, 6) / 20)
    hiss = 10 ** (-rng.uniform(70, 100) / 20) * rng.standard_normal(y.shape)
    return np.clip(y + hiss, -1, 1)[0].astype(np.float32)
