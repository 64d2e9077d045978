"""Float accuracy of ppg-hr.onnx, evaluated on extended windows (256 + 320 samples).

    python evaluate.py                                   # simulated test recordings
    python evaluate.py --welltory DIR                    # also finger PPG, dev records
    python evaluate.py --welltory DIR --dump OUT         # also write arrays for other tools

The weights come from the ONNX file, so this evaluates the shipped network.  Each hop of
64 samples has one estimate, from the first sample on for which the whole extended window
is real signal (18 s).  Truth is the mean heart rate of the trailing 8 s.
"""

import argparse
import pathlib

import numpy as np
import onnx
import torch
from onnx import numpy_helper

import simulate
import welltory
from model import EXTENDED, HOP, HeartRateNet
from preprocess import preprocess

HERE = pathlib.Path(__file__).parent


def load(path=HERE / "ppg-hr.onnx"):
    """Return the network with the weights of an ONNX file (or of a .pt checkpoint)."""
    net = HeartRateNet()
    if str(path).endswith(".pt"):
        net.load_state_dict(torch.load(path))
    else:
        arrays = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
        net.load_state_dict({k: torch.from_numpy(arrays[k].copy()) for k in net.state_dict()})
    return net.eval()


def stream(net, signal):
    """Return estimates for one preprocessed recording [samples]: (ends [n], bpm [n]).

    ends[k] is the index of the last sample of estimate k, (k + 9) * 64 - 1.
    """
    ends = np.arange(EXTENDED, len(signal) + 1, HOP) - 1
    x = np.stack([signal[e + 1 - EXTENDED : e + 1] for e in ends])[:, None]
    with torch.no_grad():
        bpm = torch.cat([net(part) for part in torch.from_numpy(x).split(256)])
    return ends, bpm.numpy().ravel()


def row(name, estimate, truth):
    """Print one line of the table: hops, mean rate, MAE, P95 error, bias, share within 5 BPM."""
    error = estimate - truth
    size = np.abs(error)
    print(
        f"{name:24s} {len(error):6d} {truth.mean():7.1f} {size.mean():7.2f} "
        f"{np.percentile(size, 95):7.2f} {error.mean():+7.2f} {100 * (size <= 5).mean():7.1f}"
    )


def simulated(net, recordings, seconds):
    """Print the test table by artefact level and, for clean and moderate, by heart rate."""
    found = {}
    for level in simulate.LEVELS:
        raw, bpm = simulate.batch("test", range(recordings), seconds, lambda _, level=level: level)
        pairs = []
        for signal, truth in zip(preprocess(raw), bpm):
            ends, estimate = stream(net, signal)
            pairs.append((estimate, truth[ends]))
        found[level] = np.concatenate(pairs, axis=1)
        row(f"simulated {level}", *found[level])
    estimate, truth = np.concatenate([found["clean"], found["moderate"]], axis=1)
    row("clean and moderate", estimate, truth)
    for low, high in ((40, 60), (60, 90), (90, 130), (130, 180)):
        inside = (truth >= low) & (truth < high)
        row(f"  {low}-{high} BPM", estimate[inside], truth[inside])


def real(net, folder, dump):
    """Print the Welltory dev table, per record and overall; hops without a reference are skipped."""
    pairs = []
    for name, signal, truth in welltory.records(folder):
        ends, estimate = stream(net, signal)
        reference = truth[ends]
        good = reference > 0
        pairs.append((estimate[good], reference[good]))
        row(f"welltory {name}", *pairs[-1])
        if dump:
            pathlib.Path(dump).mkdir(parents=True, exist_ok=True)
            np.save(f"{dump}/{name}-signal.npy", signal[:, None])
            np.save(f"{dump}/{name}-ends.npy", ends.astype(np.int32))
            np.save(f"{dump}/{name}-bpm.npy", np.where(good, reference, 0).astype(np.float32))
            np.save(f"{dump}/{name}-float.npy", estimate)
    row("welltory dev, all hops", *np.concatenate(pairs, axis=1))
    means = [np.abs(e - t).mean() for e, t in pairs]
    print(f"mean of per-record MAE {np.mean(means):.2f}, median {np.median(means):.2f}")
    base = np.concatenate([np.abs(t - 70.0) for _, t in pairs]).mean()
    print(f"MAE of always saying 70 BPM {base:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", default=HERE / "ppg-hr.onnx", help="ONNX file or checkpoint")
    parser.add_argument("--recordings", type=int, default=60, help="simulated, per level")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--welltory", help="folder with dev_x.npy, dev_hr.npy, index.csv")
    parser.add_argument("--dump", help="write welltory signals and truth to this folder")
    args = parser.parse_args()
    torch.set_num_threads(1)
    net = load(args.weights)
    print(
        f"{'set':24s} {'hops':>6s} {'BPM':>7s} {'MAE':>7s} {'P95':>7s} {'bias':>7s} {'<=5 %':>7s}"
    )
    simulated(net, args.recordings, args.seconds)
    if args.welltory and (pathlib.Path(args.welltory) / "dev_x.npy").exists():
        real(net, args.welltory, args.dump)
    else:
        print("welltory: not evaluated (give --welltory DIR with dev_x.npy)")


if __name__ == "__main__":
    main()
