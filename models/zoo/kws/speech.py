"""Synthesised speech by espeak-ng: words, sentences and voices.

Voices and sentence vocabularies are split into four parts: `train`, `tune` (the rule of detection),
`test` (false accepts and hits) and `demo` (demo.wav).  A small grammar makes the sentences.  They contain neither
the ten words nor words that sound the same.
"""

import subprocess

import numpy as np
from scipy.signal import resample_poly

from clips import WORDS

ACCENTS = "en-us en-gb en-gb-scotland en-gb-x-rp en-gb-x-gbclan en-gb-x-gbcwmd en-029".split()
VARIANTS = {
    "train": """m1 m2 m4 m8 f1 f4 Alex Andy Annie Diogo Gene Henrique Hugo Jacky Marco Mike Storm adam
        anika antonio aunty caleb ed edward2 grandpa iven iven2 john klatt klatt2 klatt5
        marcelo max michel miguel pablo paul pedro quincy rob sandro steph3 victor zac""".split(),
    "tune": "m6 f3 Denis Lee Nguyen benjamin gustave klatt3 norbert steph".split(),
    "test": "m3 m7 f2 Andrea Mario Michael belinda boris iven3 linda robert travis klatt4".split(),
    "demo": "f5 m5 Alicia david edward steph2".split(),
}

OTHERS = """one two three four five six seven eight nine zero bed bird cat dog happy house marvin
    sheila tree wow backward forward follow learn visual apple table window doctor garden music
    letter paper water mother summer winter kitchen morning button corner picture finger number
    lift loft gone gown town dawn dot stock step stick top nod nose note not net said stay less
    let lead light late ride wide road row goat gold good got ghost often
    us cup under uncle other over open own oven offer office coffee toss lost soft""".split()

GRAMMAR = {
    "train": {
        "who": """the farmer|my sister|an old sailor|the teacher|our neighbour|a quiet child|the
            captain|his uncle|the baker|a young painter|the engineer|her cousin|the whole family|a
            friend of mine|the tall gardener|somebody""",
        "did": """carried|painted|found|remembered|wanted|opened|looked at|talked about|borrowed|
            cleaned|measured|offered|followed|brought home|never liked|finally sold""",
        "what": """a wooden table|seven green apples|the broken window|a letter from Madrid|the
            garden fence|nine silver coins|a bottle of milk|the little boat|some fresh bread|the
            evening paper|a heavy suitcase|the coffee machine|her favourite song|a map of the
            river|the yellow curtains|three grey kittens""",
        "when": """yesterday morning|after the concert|before breakfast|during the long winter|at
            half past four|every other week|in early summer|while it was raining|last Saturday|as
            soon as possible|when the train arrived|without a word""",
        "link": "and then|but later|because|so|while|although",
    },
    "test": {
        "who": """the pilot|a careful dentist|my grandmother|the new lawyer|two clever students|the
            musician|a tired waiter|the weather woman|our landlord|the football team|an honest
            banker|their dog|the shopkeeper|a nervous actor|the librarian|everyone here""",
        "did": """explained|repaired|photographed|considered|forgot|served|watched|described|
            collected|delivered|complained about|decorated|ordered|would have loved|is counting|
            almost missed""",
        "what": """the orange bicycle|a chocolate cake|the final chapter|eleven paper lanterns|a
            difficult question|the kitchen radio|many strange pictures|the mountain road|a cup of
            tea|the wedding invitation|those leather shoes|an electric guitar|the hospital
            entrance|a basket of cherries|the secret recipe|twelve enormous pumpkins""",
        "when": """in the middle of winter|twenty minutes ago|near the harbour|for the third time|
            around midnight|because of the storm|behind the theatre|with great patience|at the end
            of March|between two meetings|as usual|for almost an hour""",
        "link": "even though|until|and afterwards|however|since|whenever",
    },
}
GRAMMAR["tune"] = {
    "who": """the carpenter|a curious student|my older brother|the new manager|three tourists|the
        violin teacher|a grumpy neighbour|the bus driver|our cousin Martha|the entire orchestra|a
        retired soldier|the chemist""",
    "did": """invented|lost|discovered|ignored|copied|rented|wrapped|recommended|argued about|
        decided against|has been dreaming of|wiped|presented|would never sell""",
    "what": """a silver whistle|the second volume|thirteen pink balloons|the harbour bridge|an empty
        bucket|a box of pencils|the village map|several heavy parcels|the longest speech|a pair of
        gloves|the piano in the hall|some sour plums""",
    "when": """in the first week of May|between seven and eight|beyond the mountains|after a short nap|in
        the rain|with a broad smile|all afternoon|just in time|before the storm|at her wedding|for
        the whole season""",
    "link": "although|and then|unless|but|so that|because",
}
GRAMMAR["demo"] = {
    "who": "the violinist|a gentle nurse|our postman|the young astronomer|a patient judge",
    "did": "admired|polished|described|packed|imagined",
    "what": "a telescope|the marble staircase|fourteen candles|an ancient clock|the harvest",
    "when": "in October|near the fountain|at sunrise|for a week|beside the lake",
    "link": "and meanwhile|before",
}


def choices(part, slot):
    return [" ".join(p.split()) for p in GRAMMAR[part][slot].split("|")]


def sentence(part, rng):
    """A random sentence of the part's vocabulary."""

    def clause():
        return " ".join(rng.choice(choices(part, slot)) for slot in ("who", "did", "what", "when"))

    text = clause()
    if rng.random() < 0.5:
        text += f", {rng.choice(choices(part, 'link'))} {clause()}"
    assert not set(text.lower().replace(",", "").split()) & {*WORDS, "know", "write"}, text
    return text + "."


def voice(part, rng):
    """A random voice, speed (words per minute) and pitch for espeak-ng."""
    return (
        f"{rng.choice(ACCENTS)}+{rng.choice(VARIANTS[part])}",
        int(rng.integers(110, 220)),
        int(rng.integers(25, 80)),
    )


def say(text, speaker):
    """A text spoken by espeak-ng: float32 at 16 kHz, peak 0.5."""
    name, speed, pitch = speaker
    command = ["espeak-ng", "--stdout", "-v", name, "-s", str(speed), "-p", str(pitch), text]
    out = subprocess.run(command, check=True, capture_output=True).stdout
    assert int.from_bytes(out[24:28], "little") == 22050, "espeak-ng's voices speak at 22,050 Hz"
    x = resample_poly(np.frombuffer(out[44:], "<i2").astype(np.float32), 320, 441)
    return (0.5 * x / max(1.0, np.abs(x).max())).astype(np.float32)


def trimmed(x, threshold=0.01):
    """The sound without silence before and after it."""
    loud = np.flatnonzero(np.abs(x) > threshold * np.abs(x).max())
    return x[loud[0] : loud[-1] + 1] if len(loud) else x


def word_clip(text, part, rng, samples=16000):
    """One word in the middle of a second, cut if it is longer: float32 [16000]."""
    x = trimmed(say(text, voice(part, rng)))[:samples]
    out = np.zeros(samples, np.float32)
    at = (samples - len(x)) // 2
    out[at : at + len(x)] = x
    return out


def played(x, factor):
    """The sound `factor` times faster, with the pitch and the vocal tract: another speaker."""
    return np.interp(np.arange(0, len(x) - 1, factor), np.arange(len(x)), x).astype(np.float32)


def continuous(part, seconds, rng, text_of=None, spread=0.0):
    """Speech by changing voices, with pauses in between: float32 [seconds * 16000].

    text_of: a function of the generator; without it, sentences of the part's vocabulary.  spread: how much voices
    are played faster and slower, as a logarithm.
    """
    text_of = text_of or (lambda rng: sentence(part, rng))
    out, total = [], 0
    while total < seconds * 16000:
        speaker = voice(part, rng)
        text = " ".join(text_of(rng) for _ in range(rng.integers(1, 5)))
        pause = np.zeros(int(rng.uniform(0.1, 0.8) * 16000), np.float32)
        said = trimmed(say(text, speaker)) * rng.uniform(0.4, 1.4)
        if spread:
            said = played(said, np.exp(rng.uniform(-spread, spread)))
        for piece in (said, pause):
            out.append(piece.astype(np.float32))
            total += len(piece)
    return np.concatenate(out)[: seconds * 16000]
