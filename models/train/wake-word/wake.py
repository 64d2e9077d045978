"""Your own word: from a phrase to a bundle that listens for it.

    python models/train/wake-word/wake.py "hello runlet" --out out/hello

Synthesised voices say the phrase, phrases that sound like it and everything else; a small network learns the
difference; other voices and sentences choose the cutoff; others again judge the bundle. Writes to the folder:

NAME.wasm        the bundle: sound at 16 kHz in, a score every 40 ms out, with the word and the rule
NAME.onnx        the network with its metadata, float32; calib.npy: rows for calibration
report.md        what the bundle heard, and what synthesis cannot show; report.json has the figures
demo.wav         a minute by voices that training never had

README.md explains it. It takes about half an hour on two cores.
"""

import argparse
import logging
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import clone  # first, because the others need its path

# isort: split
import bundle
import listening
import numpy as np
import phrases
import report
import sets
import training
import voices
from front_end import features
from network import HOP, blocks_for, scores
from scenery import spans
from stretches import LATE, Stretches

STEPS = 8000
# phrases of other lengths are refused, in rows of 20 ms
SHORTEST, LONGEST = 18, 100


def window_for(label, phrase):
    """Rows of a window: nine in ten of the phrases fit, with the time in which they count as hits."""
    rows = np.diff(spans(label), axis=1)[:, 0] + 1
    middle = np.median(rows)
    if not SHORTEST <= middle <= LONGEST:
        raise ValueError(
            f"the phrase {phrase!r} takes {middle / 50:.2f} s; it must take {SHORTEST / 50:.2f} to {LONGEST / 50:.2f} s: "
            + ("add a word" if middle < SHORTEST else "leave out a word")
        )
    return int(np.quantile(rows, 0.9)) + LATE


def tuned(net, phrase, scale, jobs, rng):
    """(cutoff, hits, false accepts an hour) on voices and sentences of the part `tune`."""
    with_ = sets.with_phrase("tune", phrase, max(8, int(300 * scale)), jobs, rng)
    without = sets.without_phrase("tune", phrase, "other", 4 * scale - sets.hours_of(with_.label), 1, jobs, rng)
    pcm, label = np.concatenate([with_.pcm, without.pcm]), np.concatenate([with_.label, without.label])
    found = scores(net, features(pcm[None])[0])[::HOP]
    times = (net.window + HOP * np.arange(len(found))) / 50
    points = listening.curve(found, times, (spans(label) + [0, 1]) / 50, sets.hours_of(label), 20 * HOP)
    cutoff = listening.choice(points)
    return cutoff, *min(points, key=lambda p: abs(p[0] - cutoff))[1:]


def judged(path, args, phrase, rng):
    """Figures of the bundle on the part `judged`, and demo.wav."""
    with_ = sets.with_phrase("judged", phrase, max(8, int(300 * args.scale)), args.jobs, rng)
    near = sets.without_phrase("judged", phrase, "near", 0, max(8, int(200 * args.scale)), args.jobs, rng)
    speech = sets.without_phrase("judged", phrase, "other", 1.1 * args.scale - sets.hours_of(with_.label), 1, args.jobs, rng)
    bundle.write_wav(args.out / "demo.wav", with_.pcm[: 60 * voices.RATE_HZ])
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)

        def hear(name, pcm):
            bundle.write_wav(folder / f"{name}.wav", pcm)
            return bundle.heard(path, folder / f"{name}.wav")

        return report.measured(with_, near, speech, hear, phrase, args.scale)


def made(args, show):
    """All steps in order. Returns the path of the bundle and the figures."""
    phrase = phrases.checked(args.phrase)
    bundle.check()
    voices.check()
    args.out.mkdir(parents=True, exist_ok=True)
    seeds = [np.random.default_rng([args.seed, part]) for part in range(4)]
    show(f"voices say {phrase!r} and everything else")
    rows, label, noise, counts = sets.training(phrase, args.scale, args.jobs, seeds[0])
    window = window_for(label, phrase)
    heard = f"{', '.join(f'{n} {kind}' for kind, n in counts.items())} utterances, {len(rows) / 180000:.1f} hours of sound"
    show(heard)
    show(f"a window of {window} rows ({window / 50:.2f} s), {blocks_for(window)} blocks; training")
    data = Stretches(rows, label, noise, window, seeds[1])
    net = training.train(data, window, max(20, int(STEPS * args.scale)), args.seed, args.threads, show)
    show("the cutoff: voices and sentences apart from training")
    cutoff, hits, wrong = tuned(net, phrase, args.scale, args.jobs, seeds[2])
    chosen = f"{100 * hits:.1f} % heard, {wrong:.2f} false accepts an hour"
    show(f"cutoff {cutoff}: {chosen}")
    model = args.out / f"{re.sub('[^a-z]+', '-', phrase)}.onnx"
    bundle.export(net, phrase, cutoff, rows, model)
    path = bundle.built(model)
    show("the judgement: voices and sentences apart from both")
    figures = judged(path, args, phrase, seeds[3])
    facts = [
        f"Cutoff {cutoff}, mean of {listening.SLIDING_WINDOW} scores; where it was chosen: {chosen}",
        f"Window {window / 50:.2f} s, hop 40 ms, {sum(p.numel() for p in net.parameters()):,} parameters",
        f"Trained on {heard}, seed {args.seed}",
    ]
    report.write(args.out, figures, facts)
    return path, figures


def options(given):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("phrase", help="what to say, in English letters: 'hello runlet'")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the results")
    parser.add_argument("--scale", type=float, default=1.0, help="share of utterances and steps; 0.02 only tries the command")
    parser.add_argument("--jobs", type=int, default=2, help="synthesisers at a time")
    parser.add_argument("--threads", type=int, default=2, help="threads of the training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="folder that keeps the judged sound (some hundred MB)")
    args = parser.parse_args(given)
    if not 0 < args.scale <= 10 or not 1 <= args.jobs <= 64 or not 1 <= args.threads <= 64 or args.seed < 0:
        parser.error("--scale is above 0 and at most 10, --jobs and --threads are 1 to 64, --seed is 0 or more")
    return args


def main(given=None):
    args, began = options(given), time.time()
    # the exporter names packages that it could use
    logging.disable(logging.WARNING)
    try:
        path, f = made(args, lambda text: print(f"{time.time() - began:5.0f} s  {text}", flush=True))
    except (ValueError, OSError, voices.NoVoice) as error:
        raise SystemExit(f"wake.py: {error}") from error
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"wake.py: {' '.join(map(str, error.cmd))} ended with {error.returncode}") from error
    hours = f["hoursOfSpeech"]
    print(f"heard   {f['hits']} of {f['utterances']}; {f['falseAccepts']} false accepts in {hours:.2f} hours of speech")
    print(f"report  {args.out / 'report.md'}")
    print(f"run     npx runlet run {path} mic")
    print(f"page    npx runlet page {path} {args.out / 'demo.wav'}")


if __name__ == "__main__":
    main(sys.argv[1:])
