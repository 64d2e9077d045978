"""Write test recordings with their truth.

    python judge.py --out DIR [--data DIR [DIR ...]]   # DIR/said-20.wav, DIR/said-20.json, ...
    python judge.py --demo                             # demo.wav and demo.json

said-N.wav    two minutes at a speech-to-noise ratio of N dB, synthesised with the voices and vocabularies of
              the part `test`.  `npm run demo:vad -- FILE.wav` judges one file
clips-N.wav   the same with clips of held-out speakers
nothing.wav   noise without speech
demo.wav      half a minute, 16 kHz, 16 bit: voices and sentences of the part `demo`, each with another noise
FILE.json     times of speech in seconds; `unclear` times are not judged; demo.json also names the noises
"""

import argparse
import json
import pathlib

import numpy as np
import scenes
from augment import RATE_HZ, convolve, rooms
from clips import to_pcm
from front_end import STEP, WINDOW
from noises import NOISES
from scipy.io import wavfile

HERE = pathlib.Path(__file__).parent
RATIOS_DB = (30, 20, 10, 5, 0)
SCENES, SECONDS = 6, 20
# noise of each part of the demo, and the speech-to-noise ratio in dB; None: no noise, or no speech
DEMO = (
    (None, 40),
    ("throbbing", 12),
    ("clicks", 8),
    ("tones", None),
    ("music", 8),
    ("knocks", None),
    ("noise", 3),
)


def spans(label, value):
    """Times [{start, end}] in seconds of the rows with this label.  A row covers the 20 ms in its middle."""
    edges = np.flatnonzero(np.diff(np.pad(label == value, 1).astype(int)))
    seconds = (edges * STEP + (WINDOW - STEP) / 2) / RATE_HZ
    return [{"start": round(float(a), 4), "end": round(float(b), 4)} for a, b in zip(seconds[::2], seconds[1::2])]


def write(path, x, script):
    """Write sound and truth, with one list entry per line."""
    wavfile.write(path.with_suffix(".wav"), RATE_HZ, to_pcm(x))
    lists = [
        f'  "{name}": [\n' + ",\n".join("    " + json.dumps(e).replace("{", "{ ").replace("}", " }") for e in entries) + "\n  ]"
        for name, entries in script.items()
        if entries
    ]
    path.with_suffix(".json").write_text("{\n" + ",\n".join([f'  "sampleRateHz": {RATE_HZ}', *lists]) + "\n}\n")


def judged(pieces, noises, snr, rng):
    """Consecutive scenes: (sound, labels).  Without pieces there is only noise."""
    sound, labels = [], []
    for _ in range(SCENES):
        x, label = np.zeros(SECONDS * RATE_HZ, np.float32), np.zeros(SECONDS * RATE_HZ // STEP, np.int8)
        if pieces:
            x, part = scenes.track(pieces, SECONDS, rng, 1.0)
            label[: len(part)] = part
        sound.append(scenes.mixed(x, label[: len(x) // STEP], scenes.background(len(x), rng, noises), snr, rng))
        labels.append(label)
    return np.concatenate(sound), np.concatenate(labels)


def write_judged(folder, data):
    folder.mkdir(parents=True, exist_ok=True)
    clips_, noises = scenes.recorded(data, judged=True)
    for name, pieces in (("said", scenes.bank("test", 150, np.random.default_rng(31))), ("clips", clips_)):
        for snr in RATIOS_DB if pieces else ():
            x, label = judged(pieces, noises, snr, np.random.default_rng([32, snr]))
            write(folder / f"{name}-{snr}", x, {"speech": spans(label, 1), "unclear": spans(label, 2)})
    write(folder / "nothing", judged([], noises, 0, np.random.default_rng(33))[0], {"speech": []})


def write_demo(rng):
    parts, speech_, kinds, at = [], [], [], 0.0
    variants = rng.permutation(scenes.speech.VARIANTS["demo"])
    for (kind, snr), variant in zip(DEMO, [*variants, *variants]):
        pause = int(rng.uniform(0.5, 0.9) * RATE_HZ)
        text, said = "", np.zeros(RATE_HZ, np.float32)
        if snr is not None:
            text = next(s for s in iter(lambda: scenes.speech.sentence("demo", rng), None) if "," not in s)
            voice = f"{rng.choice(scenes.speech.ACCENTS)}+{variant}"
            said = scenes.speech.trimmed(scenes.speech.say(text, (voice, int(rng.integers(150, 190)), int(rng.integers(25, 80)))))
            start = at + pause / RATE_HZ
            end = start + len(said) / RATE_HZ
            speech_.append({"start": round(start, 3), "end": round(end, 3), "text": text, "voice": voice})
        x = np.pad(said, (pause, pause))
        x = convolve(x[None], rooms(1, rng, 0.2))[0]
        if kind:
            level = np.sqrt((said**2).mean()) * 10 ** (-snr / 20) if snr is not None else 0.03
            fade = np.minimum(1, np.minimum(np.arange(len(x)), np.arange(len(x))[::-1]) / 1600)
            x = x + NOISES[kind](len(x), rng) * level * fade
            kinds.append({"start": round(at, 3), "end": round(at + len(x) / RATE_HZ, 3), "kind": kind})
        parts.append(x)
        at += len(x) / RATE_HZ
    x = np.concatenate(parts)
    x = 0.6 * x / np.abs(x).max() + 0.0005 * rng.standard_normal(len(x))
    write(HERE / "demo", x, {"speech": speech_, "noises": kinds})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--data", nargs="*", default=[], help="folders of Speech Commands clips")
    parser.add_argument("--demo", action="store_true")
    args = parser.parse_args()
    if args.out:
        write_judged(args.out, args.data)
    if args.demo:
        write_demo(np.random.default_rng(12))


if __name__ == "__main__":
    main()
