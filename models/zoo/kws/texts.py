"""Written English to be spoken: runs of words of this project's pages, and of Python's help.

    prose("train")     # this project's pages; "tune" and "judged" have Python's help, halved
    another(rng)       # for training: a run without the ten words, a sentence, or single words
"""

import functools
import pathlib
import pydoc_data.topics
import re

import speech
from clips import WORDS

ROOT = pathlib.Path(__file__).resolve().parents[3]
# the ten words, and what sounds the same
FORBIDDEN = {*WORDS, "know", "write"}
FEWEST = 3  # words of a run between two forbidden words


def runs(text):
    """Runs of 4 to 20 words of letters in a text, in its order and without repetition."""
    found = re.findall(r"(?:[A-Za-z]+,? ){3,19}[A-Za-z]{2,}", re.sub(r"\s+", " ", text))
    return list(dict.fromkeys(run.lower() for run in found))


@functools.cache
def prose(part):
    """Runs of a part: this project's pages for training; for the others Python's help, halved."""
    if part == "train":
        return runs(" ".join(page.read_text("utf-8") for page in sorted((ROOT / "docs").rglob("*.md"))))
    found = runs(" ".join(text for _, text in sorted(pydoc_data.topics.topics.items())))
    return found[::2] if part == "tune" else found[1::2]


def between(run):
    """The parts of a run between forbidden words."""
    parts = [[]]
    for word in run.split():
        if word.strip(",") in FORBIDDEN:
            parts.append([])
        else:
            parts[-1].append(word)
    return [" ".join(part).strip(",") for part in parts if len(part) >= FEWEST]


@functools.cache
def allowed():
    """All runs for training without forbidden words."""
    return [part for run in prose("train") for part in between(run)]


def another(rng):
    """A text for training: half of the time written English, else a sentence of the grammar or some single words."""
    kind = rng.random()
    if kind < 0.5:
        return str(rng.choice(allowed())) + "."
    if kind < 0.9:
        return speech.sentence("train", rng)
    return ", ".join(map(str, rng.choice(speech.OTHERS, rng.integers(1, 5)))) + "."
