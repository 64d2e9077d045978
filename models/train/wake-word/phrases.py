"""Texts: the phrase, phrases that sound like it, and everything else.

    phrase = checked("Hello Runlet")              # "hello runlet"; raises ValueError
    near(phrase, rng)                             # ("hello bunlet", "sound")
    other("train", phrase, rng)                   # sentences, words, or syllables without meaning

All texts have only letters, spaces, commas, apostrophes and hyphens, and begin with a letter: they cannot be
options of a program or markup of a synthesiser.
"""

import re

import clone
import speech
import texts
from voices import ESPEAK_PARTS

LONGEST, MOST_WORDS = 60, 6
WORD = r"[a-z]+(?:['-][a-z]+)*"

VOWELS = "a e i o u ay ee oy oo ou ar er".split()
CONSONANTS = "b d f g h k l m n p r s t v w z ch sh th br st pl".split()


def checked(text):
    """The phrase in lower case with single spaces. Raises ValueError with what to try."""
    shown = ascii(text[:40]) + ("..." if len(text) > 40 else "")
    if len(text) > LONGEST:
        raise ValueError(f"the phrase {shown} has {len(text)} characters; a phrase has at most {LONGEST}")
    phrase = " ".join(text.lower().split(" ")).strip()
    phrase = re.sub(" +", " ", phrase)
    if not re.fullmatch(f"{WORD}(?: {WORD})*", phrase):
        raise ValueError(
            f"the phrase {shown} cannot be spoken: use English letters, and spaces, apostrophes or hyphens between them; "
            "write numbers as words"
        )
    if len(phrase.split()) > MOST_WORDS:
        raise ValueError(f"the phrase {shown} has {len(phrase.split())} words; a phrase has at most {MOST_WORDS}")
    if not re.search("[aeiouy]", phrase):
        raise ValueError(f"the phrase {shown} has no vowel: synthesisers would spell it; write it as it sounds")
    return phrase


def clusters(word):
    """A word's letters as vowels and consonants in turn: "hello" -> h, e, ll, o."""
    return re.findall("[aeiouy]+|[^aeiouy]+", word)


def changed(word, kind, rng):
    """The word with another consonant (or vowel) in one place; the word itself if it has none."""
    parts = clusters(word)
    is_vowel = [p[0] in "aeiouy" for p in parts]
    places = [i for i, vowel in enumerate(is_vowel) if vowel == (kind is VOWELS)]
    if places:
        at = int(rng.choice(places))
        parts[at] = str(rng.choice([c for c in kind if c not in parts[at] and parts[at] not in c]))
    return "".join(parts)


def near(phrase, rng):
    """(text, kind) of a phrase that sounds similar.

    sound    a consonant of a word is another one, often a vowel too. A vowel alone is not changed: accents
             differ as much as that.
    word     a word is another one, or the order of the words is turned round
    part     some of the words, or half of the only word
    """
    words = phrase.split()
    at = int(rng.integers(len(words)))
    kind = str(rng.choice(["sound", "word", "part"], p=[0.5, 0.25, 0.25]))
    if kind == "sound":
        words[at] = changed(words[at], CONSONANTS, rng)
        if rng.random() < 0.5:
            at = int(rng.integers(len(words)))
            words[at] = changed(words[at], VOWELS, rng)
    elif kind == "part":
        parts = clusters(words[0]) if len(words) == 1 else words
        cut = int(rng.integers(1, len(parts))) if len(parts) > 1 else 0
        kept = parts[:cut] if rng.random() < 0.5 else parts[cut:]
        words = ["".join(kept)] if len(words) == 1 else kept
    elif len(words) > 1 and rng.random() < 0.3:
        words = words[::-1]
    else:
        words[at] = str(rng.choice(speech.OTHERS))
    text = " ".join(words)
    # a change may give the phrase again, or a text without a vowel
    if text == phrase or phrase in text or not re.search("[aeiouy]", text):
        return near(phrase, rng)
    return text, kind


def syllables(rng):
    """Words without meaning, with every sound in every place."""
    words = []
    for _ in range(rng.integers(2, 8)):
        parts = [c for _ in range(rng.integers(1, 4)) for c in (rng.choice(CONSONANTS), rng.choice(VOWELS))]
        words.append("".join(parts) + (str(rng.choice(CONSONANTS)) if rng.random() < 0.5 else ""))
    return " ".join(words)


def other(part, phrase, rng):
    """Two texts of a part, without the phrase."""
    text = f"{single(part, rng)}, {single(part, rng)}"
    plain = text.lower().replace(",", "")
    return other(part, phrase, rng) if f" {phrase} " in f" {plain} " else text


def single(part, rng):
    """Written English, a sentence of the grammar, words, or syllables without meaning."""
    kind = rng.random()
    if kind < 0.5:
        return str(rng.choice(texts.prose(part)))
    if kind < 0.75:
        return speech.sentence(ESPEAK_PARTS[part], rng).rstrip(".")
    if kind < 0.85:
        return " ".join(map(str, rng.choice(speech.OTHERS, rng.integers(1, 5))))
    return syllables(rng)
