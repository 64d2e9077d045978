"""The report of a bundle: what it heard of sound that training never had."""

import json

import sets
from listening import matched
from scenery import spans

UNKNOWN = """
## What this cannot show

All speech here is synthesised. Voices of three programs share their way of speaking, and their mistakes. So
these figures say nothing of:

- people: their accents, children, whispering, shouting, speaking while they eat
- real rooms and distances, real microphones, echo of the device's own loudspeaker
- real conversation, radio, television and singing; false accepts can be many times as frequent there
- other languages

Before you rely on the word, record at least 20 people who say it in the place where it will be used, and some
hours of that place without it. Run `runlet run` on both, and count.
"""


def measured(judged, near, speech, hear, phrase, scale):
    """Figures of a bundle. hear(name, pcm) -> times in seconds; the sets are sets.Judged."""
    hits, wrong = matched(hear("phrase", judged.pcm), (spans(judged.label) + [0, 1]) / 50)
    in_speech = len(hear("speech", speech.pcm))
    in_near = len(hear("near", near.pcm))
    hours = sets.hours_of(judged.label) + sets.hours_of(speech.label)
    groups = {}
    for voice, hit, ratio in zip(judged.voices, hits, judged.ratios, strict=True):
        for key in (f"{voice.engine} {voice.speaker}", f"noise {'5 to 15' if ratio < 15 else '15 to 30'} dB below"):
            groups.setdefault(key, []).append(bool(hit))
    return {
        "phrase": phrase,
        "scale": scale,
        "utterances": len(hits),
        "hits": int(hits.sum()),
        "voices": len({v.engine + v.speaker for v in judged.voices}),
        "falseAccepts": wrong + in_speech,
        "hoursOfSpeech": round(hours, 3),
        "nearPhrases": near.utterances,
        "nearHeard": in_near,
        "groups": {key: [sum(found), len(found)] for key, found in sorted(groups.items())},
    }


def page(figures, facts):
    """The report in Markdown. facts: lines about training and module."""
    f, hours = figures, figures["hoursOfSpeech"]
    rows = [f"| {key} | {hits} of {count} | {100 * hits / count:.0f} |" for key, (hits, count) in f["groups"].items()]
    share, rate = 100 * f["hits"] / f["utterances"], f["falseAccepts"] / hours
    return "\n".join(
        [
            f"# {f['phrase']}",
            "",
            f"- **Heard: {f['hits']} of {f['utterances']} ({share:.1f} %)**, said by {f['voices']} voices "
            "that training never had, between other speech, in rooms and noise",
            f"- **False accepts: {f['falseAccepts']} in {hours:.2f} hours of speech ({rate:.2f} an hour)**, other "
            "voices and sentences than in training",
            f"- Heard by mistake: {f['nearHeard']} of {f['nearPhrases']} phrases that sound similar",
            *[f"- {line}" for line in facts],
            "",
            "The bundle itself heard this: int8, streamed, from sound.",
            "",
            "| voice, or noise | heard | % |",
            "|---|---|---|",
            *rows,
            UNKNOWN,
        ]
    )


def write(folder, figures, facts):
    (folder / "report.json").write_text(json.dumps(figures, indent=2) + "\n")
    (folder / "report.md").write_text(page(figures, facts))

