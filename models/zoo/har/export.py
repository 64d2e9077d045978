"""Write the ONNX files and their signals.

    python export.py --weights watch.pt phone.pt             # har-watch.onnx, har-phone.onnx, float32
    python export.py --weights watch-0.pt ... phone-3.pt     # folds/watch-0.onnx ..., float16 weights
    python export.py --weights watch-small.pt watch-tiny.pt  # with golden-out-*.npy, and their folds the same way
    python export.py --weights watch-gru.pt watch-gru-0.pt   # har-watch-gru.onnx, its golden files and fold 0
    python export.py --signals                               # calib, demo and golden files, all simulated

har-*.onnx       input motion [1, 6, 128] in g and 250 degrees/s, output scores [1, 5] (softmax), opset 18
calib-*.npy      float32 [n, 6]: one round of each of ten people
demo-*.csv       time_s, six axes, activity: one minute
golden-in-*.npy  float32 [8, 128, 6] windows; golden-out-*.npy float32 [8, 5] scores of PyTorch
"""

import argparse
import pathlib
import sys

import numpy as np
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

import onnx_file
import simulate
from model import HOP, KINDS, LABELS, WINDOW, ActivityNet, Exported, ExportedRecurrent

HERE = pathlib.Path(__file__).parent
METADATA = {
    "runlet.sample_rate_hz": str(simulate.RATE_HZ),
    "runlet.hop": str(HOP),
    "runlet.labels": ",".join(LABELS),
    # an answer describes the sample in the middle of its window
    "runlet.truth_at": "middle",
    "runlet.columns": '["ax", "ay", "az", "gx", "gy", "gz"]',
}
DEVICES = ("watch", "phone")
# of int8 streamed, all folds: npm run eval:har
ACCURACY = {"watch-small": 92.47, "watch-tiny": 91.48}


def write_onnx(net, path, half=False, accuracy=None):
    """Write the network for one window, with its metadata.  accuracy: on held-out subjects, in %."""
    carried = {"runlet.mode": "stream"} if isinstance(net, ExportedRecurrent) else {}
    stated = {} if accuracy is None else {"runlet.accuracy": str(accuracy)}
    metadata = METADATA | carried | stated
    onnx_file.write_onnx(net, path, "har", torch.zeros(1, 6, WINDOW), "motion", "scores", metadata, half)


def load(path):
    """(network to export, name for its files, fold) of a checkpoint."""
    found = torch.load(path)
    kind, exported, _ = KINDS[found["net"]]
    net = kind()
    net.load_state_dict(found["weights"])
    name = found["device"] if found["net"] == "cnn" else f"{found['device']}-{found['net']}"
    return exported(net).eval(), name, found["fold"]


def load_onnx(path):
    return onnx_file.read_weights(Exported(ActivityNet()), path)


def write_signals(device):
    parts = [simulate.recording(device, seed, simulate.ROUND)[0] for seed in range(10)]
    np.save(HERE / f"calib-{device}.npy", np.concatenate(parts))
    x, labels = simulate.recording(device, 101, simulate.ROUND * 3 + simulate.ROUND[:1] * 2)
    with open(HERE / f"demo-{device}.csv", "w") as file:
        file.write("time_s,ax,ay,az,gx,gy,gz,activity\n")
        for n, (row, label) in enumerate(zip(x, labels)):
            values = ",".join(f"{v:.3f}" for v in row)
            file.write(f"{n / simulate.RATE_HZ:.2f},{values},{label}\n")
    x, _ = simulate.recording(device, 202, simulate.ROUND)
    windows = np.stack([x[at : at + WINDOW] for at in np.linspace(0, len(x) - WINDOW, 8).astype(int)])
    np.save(HERE / f"golden-in-{device}.npy", windows)
    write_scores(load_onnx(HERE / f"har-{device}.onnx"), device, device)


def write_scores(net, device, name):
    """Write PyTorch's scores for a device's golden windows."""
    windows = torch.from_numpy(np.load(HERE / f"golden-in-{device}.npy")).transpose(1, 2)
    with torch.no_grad():
        np.save(HERE / f"golden-out-{name}.npy", np.concatenate([net(window[None]).numpy() for window in windows]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", nargs="*", default=[])
    parser.add_argument("--signals", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for path in args.weights:
        net, name, fold = load(path)
        if fold is None:
            write_onnx(net, HERE / f"har-{name}.onnx", accuracy=ACCURACY.get(name))
            # the file has a GRU's weights in another order, so the scores are computed from `net`
            if name not in DEVICES:
                write_scores(net, name.split("-")[0], name)
        else:
            (HERE / "folds").mkdir(exist_ok=True)
            write_onnx(net, HERE / "folds" / f"{name}-{fold}.onnx", half=True)
    if args.signals:
        for device in DEVICES:
            write_signals(device)


if __name__ == "__main__":
    main()
