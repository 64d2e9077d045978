"""Prepare scenes of 20 s as features and labels.

    python prepare.py --data DIR [DIR ...] --cache DIR [--scenes 600]

Writes scenes.npz: x int8 [scenes, 999, 40], label int8 [scenes, 999] (0 no speech, 1 speech, 2 not counted).
The speech of a third of the scenes is clips of Speech Commands, without the held-out speakers; in the others
it is synthesised.
"""

import argparse
import pathlib
import time

import numpy as np

import scenes
from clips import to_pcm
from front_end import features

SECONDS = 20


def scene(pieces, noises, rng):
    x, label = scenes.track(pieces, SECONDS, rng, rng.choice([0.3, 1.0, 2.5]))
    if rng.random() < 0.1:
        x, label = np.zeros_like(x), np.zeros_like(label)
    snr = rng.uniform(-5, 40)
    y = scenes.mixed(x, label, scenes.background(len(x), rng, noises), snr, rng)
    return features(to_pcm(y)[None])[0], label


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="*", default=[], help="folders of Speech Commands clips")
    parser.add_argument("--cache", required=True)
    parser.add_argument("--scenes", type=int, default=600)
    parser.add_argument("--texts", type=int, default=700)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    rng, began = np.random.default_rng(args.seed), time.time()
    spoken, noises = scenes.recorded(args.data, judged=False)
    made = scenes.bank("train", args.texts, rng)
    print(f"{len(spoken)} clips, {len(made)} texts, {time.time() - began:.0f} s", flush=True)
    both = [scene(spoken if spoken and n % 3 == 0 else made, noises, rng) for n in range(args.scenes)]
    cache = pathlib.Path(args.cache)
    cache.mkdir(parents=True, exist_ok=True)
    x, label = (np.stack(part) for part in zip(*both))
    np.savez(cache / "scenes.npz", x=x, label=label)
    print(f"{(label == 1).mean():.2f} speech, {(label == 2).mean():.2f} not counted, {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
