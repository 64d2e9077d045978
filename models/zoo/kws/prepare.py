"""Sound -> features: every clip in several augmented copies, and synthesised speech.

    python prepare.py --data DIR --cache DIR [--copies 7] [--light 5] [--seed 1]

Writes to the cache (int8 features, label, fold; -1 = synthesised, in every fold's training):
clean.npz     the clips as they are, front end started afresh: [n, 49, 40]
clips-K.npz   copy K. context, 2.6 s: something else (1.2 s), the clip, 0.4 s: [n, 129, 40];
              fresh, 1.2 s: the front end started 0.1 s before the clip: [n, 59, 40]
light-K.npz   the same, with little noise and room
words-K.npz   copy K of the synthesised words (spoken.npz) in the same two shapes
talk.npz      sentences without the ten words, a minute each: [60, 2999, 40]

Background, and the sound before a clip, come from clips of the same fold, from synthesised
speech or from noise, so that a copy never mixes speakers or background of two folds.
"""

import argparse
import pathlib
import time

import numpy as np

import augment
import clips
import speech
from front_end import features, rows_of, spectra

BEFORE, AFTER, FRESH = int(1.2 * 16000), int(0.4 * 16000), int(0.1 * 16000)
FIRST_FRESH = (BEFORE - FRESH) // 320  # row of the context at which the front end starts afresh


def background(n, samples, recorded, rng):
    """Synthesised noise, or recorded silence where there is some: rms 1 or as recorded."""
    if n == 0:
        return np.zeros((0, samples), np.float32)
    noise = augment.coloured_noise(n, samples, rng)
    if len(recorded):
        pick = np.flatnonzero(rng.random(n) < 0.6)
        noise[pick] = augment.tiled(recorded[rng.integers(0, len(recorded), len(pick))], samples, rng)
    return noise


def scenes(sound, silent, before, recorded, talk, rng, light=False):
    """Clips [n, 16000] placed in 2.6 s with something before and after, augmented.

    light: seldom a room or noise, and if, little; speed and level as ever.
    """
    wet_share, bent_share, noisy_share = (0.15, 0.3, 0.4) if light else (0.4, 0.5, 0.75)
    loudest_db = 18 if light else 3
    n = len(sound)
    length = BEFORE + 16000 + AFTER
    level = 10 ** (rng.uniform(-8, 8, (n, 1)) / 20)
    quick = augment.speed(sound, rng.uniform(0.85, 1.18, n))
    keep = silent | (rng.random(n) < 0.25)
    quick[keep] = sound[keep]
    x = np.zeros((n, length), np.float32)
    kind = rng.random(n)  # 0.35 nothing before, 0.3 another clip, 0.35 sentences
    other = np.flatnonzero((kind > 0.35) & (kind < 0.65))
    x[other, BEFORE - 16000 : BEFORE] = before[rng.integers(0, len(before), len(other))]
    starts = rng.integers(0, len(talk) - BEFORE, n)
    for row in np.flatnonzero(kind >= 0.65):
        pause = int(rng.uniform(0, 0.3) * 16000)
        x[row, : BEFORE - pause] = talk[starts[row] : starts[row] + BEFORE - pause]
        if kind[row] > 0.9:
            x[row, BEFORE + 16000 :] = talk[starts[row] : starts[row] + AFTER]
    x[silent, BEFORE - 4000 :] = 0
    x[:, BEFORE : BEFORE + 16000] += quick * np.where(silent[:, None], 1, level)
    wet = np.flatnonzero(rng.random(n) < wet_share)
    if len(wet):
        x[wet] = augment.convolve(x[wet], augment.rooms(len(wet), rng))
    bent = np.flatnonzero(rng.random(n) < bent_share)
    if len(bent):
        x[bent] = augment.tilt(x[bent], rng)
    noisy = np.flatnonzero((rng.random(n) < noisy_share) & ~silent)
    noise = background(len(noisy), length, recorded, rng)
    if len(noisy):
        x[noisy] = augment.mix(x[noisy], noise, rng.uniform(loudest_db, 40, len(noisy)))
    hush = np.flatnonzero(silent & (rng.random(n) < 0.7))
    noise = background(len(hush), length, recorded, rng) * 10 ** rng.uniform(-4, -0.8, (len(hush), 1))
    x[hush] = noise.astype(np.float32)
    return augment.gain(x, rng)


def both(sound, silent, before, recorded, talk, rng, light=False, part=48):
    """Features of the clips' scenes, with context and fresh: int8 [n, 129, 40], [n, 59, 40]."""
    made = []
    for at in range(0, len(sound), part):
        cut = slice(at, at + part)
        pcm = clips.to_pcm(scenes(sound[cut], silent[cut], before, recorded, talk, rng, light))
        whole = spectra(pcm)
        made.append((rows_of(whole), rows_of(whole[:, FIRST_FRESH : FIRST_FRESH + 59])))
    return [np.concatenate(arrays) for arrays in zip(*made)]


def copy_of_clips(sound, label, fold, talk, rng, light=False):
    """One augmented copy of every clip, fold by fold."""
    shapes = (129, 59)
    out = [np.empty((len(sound), rows, 40), np.int8) for rows in shapes]
    for f in range(clips.FOLDS):
        rows = np.flatnonzero(fold == f)
        recorded = sound[(fold == f) & (label == 0)]
        before = sound[(fold == f) & (label > 0)]
        made = both(sound[rows], label[rows] == 0, before, recorded, talk, rng, light)
        for array, part in zip(out, made):
            array[rows] = part
    return {"context": out[0], "fresh": out[1]}


def words(per_keyword, per_other, rng):
    """Synthesised words: sound [n, 16000] and label."""
    texts = [(w, 2 + i) for i, w in enumerate(clips.WORDS) for _ in range(per_keyword)]
    texts += [(w, 1) for w in speech.OTHERS for _ in range(per_other)]
    sound = np.stack([speech.word_clip(text, "train", rng) for text, _ in texts])
    return {"sound": clips.to_pcm(sound), "label": np.array([label for _, label in texts])}


def copy_of_words(sound, label, talk, seed):
    """One augmented copy of the synthesised words."""
    sound = sound.astype(np.float32) / 32768
    silent = np.zeros(len(sound), bool)
    context, fresh = both(sound, silent, sound, sound[:0], talk, np.random.default_rng(seed))
    return {"context": context, "fresh": fresh, "label": label}


def talking(minutes, rng):
    """Features of sentences in rooms, with background, at many levels: [minutes, 2999, 40]."""
    x = speech.continuous("train", 60 * minutes, rng).reshape(minutes, -1)
    wet = np.flatnonzero(rng.random(minutes) < 0.5)
    x[wet] = augment.convolve(x[wet], augment.rooms(len(wet), rng))
    noise = augment.coloured_noise(minutes, x.shape[1], rng)
    x = augment.mix(augment.tilt(x, rng), noise, rng.uniform(5, 50, minutes))
    return features(clips.to_pcm(augment.gain(x, rng)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--copies", type=int, default=7)
    parser.add_argument("--light", type=int, default=5, help="copies with little noise and room")
    parser.add_argument("--words", type=int, default=120, help="synthesised clips per keyword")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    cache = pathlib.Path(args.cache)
    cache.mkdir(parents=True, exist_ok=True)
    began = time.time()

    def done(what):
        print(f"{what}, {time.time() - began:.0f} s", flush=True)

    sound, label, speakers = clips.load(args.data)
    fold = clips.folds(speakers)
    np.savez(cache / "clean.npz", x=features(clips.to_pcm(sound)), label=label, fold=fold)
    done(f"{len(sound)} clips")
    talk = speech.continuous("train", 600, np.random.default_rng([args.seed, 0]))
    done("ten minutes of sentences")

    def once(name, make):
        """Writes a file of the cache unless it is there."""
        if not (cache / name).exists():
            np.savez(cache / name, **make())
            done(name)

    once("talk.npz", lambda: {"x": talking(60, np.random.default_rng([args.seed, 1]))})
    once("spoken.npz", lambda: words(args.words, 8, np.random.default_rng([args.seed, 2])))
    spoken = np.load(cache / "spoken.npz")
    for k in range(args.copies):
        if k < 3:
            once(f"words-{k}.npz", lambda k=k: copy_of_words(**spoken, talk=talk, seed=[args.seed, 3, k]))
        rng = np.random.default_rng([args.seed, 4, k])
        once(f"clips-{k}.npz", lambda rng=rng: copy_of_clips(sound, label, fold, talk, rng))
    for k in range(args.light):
        rng = np.random.default_rng([args.seed, 5, k])
        once(f"light-{k}.npz", lambda rng=rng: copy_of_clips(sound, label, fold, talk, rng, True))


if __name__ == "__main__":
    main()
