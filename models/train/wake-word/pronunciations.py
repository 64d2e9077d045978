"""Other pronunciations of a phrase: a short vowel without stress is a schwa, or that of "lit" or "let".

    another("hello runlet", voice, rng)           # "[[h@l'oU r'Vnl@t]]" for espeak-ng

Synthesisers guess such vowels of words that they do not know, and people differ as much. The result is
phonemes in the notation of the voice's engine, in double brackets.
"""

import functools
import subprocess

# espeak-ng's and flite's names of the three vowels, and of short vowels that they may replace
REDUCED = {"espeak-ng": ("@", "I2", "E"), "flite": ("ax", "ih", "eh")}
SHORT = {"espeak-ng": {"@", "@2", "I", "I2", "I#", "E", "a#"}, "flite": {"ax", "ih", "eh", "ah"}}
VOWELS = {"espeak-ng": "@aAeEiIoOuUV03", "flite": "aeiou"}  # first letters
STRESS = "',"


def printed(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@functools.cache
def espeak(text, accent):
    """Words of phonemes. A phoneme begins with its mark of stress, if it has one."""
    return [word.split("_") for word in printed("espeak-ng", "-q", "-x", "--sep=_", "-v", accent, text).split()]


@functools.cache
def flite(text, speaker):
    """Phonemes, without stress."""
    return printed("flite", "-voice", speaker, "-ps", "-t", text, "-o", "none").split()


def is_vowel(phoneme, engine):
    return phoneme.lstrip(STRESS).startswith(tuple(VOWELS[engine]))


def stresses(words):
    """For each vowel of espeak-ng's phonemes, whether it has stress."""
    return [p[0] in STRESS for word in words for p in word if is_vowel(p, "espeak-ng")]


def replaced(phonemes, stressed, engine, rng):
    """Phonemes with other short vowels where there is no stress. stressed: an iterator over the vowels.

    The last phoneme stays: no word ends like "le(t)".
    """
    out = []
    for at, phoneme in enumerate(phonemes):
        free = is_vowel(phoneme, engine) and not next(stressed) and at < len(phonemes) - 1
        out.append(str(rng.choice(REDUCED[engine])) if free and phoneme in SHORT[engine] else phoneme)
    return out


def another(text, voice, rng):
    """The phrase in random pronunciation, or the text itself if the engine's phonemes are not understood."""
    if voice.engine == "espeak-ng":
        words = espeak(text, voice.detail[0])
        stressed = iter(stresses(words))
        return "[[" + " ".join("".join(replaced(word, stressed, "espeak-ng", rng)) for word in words) + "]]"
    phonemes, stressed = flite(text, voice.speaker), stresses(espeak(text, "en-us"))
    if sum(is_vowel(p, "flite") for p in phonemes) != len(stressed):
        return text
    return "[[" + " ".join(replaced(phonemes, iter(stressed), "flite", rng)) + "]]"
