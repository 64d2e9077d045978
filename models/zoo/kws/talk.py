"""Write speech for evaluation: the script of two hours of sentences, and the demo of one minute.

    python talk.py --talk 8600                          # writes talk.csv: one text for espeak-ng per line
    python talk.py --talk 6000 --tune CACHE/tune.csv    # the same with the part `tune`
    python talk.py --demo                               # writes demo.wav and demo.json

talk.csv    voice,speed,pitch,pause_ms,text; voices and vocabulary of the part `test`.
            `npm run eval:kws` synthesises it, so no sound is stored here.
tune.csv    the same with voices and vocabulary of the part `tune`, for `npm run tune:kws`
demo.wav    60 s, 16 kHz, 16 bit; voices and sentences of the part `demo`, a room, soft noise
demo.json   the words in it with their times in seconds, and the distractors
"""

import argparse
import csv
import json
import pathlib

import numpy as np
from scipy.io import wavfile

import augment
import clips
import speech

HERE = pathlib.Path(__file__).parent
DISTRACTORS = "seven marvin happy window zero garden".split()


def write_talk(path, part, seconds, rng):
    """Write sentences of a part, of about `seconds` in total: 14 characters per second at 160 words per minute."""
    total = 0.0
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["voice", "speed", "pitch", "pause_ms", "text"])
        while total < seconds:
            name, speed, pitch = speech.voice(part, rng)
            text = speech.sentence(part, rng)
            pause = int(rng.integers(100, 800))
            out.writerow([name, speed, pitch, pause, text])
            total += len(text) / 14 * 160 / speed + pause / 1000


def short_sentence(rng):
    return next(s for s in iter(lambda: speech.sentence("demo", rng), None) if "," not in s)


def demo(rng):
    """The sound of the demo, float32 [960000], and its script."""
    order = [str(w) for _ in range(2) for w in rng.permutation(clips.WORDS)]
    said = []
    for group, distractor in zip(np.array_split(order, 5), DISTRACTORS):
        said += [(short_sentence(rng), "sentence"), (str(group[0]), "word"), (str(group[1]), "word")]
        said += [(distractor, "distractor"), (str(group[2]), "word"), (str(group[3]), "word")]
    said += [(short_sentence(rng), "sentence")]
    parts = []
    for text, kind in said:
        name, speed, pitch = speech.voice("demo", rng)
        speed = int(rng.integers(150, 190)) if kind == "sentence" else int(rng.integers(120, 170))
        sound = speech.trimmed(speech.say(text, (name, speed, pitch)))
        parts.append((text, kind, name, sound * rng.uniform(0.5, 1.0)))
    pauses = np.array([0.5 if kind == "sentence" else 0.75 for _, kind, _, _ in parts])
    spoken = sum(len(p[3]) for p in parts) / 16000
    pauses *= (60 - 1.4 - spoken) / pauses.sum()
    assert pauses.min() > 0.15, f"{spoken:.1f} s of speech leave pauses of {pauses.min():.2f} s"
    x, at, events = np.zeros(60 * 16000, np.float32), 0.6, []
    for (text, kind, name, sound), pause in zip(parts, pauses):
        start = int(at * 16000)
        x[start : start + len(sound)] = sound
        at += len(sound) / 16000
        events.append({"kind": kind, "text": text, "start": round(start / 16000, 3), "end": round(at, 3), "voice": name})
        at += pause
    x = augment.convolve(x[None], augment.rooms(1, rng))
    x = augment.mix(x, augment.coloured_noise(1, x.shape[1], rng), np.array([30.0]))[0]
    return 0.6 * x / np.abs(x).max(), events


def listed(events):
    """A JSON list with one event per line."""
    return "[\n" + ",\n".join("    " + json.dumps(e).replace("{", "{ ").replace("}", " }") for e in events) + "\n  ]"


def write_demo(rng):
    x, events = demo(rng)
    wavfile.write(HERE / "demo.wav", 16000, clips.to_pcm(x))
    of = lambda kind: [
        {("word" if kind == "word" else "text"): e["text"], "start": e["start"], "end": e["end"], "voice": e["voice"]}
        for e in events
        if e["kind"] == kind
    ]
    script = {"sampleRateHz": 16000, "seconds": 60, "words": of("word"), "distractors": of("distractor"), "sentences": of("sentence")}
    rows = [f'  "{k}": ' + (json.dumps(v) if isinstance(v, int) else listed(v)) for k, v in script.items()]
    (HERE / "demo.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--talk", type=float, default=0, help="seconds of sentences")
    parser.add_argument("--tune", type=pathlib.Path, help="file for sentences of the part `tune`, instead of talk.csv")
    parser.add_argument("--demo", action="store_true")
    args = parser.parse_args()
    if args.talk and args.tune:
        write_talk(args.tune, "tune", args.talk, np.random.default_rng(13))
    elif args.talk:
        write_talk(HERE / "talk.csv", "test", args.talk, np.random.default_rng(11))
    if args.demo:
        write_demo(np.random.default_rng(12))


if __name__ == "__main__":
    main()
