"""Prepare features of the clips at several speeds, of synthesised words, and of sentences.

    python prepare.py --data JUDGED MORE --cache DIR [--copies 24] [--seed 7] [--jobs 2]

Writes int8 features to the cache:
clean.npz     the unchanged clips: x [n, 49, 40], label, fold
copy-K.npy    the clips, each at a random speed, 1.2 s with mirrored edges: [n, 59, 40]
words.npz     synthesised words in noise and rooms, with labels: x [n, 59, 40], label
talk.npy      sentences without the ten words, and noise of the household and music, a minute each: [600, 2999, 40]

Copies do not mix clips.  Training draws level, noise, masks and mixtures (batches.py).
"""

import argparse
import pathlib
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "vad"))

import augment
import clips
import speech
import texts
from front_end import features
from noises import NOISES

MINUTES = 600
SPREAD = 0.2  # how much voices are played faster and slower, as a logarithm


def copy_of_clips(folders, seed):
    """Features of clips at speeds and pitches of 0.85 to 1.17, levels of +-6 dB; silence keeps its speed."""
    sound, label, _ = clips.load(folders)
    rng = np.random.default_rng(seed)
    factor = np.exp(rng.uniform(-0.16, 0.16, len(sound)))
    factor[label == 0] = 1
    out = np.empty((len(sound), 59, 40), np.int8)
    for at in range(0, len(sound), 256):
        x = augment.warped(sound[at : at + 256], factor[at : at + 256], "reflect")
        x = x * 10 ** (rng.uniform(-6, 6, (len(x), 1)) / 20)
        out[at : at + 256] = features(clips.to_pcm(np.clip(x, -1, 1)))
    return out


def spoken(per_keyword, per_other, rng):
    """Synthesised words: sound [n, 16000] and label."""
    wanted = [(w, 2 + i) for i, w in enumerate(clips.WORDS) for _ in range(per_keyword)]
    wanted += [(w, 1) for w in speech.OTHERS for _ in range(per_other)]
    sound = np.stack([speech.word_clip(text, "train", rng) for text, _ in wanted])
    return sound, np.array([label for _, label in wanted])


def words(sound, label, seed):
    """Features of two copies of the synthesised words, the second in rooms."""
    made = []
    for k in range(2):
        rng = np.random.default_rng([seed, 3, k])
        for at in range(0, len(sound), 256):
            part = sound[at : at + 256]
            x = augment.warped(part, np.exp(rng.uniform(-0.12, 0.12, len(part))), "constant")
            if k == 1:
                x = augment.convolve(x, augment.rooms(len(x), rng))
            noise = augment.coloured_noise(len(x), x.shape[1], rng)
            x = augment.mix(augment.tilt(x, rng), noise, rng.uniform(15, 50, len(x)))
            made.append(features(clips.to_pcm(augment.gain(x, rng, -14, 4))))
    return {"x": np.concatenate(made), "label": np.concatenate([label, label])}


def household(minutes, rng):
    """A background for each minute: one to three kinds of noise of ../vad/noises.py, rms 1."""
    x = np.zeros((minutes, 60 * 16000), np.float32)
    for row in x:
        for kind in rng.choice(list(NOISES), rng.integers(1, 4)):
            row += NOISES[kind](len(row), rng) * rng.uniform(0.3, 1)
    return x / np.sqrt((x**2).mean(1, keepdims=True))


def talking(minutes, seed):
    """Features of sentences in rooms, with background, at many levels: [minutes, 2999, 40].

    A fifth has noise alone.  In another fifth two speak at once.
    """
    rng = np.random.default_rng(seed)
    x = speech.continuous("train", 60 * minutes, rng, texts.another, SPREAD).reshape(minutes, -1)
    other = x[rng.permutation(minutes)]
    kind = rng.random((minutes, 1))
    x = np.where(kind < 0.2, x + other * rng.uniform(0.1, 0.8, (minutes, 1)), x).astype(np.float32)
    wet = np.flatnonzero(rng.random(minutes) < 0.5)
    x[wet] = augment.convolve(x[wet], augment.rooms(len(wet), rng))
    plain = rng.random((minutes, 1)) < 0.5
    noise = np.where(plain, augment.coloured_noise(minutes, x.shape[1], rng), household(minutes, rng))
    x = augment.mix(augment.tilt(x, rng), noise, rng.uniform(5, 50, minutes))
    x = np.where(kind > 0.8, noise * 0.1, x).astype(np.float32)
    return features(clips.to_pcm(augment.gain(x, rng, -14, 4)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, nargs="+", help="folders: judged clips, further clips for training")
    parser.add_argument("--cache", required=True)
    parser.add_argument("--copies", type=int, default=24)
    parser.add_argument("--words", type=int, default=120, help="synthesised clips per keyword")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    cache = pathlib.Path(args.cache)
    cache.mkdir(parents=True, exist_ok=True)
    began = time.time()

    def done(what):
        print(f"{what}, {time.time() - began:.0f} s", flush=True)

    sound, label, fold = clips.load(args.data)
    np.savez(cache / "clean.npz", x=features(clips.to_pcm(sound)), label=label, fold=fold)
    done(f"{len(sound)} clips")
    with ProcessPoolExecutor(args.jobs) as jobs:
        for k, copy in enumerate(jobs.map(partial(copy_of_clips, args.data), [[args.seed, k] for k in range(args.copies)])):
            np.save(cache / f"copy-{k}.npy", copy)
    done(f"{args.copies} copies")
    said, label = spoken(args.words, 8, np.random.default_rng([args.seed, 2]))
    np.savez(cache / "words.npz", **words(said, label, args.seed))
    done(f"{len(said)} words")
    with ProcessPoolExecutor(args.jobs) as jobs:
        talk = jobs.map(partial(talking, 10), [[args.seed, 1, k] for k in range(MINUTES // 10)])
        np.save(cache / "talk.npy", np.concatenate(list(talk)))
    done(f"{MINUTES} minutes of sentences and noise")


if __name__ == "__main__":
    main()
