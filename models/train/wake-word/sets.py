"""The sets of sound: for training, for the choice of the cutoff, and for the report.

Each has voices of its own part (voices.py) and sentences of its own part (phrases.py). Everything depends on
the seed alone.
"""

from collections import namedtuple

import numpy as np
import phrases
import pronunciations
import scenery
import voices
from front_end import features

SPREAD = 0.22  # largest change of speed and pitch in training, as a logarithm
OTHERWISE = 0.5  # share of the phrases of training in another pronunciation
RATIOS_DB = (5, 30)  # speech to noise in judged sound
MINUTES_OF_NOISE = 15

# sound int16, labels of 20 ms, number of utterances; of each phrase in it: voice, speech-to-noise ratio in dB
Judged = namedtuple("Judged", "pcm label utterances voices ratios")


def entries(kind, part, phrase, count, rng):
    """[(text, voice, is_phrase)] with texts of kind `phrase`, `near` or `other`. In training the phrase varies."""
    make = {
        "phrase": lambda: phrase,
        "near": lambda: phrases.near(phrase, rng)[0],
        "other": lambda: phrases.other(part, phrase, rng),
    }
    out = []
    for _ in range(count):
        text, voice = make[kind](), voices.draw(part, rng)
        if kind == "phrase" and part == "train" and rng.random() < OTHERWISE:
            text = pronunciations.another(text, voice, rng)
        out.append((text, voice, kind == "phrase"))
    return out


def stored(pcm, label):
    """(rows int8 [n, 40], label int8 [n]) of a scene."""
    rows = features(pcm[None])[0]
    return rows, label[: len(rows)]


def training(phrase, scale, jobs, rng):
    """(rows, label, rows of noise alone, number of utterances) from voices of the part `train`.

    Speech and noise are apart: training mixes them anew in every batch.
    """
    counts = {"phrase": 1200, "near": 1000, "other": 2000}
    said = {
        kind: scenery.spoken(entries(kind, "train", phrase, max(20, int(scale * count)), rng), jobs, rng, SPREAD)
        for kind, count in counts.items()
    }
    parts = []
    for _ in range(max(8, int(640 * scale))):
        kinds = rng.choice(list(counts), 12, p=[0.4, 0.35, 0.25])
        chosen = [said[kind][rng.integers(len(said[kind]))] for kind in kinds]
        parts.append(stored(*scenery.scene(chosen, rng)))
    noise = [stored(*scenery.quiet(20, rng)) for _ in range(max(2, int(3 * MINUTES_OF_NOISE * scale)))]
    rows, label = (np.concatenate(side) for side in zip(*parts, *noise))
    return rows, label, np.concatenate([side for side, _ in noise]), {kind: len(list_) for kind, list_ in said.items()}


def with_phrase(part, phrase, count, jobs, rng):
    """The phrase between other utterances, all by voices of the part: Judged."""
    said = scenery.spoken(who := entries("phrase", part, phrase, count, rng), jobs, rng)
    between = scenery.spoken(entries("other", part, phrase, count + 1, rng), jobs, rng)
    parts, ratios = [], []
    for at in range(0, count, 4):
        ratio = float(rng.uniform(*RATIOS_DB))
        chosen = said[at : at + 4]
        mixed = [utterance for pair in zip(between[at : at + 4], chosen) for utterance in pair]
        parts.append(scenery.scene([*mixed, between[-1]], rng, ratio))
        ratios += [ratio] * len(chosen)
    return Judged(*(np.concatenate(side) for side in zip(*parts)), count, [voice for _, voice, _ in who], ratios)


def without_phrase(part, phrase, kind, hours, count, jobs, rng):
    """Utterances of a kind, at least `hours` of speech and `count` of them: Judged without phrases."""
    parts, speech, done = [], 0.0, 0
    while speech < hours or done < count:
        said = scenery.spoken(entries(kind, part, phrase, 12, rng), jobs, rng)
        parts.append(scenery.scene(said, rng, float(rng.uniform(*RATIOS_DB))))
        speech += hours_of(parts[-1][1])
        done += len(said)
    return Judged(*(np.concatenate(side) for side in zip(*parts)), done, [], [])


def hours_of(label):
    """Hours of speech that is not the phrase."""
    return float((label == 1).sum() / 50 / 3600)
