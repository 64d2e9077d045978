"""Find ventricular beats by comparison with the patient's other beats, and fit the weights (kinds.json).

    python kinds.py --data DIR --weights ecg-0.pt ... ecg-4.pt

In: a signal, the beats from beats.find, and their sums of scores.  Out: 13 features per beat, available when
the beat is found.  A beat is V if the logistic function of their weighted sum is above 1/2.
host/features/beat-kinds.ts does the same for a running signal and explains the features.

The weights of fold k are fitted on the records of the other folds, with the scores of networks that were not
trained on the record.  The weights for the shipped network are fitted on all records, with the same scores.
"""

import argparse
import json
import pathlib

import numpy as np

import beats
from model import BeatNet
from records import FOLDS, fold_of, records

HERE = pathlib.Path(__file__).parent
HALF, LAG = 27, 12
LENGTH = 2 * HALF + 1
TEMPLATES, ALIKE = 6, 0.8
RR = (36.0, 360.0)
NAMES = "v s early alike correlation share kindV kindEarly usualV energy width uneven usual".split()
LIMIT = 4.0


def ratio(a, b):
    return np.log(np.clip(a / b, 0.3, 3))


def logit_v(sums):
    return np.log(sums[2] + 0.01) - np.log(sums[0] + sums[1] + sums[3] + 0.01)


def course(wave):
    """Total variation of a beat over its size.  Narrow beats have a large value."""
    return np.abs(np.diff(wave)).sum() / np.sqrt((wave**2).sum() + 0.01)


def features(x, at, sums):
    """mV [n], samples [beats], sums of scores [beats, 4] -> [beats, 13]."""
    waves, weight = np.zeros((TEMPLATES, LENGTH)), np.zeros(TEMPLATES)
    mean = np.zeros((TEMPLATES, 3))
    usual_rr, uneven, last_usual, last_at, last_rr = 0.0, 0.1, False, None, 0.0
    out = np.zeros((len(at), len(NAMES)))
    for i, sample in enumerate(at):
        piece = np.zeros(LENGTH + 2 * LAG)
        first = sample - HALF - LAG
        a, b = max(first, 0), min(first + len(piece), len(x))
        piece[a - first : b - first] = x[a:b]
        cuts = np.lib.stride_tricks.sliding_window_view(piece, LENGTH)
        cuts = cuts - cuts.mean(1, keepdims=True)
        size, sizes = (cuts**2).sum(1)[:, None], (waves**2).sum(1)
        product = cuts @ waves.T
        alike = np.where(weight > 0, 2 * product / (size + sizes + 1e-9), -1)
        correlation = (product / np.sqrt(size * sizes + 1e-9)).max(0)
        best = alike.max(0)
        weight *= 1 - 1 / 300
        own = int(best.argmax())
        new = best[own] < ALIKE
        if new:
            own = int(weight.argmin())
            lag = int(np.abs(piece - piece.mean())[HALF : HALF + 2 * LAG + 1].argmax())
            waves[own], weight[own] = cuts[lag], 1
        else:
            lag = int(alike[:, own].argmax())
            weight[own] += 1
            waves[own] += (1 / weight[own] if weight[own] < 8 else 1 / 8) * (cuts[lag] - waves[own])
        place = sample - LAG + lag
        rr = 0.0 if last_at is None else np.clip(place - last_at, *RR)
        early = ratio(rr, usual_rr) if usual_rr else 0.0
        if last_rr:
            uneven += (abs(ratio(rr, last_rr)) - uneven) / 16
        last_at, last_rr = place, rr
        v = logit_v(sums[i])
        state = np.array([v, early, 1 - sums[i, 2] / (sums[i].sum() + 1e-9)])
        rate = 1 if new else 1 / weight[own] if weight[own] < 16 else 1 / 16
        mean[own] = mean[own] + rate * (state - mean[own])
        usual = int((np.sqrt(weight) * mean[:, 2]).argmax())
        if usual == own and last_usual and rr:
            usual_rr = rr if not usual_rr else usual_rr + (rr - usual_rr) / 16
        last_usual = usual == own
        itself = new and usual == own
        wave = cuts[lag]
        out[i] = [
            v,
            np.log((sums[i, 1] + 0.01) / 3),
            early,
            1 if itself else best[usual],
            1 if itself else correlation[usual],
            weight[own] / weight.sum(),
            mean[own, 0],
            mean[own, 1],
            mean[usual, 0],
            np.log(((wave**2).sum() + 0.01) / ((waves[usual] ** 2).sum() + 0.01)),
            np.log((course(waves[usual]) + 0.1) / (course(wave) + 0.1)),
            uneven,
            usual == own,
        ]
    return out


def fit(parts, rounds=30):
    """Logistic regression by Newton's method over [(features, is V, is counted)], one entry per record.

    All V of a record weigh at most as much as 200 beats, its other beats as 800, so that no patient
    dominates.
    """
    x = np.concatenate([f[use] for f, _, use in parts])
    y = np.concatenate([v[use] for _, v, use in parts]).astype(float)
    caps = [(v[use], max(1, (v & use).sum()), max(1, (~v & use).sum())) for _, v, use in parts]
    w = np.concatenate([np.where(v, min(1, 200 / yes), min(1, 800 / no)) for v, yes, no in caps])
    w /= w.sum()
    mean, scale = x.mean(0), x.std(0) + 1e-6
    x = np.c_[np.clip((x - mean) / scale, -LIMIT, LIMIT), np.ones(len(x))]
    penalty = np.r_[np.full(len(NAMES), 2e-3), 0]
    b = np.zeros(len(NAMES) + 1)
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-x @ b))
        slope = x.T @ (w * (p - y)) + penalty * b
        b = b - np.linalg.solve((x * (w * p * (1 - p))[:, None]).T @ x + np.diag(penalty), slope)
    digits = lambda values: [float(f"{value:.7g}") for value in values]
    return {"mean": digits(mean), "scale": digits(scale), "weights": digits(b[:-1]), "bias": digits(b[-1:])[0]}


def kinds(f, sums, weights):
    """Class of each beat: V, else the one of N, S and F with the largest sum; the sum of V counts for N."""
    z = np.clip((f - weights["mean"]) / weights["scale"], -LIMIT, LIMIT) @ weights["weights"] + weights["bias"]
    rest = sums * [1, 1, 0, 1] + sums[:, 2:3] * [1, 0, 0, 0]
    return np.where(z > 0, 2, rest.argmax(1))


def main():
    import torch
    from train import scores_of

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", nargs=FOLDS, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    all_records = records(args.data)
    folds = fold_of(all_records)
    nets = {}
    for path in args.weights:
        found = torch.load(path)
        nets[found["fold"]] = BeatNet()
        nets[found["fold"]].load_state_dict(found["weights"])
    found, parts = {}, {}
    for name, (x, at, kind) in all_records.items():
        scores = scores_of(nets[folds[name]], x).astype(float)
        places = beats.places(len(scores))
        answers, _ = beats.find(scores)
        sums = beats.sums_of(scores)[answers]
        f = features(x.astype(float), places[answers], sums)
        there, near = beats.truth(places[answers], at, kind)
        found[name] = (f, sums, places, answers)
        parts[name] = (f, there == 2, near & (there != beats.Q))
    weights = [fit([p for name, p in parts.items() if folds[name] != k]) for k in range(FOLDS)]
    shipped = fit(list(parts.values()))
    lines = [f'"shipped": {json.dumps(shipped)}', '"folds": [\n' + ",\n".join(json.dumps(w) for w in weights) + "\n]"]
    (HERE / "kinds.json").write_text("{\n" + f'"features": {json.dumps(NAMES)},\n' + ",\n".join(lines) + "\n}\n")
    tables = [np.zeros((6, 5), int) for _ in range(FOLDS)]
    for name, (x, at, kind) in all_records.items():
        f, sums, places, answers = found[name]
        tables[folds[name]] += beats.judge_beats(places, answers, kinds(f, sums, weights[folds[name]]), at, kind)
    for k, table in enumerate(tables):
        print(k, beats.shown(table))
    print("all", beats.shown(sum(tables)))
    print(dict(zip(NAMES, shipped["weights"])))


if __name__ == "__main__":
    main()
