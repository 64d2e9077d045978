"""Runs onnxruntime's static quantisation of one network with every method and calibration draw.

In (argv): model.onnx, calibration windows .npy [n, frames, channels], draws .npy int [draws, windows],
evaluation windows .npy, truth .npy, folder for the int8 files, methods (default: all).  Out: one JSON line
{"method", "draw", "metric"} each. The first is the float model's, with draw -1.

QDQ, weights int8 per channel, activations int8 or uint8; ranges by minmax, entropy, percentile; one thread.
Metric: share of windows whose largest score is that of the true class, in %. For a single output: 100 minus the
mean absolute error in % of the mean truth.
"""

import json
import logging
import pathlib
import sys

import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

ort.set_default_logger_severity(3)
logging.disable(logging.WARNING)
METHODS = {"minmax": CalibrationMethod.MinMax, "entropy": CalibrationMethod.Entropy, "percentile": CalibrationMethod.Percentile}
TYPES = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}


def feeds(path, windows):
    """Yields windows [n, frames, channels] in the model's layout: [1, channels, frames] or [1, 1, frames, channels]."""
    entry = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs()[0]
    for window in windows:
        value = window[None, None] if len(entry.shape) == 4 else window.T[None]
        yield {entry.name: np.ascontiguousarray(value, dtype=np.float32)}


class Reader(CalibrationDataReader):
    def __init__(self, path, windows):
        self.left = iter(list(feeds(path, windows)))

    def get_next(self):
        return next(self.left, None)


def evaluate(path, windows, truth):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    found = np.stack([session.run(None, feed)[0][0] for feed in feeds(path, windows)])
    if found.shape[1] == 1:
        return 100 * (1 - np.abs(found[:, 0] - truth).mean() / truth.mean())
    return 100 * (found.argmax(1) == truth).mean()


def main():
    model, calibration, draws, windows, truth, folder = sys.argv[1:7]
    methods = sys.argv[7].split(",") if len(sys.argv) > 7 else list(METHODS)
    calibration, draws, windows, truth = (np.load(p) for p in (calibration, draws, windows, truth))
    print(json.dumps({"method": "float", "draw": -1, "metric": evaluate(model, windows, truth)}), flush=True)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    prepared = str(folder / "prepared.onnx")
    quant_pre_process(model, prepared, skip_symbolic_shape=True)
    for draw, picked in enumerate(draws):
        for name, method in ((name, METHODS[name]) for name in methods):
            for type_name, activation in TYPES.items():
                path = str(folder / f"{name}-{type_name}-{draw}.onnx")
                try:
                    quantize_static(
                        prepared,
                        path,
                        Reader(prepared, calibration[picked]),
                        quant_format=QuantFormat.QDQ,
                        per_channel=True,
                        weight_type=QuantType.QInt8,
                        activation_type=activation,
                        calibrate_method=method,
                    )
                    metric = evaluate(path, windows, truth)
                except Exception as error:  # a method that fails must not end the others
                    print(f"{name} {type_name}: {error}", file=sys.stderr)
                    continue
                print(json.dumps({"method": f"{name} {type_name}", "draw": draw, "metric": metric}), flush=True)


if __name__ == "__main__":
    main()
