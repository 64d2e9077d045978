"""Prepare features of the clips at several speeds, of synthesised words, and of sentences.

    python prepare.py --data JUDGED MORE --cache DIR [--wheel WHEEL] [--copies 24] [--seed 7] [--jobs 2]

Writes int8 features to the cache:
clean.npz     the unchanged clips: x [n, 49, 40], label, fold
copy-K.npy    the clips, each at a random speed, 1.2 s with mirrored edges: [n, 59, 40]
words.npz     synthesised words in noise and rooms, with labels: x [n, 59, 40], label
talk.npy      sentences without the ten words, and noise of the household and music, a minute each: [600, 2999, 40]
mel-*         with --wheel (see heard.py), the same sound as 32 mel bands every 10 ms, for teacher.py;
              here the unchanged clips too are 1.2 s with mirrored edges

Copies do not mix clips.  Training draws level, noise, masks and mixtures (batches.py).
"""

import argparse
import pathlib
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "vad"))

import augment
import clips
import speech
import texts
from batches import STUDENT, TEACHER
from front_end import features
from heard import Mel
from noises import NOISES

MINUTES = 600
SPREAD = 0.2  # how much voices are played faster and slower, as a logarithm


def front_ends(wheel):
    """Front ends int16 [n, samples] -> int8 [n, rows, features], by the prefix of their files."""
    return {STUDENT.prefix: features} | ({TEACHER.prefix: Mel(wheel)} if wheel else {})


def seen(parts, wheel):
    """Rows of batches of sound int16 [n, samples], by prefix."""
    ends, out = front_ends(wheel), {}
    for pcm in parts:
        for prefix, end in ends.items():
            out.setdefault(prefix, []).append(end(pcm))
    return {prefix: np.concatenate(rows) for prefix, rows in out.items()}


def clean_clips(folders, wheel):
    """Files of the unchanged clips: {name: {x, label, fold}}."""
    sound, label, fold = clips.load(folders)
    longer = np.pad(sound, ((0, 0), (1600, 1600)), "reflect")
    return {
        f"{prefix}clean": {"x": end(clips.to_pcm(longer if prefix else sound)), "label": label, "fold": fold}
        for prefix, end in front_ends(wheel).items()
    }


def copy_of_clips(folders, wheel, seed):
    """Rows of clips at speeds and pitches of 0.85 to 1.17, levels of +-6 dB; silence keeps its speed."""
    sound, label, _ = clips.load(folders)
    rng = np.random.default_rng(seed)
    factor = np.exp(rng.uniform(-0.16, 0.16, len(sound)))
    factor[label == 0] = 1

    def parts():
        for at in range(0, len(sound), 256):
            x = augment.warped(sound[at : at + 256], factor[at : at + 256], "reflect")
            x = x * 10 ** (rng.uniform(-6, 6, (len(x), 1)) / 20)
            yield clips.to_pcm(np.clip(x, -1, 1))

    return seen(parts(), wheel)


def spoken(per_keyword, per_other, rng):
    """Synthesised words: sound [n, 16000] and label."""
    texts = [(w, 2 + i) for i, w in enumerate(clips.WORDS) for _ in range(per_keyword)]
    texts += [(w, 1) for w in speech.OTHERS for _ in range(per_other)]
    sound = np.stack([speech.word_clip(text, "train", rng) for text, _ in texts])
    return sound, np.array([label for _, label in texts])


def words(sound, seed):
    """Sound of two copies of the synthesised words, the second in rooms: batches int16."""
    for k in range(2):
        rng = np.random.default_rng([seed, 3, k])
        for at in range(0, len(sound), 256):
            part = sound[at : at + 256]
            x = augment.warped(part, np.exp(rng.uniform(-0.12, 0.12, len(part))), "constant")
            if k == 1:
                x = augment.convolve(x, augment.rooms(len(x), rng))
            noise = augment.coloured_noise(len(x), x.shape[1], rng)
            x = augment.mix(augment.tilt(x, rng), noise, rng.uniform(15, 50, len(x)))
            yield clips.to_pcm(augment.gain(x, rng, -14, 4))


def household(minutes, rng):
    """A background for each minute: one to three kinds of noise of ../vad/noises.py, rms 1."""
    x = np.zeros((minutes, 60 * 16000), np.float32)
    for row in x:
        for kind in rng.choice(list(NOISES), rng.integers(1, 4)):
            row += NOISES[kind](len(row), rng) * rng.uniform(0.3, 1)
    return x / np.sqrt((x**2).mean(1, keepdims=True))


def talking(minutes, wheel, seed):
    """Rows of speech without the ten words in rooms, with background, at many levels, a minute each.

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
    return seen([clips.to_pcm(augment.gain(x, rng, -14, 4))], wheel)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, nargs="+", help="folders: judged clips, further clips for training")
    parser.add_argument("--cache", required=True)
    parser.add_argument("--wheel", help="of openwakeword 0.4.0: prepare what teacher.py needs, too")
    parser.add_argument("--copies", type=int, default=24)
    parser.add_argument("--words", type=int, default=120, help="synthesised clips per keyword")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    cache = pathlib.Path(args.cache)
    cache.mkdir(parents=True, exist_ok=True)
    began = time.time()
    torch.set_num_threads(1)

    def done(what):
        print(f"{what}, {time.time() - began:.0f} s", flush=True)

    for name, arrays in (clean := clean_clips(args.data, args.wheel)).items():
        np.savez(cache / name, **arrays)
    done(f"{len(clean['clean']['label'])} clips")
    with ProcessPoolExecutor(args.jobs) as jobs:
        made = jobs.map(partial(copy_of_clips, args.data, args.wheel), [[args.seed, k] for k in range(args.copies)])
        for k, copy in enumerate(made):
            for prefix, rows in copy.items():
                np.save(cache / f"{prefix}copy-{k}.npy", rows)
    done(f"{args.copies} copies")
    said, label = spoken(args.words, 8, np.random.default_rng([args.seed, 2]))
    for prefix, rows in seen(words(said, args.seed), args.wheel).items():
        np.savez(cache / f"{prefix}words", x=rows, label=np.concatenate([label, label]))
    done(f"{len(said)} words")
    with ProcessPoolExecutor(args.jobs) as jobs:
        parts = list(jobs.map(partial(talking, 10, args.wheel), [[args.seed, 1, k] for k in range(MINUTES // 10)]))
    for prefix in parts[0]:
        np.save(cache / f"{prefix}talk.npy", np.concatenate([part[prefix] for part in parts]))
    done(f"{MINUTES} minutes of sentences and noise")


if __name__ == "__main__":
    main()
