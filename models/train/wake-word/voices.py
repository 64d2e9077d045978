"""Voices of three synthesisers, in parts that never share a voice.

train     voices that the network hears in training
tune      voices that choose the cutoff
judged    voices of the report; festival is an engine that neither part above has

    x = say("hello", draw("train", rng))          # float32 at 16 kHz, peak 0.5

Programs are started with lists of arguments, without a shell. A text begins with a letter (phrases.py), or is
phonemes in double brackets (pronunciations.py).
"""

import concurrent.futures
import pathlib
import shutil
import subprocess
import tempfile
from collections import namedtuple

import numpy as np
import speech
from scipy.io import wavfile
from scipy.signal import resample_poly

RATE_HZ = 16000

# speaker: who is heard; detail: accent, speed and pitch (espeak-ng), or length as a factor (others)
Voice = namedtuple("Voice", "engine speaker detail")

# speakers of espeak-ng are in ../../zoo/kws/speech.py
ESPEAK_PARTS = {"train": "train", "tune": "tune", "judged": "test"}
SPEAKERS = {
    "train": {"flite": ["awb", "rms", "kal16"]},
    "tune": {"flite": ["slt"]},
    "judged": {"festival": ["ked_diphone", "cmu_us_slt_arctic_hts"]},
}
SHARE_OF_ESPEAK = 0.6

PACKAGES = "espeak-ng flite festival festvox-kdlpc16k festvox-us-slt-hts"


class NoVoice(Exception):
    """A synthesiser is not there, or said nothing."""


def draw(part, rng):
    """A random voice of a part, with its own pace."""
    if rng.random() < SHARE_OF_ESPEAK:
        name, speed, pitch = speech.voice(ESPEAK_PARTS[part], rng)
        accent, speaker = name.split("+")
        return Voice("espeak-ng", speaker, (accent, speed, pitch))
    engine = str(rng.choice(list(SPEAKERS[part])))
    return Voice(engine, str(rng.choice(SPEAKERS[part][engine])), float(rng.uniform(0.85, 1.25)))


def flite(text, speaker, length, path):
    given = ["-p", text[2:-2]] if text.startswith("[[") else ["-t", text]
    command = ["flite", "-voice", speaker, "--setf", f"duration_stretch={length:.3f}", *given, "-o", path]
    subprocess.run(command, check=True, capture_output=True)


def festival(text, speaker, length, path):
    setting = f"(begin (voice_{speaker}) (Parameter.set 'Duration_Stretch {length:.3f}))"
    subprocess.run(["text2wave", "-eval", setting, "-o", path], input=text.encode(), check=True, capture_output=True)


PROGRAMS = {"flite": flite, "festival": festival}


def say(text, voice):
    """A text without the silence around it: float32 at 16 kHz, peak 0.5. Raises NoVoice."""
    try:
        if voice.engine == "espeak-ng":
            accent, speed, pitch = voice.detail
            x = speech.say(text, (f"{accent}+{voice.speaker}", speed, pitch))
        else:
            with tempfile.TemporaryDirectory() as folder:
                path = str(pathlib.Path(folder) / "said.wav")
                PROGRAMS[voice.engine](text, voice.speaker, voice.detail, path)
                rate, pcm = wavfile.read(path)
            x = resample_poly(pcm.astype(np.float32), RATE_HZ, rate)
    except (OSError, subprocess.CalledProcessError, AssertionError, ValueError) as error:
        raise NoVoice(f"{voice.engine} with voice {voice.speaker} does not speak: {error}") from error
    x = speech.trimmed(x) if x.size else x
    if x.size == 0 or not np.abs(x).max() > 0:
        raise NoVoice(f"{voice.engine} with voice {voice.speaker} says nothing for {ascii(text)}")
    return (0.5 * x / np.abs(x).max()).astype(np.float32)


def say_all(texts_and_voices, jobs):
    """Sounds in the order of their texts, spoken by `jobs` programs at a time."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda both: say(*both), texts_and_voices))


def check():
    """Raises NoVoice if a program or a voice is missing. The message says how to get it."""
    absent = [name for name in ("espeak-ng", "flite", "text2wave") if not shutil.which(name)]
    if absent:
        raise NoVoice(f"{', '.join(absent)}: no such program. On Debian: apt install {PACKAGES}")
    speakers = {(engine, s) for part in SPEAKERS.values() for engine, names in part.items() for s in names}
    for engine, speaker in sorted(speakers):
        try:
            say("hello", Voice(engine, speaker, 1.0))
        except NoVoice as error:
            raise NoVoice(f"{error}. On Debian: apt install {PACKAGES}") from error
