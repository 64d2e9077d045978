"""Sound for training and judging: utterances in a row, in rooms and noise, with the times of the phrase.

    said = spoken([("hello runlet", voice, True), ...], jobs, rng)
    pcm, label = scene(said, rng, snr_db)       # int16 [320 n], label int8 [n]

A label describes 20 ms, the step of the front end: 0 no speech, 1 speech, 2 speech of the phrase.
"""

import numpy as np
import scenes
from clips import to_pcm
from front_end import STEP, WINDOW
from voices import say_all

PHRASE = 2


def resampled(x, factor):
    """The sound played `factor` times faster, with its pitch and vocal tract."""
    return np.interp(np.arange(0, len(x) - 1, factor), np.arange(len(x)), x).astype(np.float32)


def spoken(entries, jobs, rng, spread=0.0):
    """[(text, voice, is_phrase)] -> [(sound, labels)]. spread: largest change of speed, as a logarithm."""
    factors = np.exp(rng.uniform(-spread, spread, len(entries)))
    sounds = say_all([(text, voice) for text, voice, _ in entries], jobs)
    out = []
    for (_, _, is_phrase), sound, factor in zip(entries, sounds, factors):
        x = np.pad(resampled(sound, factor), (0, WINDOW))
        db = scenes.levels(x)
        active = np.flatnonzero(db > db.max() - 35)
        # a phrase is one stretch, whatever pauses its words have
        label = scenes.filled(db > db.max() - 35, len(db) if is_phrase else scenes.GAP_ROWS).astype(np.int8)
        label[active[-1]] = 1
        out.append((x[: len(label) * STEP], label * (PHRASE if is_phrase else 1)))
    return out


def joined(said, rng, pause):
    """Utterances with pauses of about `pause` seconds between them: (sound, labels)."""
    sound, labels = [], []
    for x, label in said:
        rows = 5 + int(rng.exponential(pause) * 50)
        level = rng.uniform(0.5, 1.2)
        fade = np.minimum(1, np.minimum(np.arange(len(x)), np.arange(len(x))[::-1]) / 160)
        sound += [np.zeros(rows * STEP, np.float32), (x * fade * level).astype(np.float32)]
        labels += [np.zeros(rows, np.int8), label]
    sound.append(np.zeros(25 * STEP, np.float32))
    labels.append(np.zeros(25, np.int8))
    return np.concatenate(sound), np.concatenate(labels)


def scene(said, rng, snr_db=None, pause=0.4):
    """One room, microphone and noise for a list of utterances: (int16 [320 n], label int8 [n]).

    snr_db: mean level of the speech over that of the noise; None for no noise.
    """
    x, label = joined(said, rng, pause)
    noise = np.zeros_like(x) if snr_db is None else scenes.background(len(x), rng)
    y = scenes.mixed(x, np.minimum(label, 1), noise, snr_db or 0, rng)
    return to_pcm(y), label


def quiet(seconds, rng):
    """Noise without speech, or near silence: (int16, labels)."""
    x = np.zeros(seconds * 50 * STEP, np.float32)
    label = np.zeros(seconds * 50, np.int8)
    return to_pcm(scenes.mixed(x, label, scenes.background(len(x), rng), rng.uniform(-10, 60), rng)), label


def spans(label):
    """(first, last) of each stretch of the phrase, in steps: int [n, 2]."""
    edges = np.flatnonzero(np.diff(np.pad(label == PHRASE, 1).astype(int)))
    return np.stack([edges[::2], edges[1::2] - 1], 1)
