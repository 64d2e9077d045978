"""Write the ONNX files and the signals that go with them.

    python export.py --weights ecg.pt                     # ecg.onnx, float32
    python export.py --weights ecg-0.pt ... ecg-4.pt      # folds/fold-0.onnx ..., float16 weights
    python export.py --signals                            # calib, demo and golden files, all simulated

ecg.onnx         input ecg [1, 1, 775] in mV at 180 Hz, output scores [1, 5] (softmax), opset 18
calib.npy        float32 [n, 1]: 16 patients, 20 s each, R waves of 0.3 to 4 mV
demo.csv         time_s, ecg, beat: two minutes with ectopic beats; beat is 1 + class at an R mark, else 0
golden-in.npy    float32 [8, 775] windows; golden-out.npy float32 [8, 5] scores of PyTorch
"""

import argparse
import pathlib

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

import simulate
from model import CLASSES, HOP, RATE_HZ, WINDOW, BeatNet, Exported

HERE = pathlib.Path(__file__).parent
METADATA = {
    "runlet.sample_rate_hz": str(RATE_HZ),
    "runlet.hop": str(HOP),
    "runlet.labels": ",".join(CLASSES),
}


def halved(graph):
    """Float16 initialisers, each cast to float32 where it is used."""
    casts = []
    for tensor in list(graph.initializer):
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32:
            continue
        half = numpy_helper.from_array(array.astype(np.float16), f"{tensor.name}_half")
        graph.initializer.remove(tensor)
        graph.initializer.append(half)
        casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=onnx.TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)


def write_onnx(net, path, half=False):
    """Export one window, weights inside, and attach the metadata; the exporter's notes are dropped."""
    program = torch.onnx.export(
        net,
        (torch.zeros(1, 1, WINDOW),),
        input_names=["ecg"],
        output_names=["scores"],
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    proto = program.model_proto
    graph = proto.graph
    tensors = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for item in (proto, graph, *graph.node, *tensors):
        del item.metadata_props[:]
    graph.name = "ecg"
    if half:
        halved(graph)
    for key, value in METADATA.items():
        proto.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)


def load(path):
    found = torch.load(path)
    net = BeatNet()
    net.load_state_dict(found["weights"])
    return Exported(net).eval(), found["fold"]


def load_onnx(path):
    """An exported network in PyTorch, by the names that the exporter keeps."""
    arrays = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    net = Exported(BeatNet())
    net.load_state_dict({k: torch.from_numpy(arrays[k].copy()) for k in net.state_dict()})
    return net.eval()


def calibration():
    """Patients whose R waves are small, usual and large, joined."""
    heights = np.geomspace(0.4, 2.2, 16)[np.random.default_rng(0).permutation(16)]
    return np.concatenate([h * simulate.recording(seed, 20, 0.15, 0.05)[0] for seed, h in enumerate(heights)])


def write_signals():
    np.save(HERE / "calib.npy", calibration()[:, None].astype(np.float32))
    x, at, kind = simulate.recording(301, 120, 0.1, 0.0)
    beat = np.zeros(len(x), int)
    beat[at] = 1 + kind
    with open(HERE / "demo.csv", "w") as file:
        file.write("time_s,ecg,beat\n")
        for n, (value, mark) in enumerate(zip(x, beat)):
            file.write(f"{n / RATE_HZ:.4f},{value:.4f},{mark}\n")
    x, _, _ = simulate.recording(202, 40, 0.15, 0.05)
    windows = np.stack([x[start : start + WINDOW] for start in np.linspace(0, len(x) - WINDOW, 8).astype(int)])
    with torch.no_grad():
        scores = load_onnx(HERE / "ecg.onnx")(torch.from_numpy(windows)[:, None]).numpy()
    np.save(HERE / "golden-in.npy", windows)
    np.save(HERE / "golden-out.npy", scores)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", nargs="*", default=[])
    parser.add_argument("--signals", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for path in args.weights:
        net, fold = load(path)
        if fold is None:
            write_onnx(net, HERE / "ecg.onnx")
        else:
            (HERE / "folds").mkdir(exist_ok=True)
            write_onnx(net, HERE / "folds" / f"fold-{fold}.onnx", half=True)
    if args.signals:
        write_signals()


if __name__ == "__main__":
    main()
