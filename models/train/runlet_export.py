"""Exports PyTorch and Keras models for Runlet, and has helpers for training on streams.

The metadata of the exported file has the facts that a stream needs: hop, sample rate, labels, columns, and
the number of earlier frames in training.

    export_torch(model, "watch.onnx", shape=(6, 128), hop=8, sample_rate_hz=50, labels=["still", "walking"])     # torch, onnx, onnxscript
    export_keras(model, "watch.tflite", hop=8, sample_rate_hz=50, labels=["still", "walking"])                   # tensorflow

Only the framework that is used must be installed. `metadata` lists all facts; docs/training.md explains the
rest.
"""

import copy
import json
import math
import pathlib

import numpy as np

try:
    import torch
    from torch import nn
except ImportError:
    torch = nn = None

__version__ = "0.1.0"

TRUTH_PLACES = ("majority", "middle", "end", "mean")


def metadata(
    window,
    elements,
    outputs,
    *,
    hop,
    sample_rate_hz,
    labels=None,
    columns=None,
    left_context=None,
    truth_at=None,
    accuracy=None,
    unit=None,
    front_end=None,
):
    """Returns Runlet's metadata keys with their texts, checked against the model.

    window: number of frames that the model reads. elements: number of values in a frame. outputs: number of
    values of each output. hop: number of frames between two outputs, 1 to window. sample_rate_hz: frames per
    second. labels: names of an output's values, in order. columns: names of a frame's values, in order, as in
    the header of a CSV file. left_context: number of earlier frames in training (L_a); omit it for models
    that were not trained on extended windows. truth_at: the part of a window that its label describes:
    majority, middle, end, or mean. accuracy: share of right answers on held-out data, in %; Runlet chooses
    among sizes of a model by it. unit: unit of the output, such as "bpm". front_end: name of the Runlet
    front end that makes the model's frames, such as "ppg". Raises ValueError if a fact does not fit the
    model.
    """
    if _whole("hop", hop, 1) > window:
        raise ValueError(f"hop is {hop} and the window has {window} frames: frames between two windows would never be read")
    if isinstance(sample_rate_hz, bool) or not 0 < sample_rate_hz < math.inf:
        raise ValueError(f"sample_rate_hz is {sample_rate_hz!r}, and must be above 0")
    facts = {"hop": str(int(hop)), "sample_rate_hz": f"{sample_rate_hz:.12g}"}
    if labels is not None:
        names = _names("labels", labels)
        if not any(len(names) == n or (n == 1 and len(names) <= 2) for n in outputs):
            raise ValueError(f"there are {len(names)} labels, and the model's output has {' and '.join(map(str, outputs))} values")
        facts["labels"] = json.dumps(names)
    if columns is not None:
        names = _names("columns", columns)
        if len(names) != elements:
            raise ValueError(f"there are {len(names)} columns, and a frame of the model's input has {elements} values")
        facts["columns"] = json.dumps(names)
    if left_context is not None:
        facts["left_context"] = str(_whole("left_context", left_context, 0))
    if truth_at is not None:
        if truth_at not in TRUTH_PLACES:
            raise ValueError(f"truth_at is {truth_at!r}, and must be one of {', '.join(TRUTH_PLACES)}")
        facts["truth_at"] = truth_at
    if accuracy is not None:
        if isinstance(accuracy, bool) or not 0 <= accuracy <= 100:
            raise ValueError(f"accuracy is {accuracy!r}, and must be from 0 to 100, in %")
        facts["accuracy"] = f"{accuracy:.12g}"
    for key, text in (("unit", unit), ("front_end", front_end)):
        if text is not None:
            facts[key] = _name(key, text)
    return {f"runlet.{key}": text for key, text in facts.items()}


def _whole(what, value, minimum):
    if isinstance(value, bool) or int(value) != value or value < minimum:
        raise ValueError(f"{what} is {value!r}, and must be a whole number, {minimum} or more")
    return int(value)


def _name(what, value):
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 200:
        raise ValueError(f"{what} has {value!r}, and names are printable texts of 1 to 200 characters")
    return value.strip()


def _names(what, values):
    if isinstance(values, str):
        raise ValueError(f"{what} is one text; give a list of names")
    names = [_name(what, value) for value in values]
    if len(set(names)) < len(names):
        raise ValueError(f"{what} has a name twice: {', '.join(names)}")
    return names


def _elements(shape, time_axis):
    """Returns (frames, values of a frame) of one window. shape: without the batch."""
    if any(size is None for size in shape):
        raise ValueError(f"the model's input is {tuple(shape)}: every dimension of a window must be known")
    return shape[time_axis], math.prod(shape) // shape[time_axis]


def _check_path(path, suffix):
    if pathlib.Path(path).suffix != suffix:
        raise ValueError(f"{path} must end in {suffix}")


# Windows for training


def extended_windows(signal, window, hop, left_context):
    """[frames, channels] -> windows [n, left_context + window, channels], and the first frame of each window.

    The first frame does not count the earlier frames. It is a multiple of the hop, as in the stream. Windows
    without left_context earlier frames are left out.
    """
    first = -(-left_context // hop) * hop
    starts = np.arange(first, len(signal) - window + 1, hop)
    return signal[starts[:, None] + np.arange(-left_context, window)], starts


def _dropped_rows(left_context, jump):
    """Returns the number of trunk rows that the earlier frames make."""
    if left_context % jump:
        raise ValueError(f"left context {left_context} is not a multiple of the total stride {jump}")
    return left_context // jump


# PyTorch


def causal(inputs, outputs, kernel, dilation=1):
    """Convolution over time that pads on the left only: [B, inputs, T] -> [B, outputs, T]."""
    pad = nn.ConstantPad1d(((kernel - 1) * dilation, 0), 0.0)
    return nn.Sequential(pad, nn.Conv1d(inputs, outputs, kernel, dilation=dilation))


if nn:

    class SignalPadding(nn.Module):
        """Trunk and head for training. Reads left_context earlier frames; drops their rows before the head.

        trunk: [B, channels, T] -> [B, D, T / jump]. head: [B, D, window / jump] -> outputs. jump: total
        stride of the trunk.
        """

        def __init__(self, trunk, head, left_context, jump):
            super().__init__()
            self.rows = _dropped_rows(left_context, jump)
            self.trunk, self.head, self.left_context = trunk, head, left_context

        def forward(self, x):
            if x.shape[-1] <= self.left_context:
                raise ValueError(f"{x.shape[-1]} frames hold no window after {self.left_context} earlier ones")
            return self.head(self.trunk(x)[..., self.rows :])


def export_torch(model, path, shape, *, time_axis=-1, **facts):
    """Writes a model as an ONNX file that reads one window, [1, *shape], with Runlet's metadata.

    shape: shape of a window without the batch, such as (channels, window). time_axis: index of the time
    dimension in shape. facts: see `metadata`. For a SignalPadding, the file has trunk and head as a model of
    plain windows, and its left_context in the metadata.
    """
    import onnx

    _check_path(path, ".onnx")
    if isinstance(model, SignalPadding):
        facts = {"left_context": model.left_context, **facts}
        model = nn.Sequential(model.trunk, model.head)
    window, elements = _elements(shape, time_axis)
    plain = copy.deepcopy(model).cpu().eval()
    example = torch.zeros(1, *shape)
    with torch.no_grad():
        given = plain(example)
    given = [given] if isinstance(given, torch.Tensor) else list(given)
    texts = metadata(window, elements, [math.prod(x.shape[1:]) for x in given], **facts)
    names = ["output"] if len(given) == 1 else [f"output{i}" for i in range(len(given))]
    program = torch.onnx.export(plain, (example,), input_names=["signal"], output_names=names, dynamo=True, verbose=False)
    proto = program.model_proto
    graph = proto.graph
    for item in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del item.metadata_props[:]  # the exporter writes source lines with file paths here
    for key, text in texts.items():
        proto.metadata_props.add(key=key, value=text)
    onnx.checker.check_model(proto)
    onnx.save(proto, str(path))


# Keras


def signal_padding(trunk, head, window, left_context, jump):
    """Returns (model to train, model to export) with the same trunk and head.

    The first reads left_context + window frames, the second window frames. trunk: [B, T, channels] ->
    [B, T / jump, D] for any T. head: [B, window / jump, D] -> outputs. jump: total stride of the trunk.
    """
    import keras

    rows = _dropped_rows(left_context, jump)
    channels = trunk.input_shape[-1]
    extended = keras.Input((left_context + window, channels))
    plain = keras.Input((window, channels))
    return (
        keras.Model(extended, head(keras.layers.Cropping1D((rows, 0))(trunk(extended)))),
        keras.Model(plain, head(trunk(plain))),
    )


def export_keras(model, path, *, time_axis=0, **facts):
    """Writes a Keras model as a float TensorFlow Lite file that reads one window, with Runlet's metadata.

    time_axis: index of the time dimension in a window without the batch. facts: see `metadata`. Of a pair
    from `signal_padding`, export the second model and give left_context.
    """
    import keras
    import tensorflow as tf
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    _check_path(path, ".tflite")
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"Keras runs on {keras.backend.backend()}; set KERAS_BACKEND=tensorflow, load the model again and export")
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1:
        raise ValueError(f"the model has {len(inputs)} known inputs, and this takes built models with one")
    shape = inputs[0].shape[1:]
    window, elements = _elements(shape, time_axis)
    one = keras.Input(shape, batch_size=1)
    plain = keras.Model(one, model(one, training=False))
    texts = metadata(window, elements, [math.prod(x.shape[1:]) for x in plain.outputs], **facts)
    data = tf.lite.TFLiteConverter.from_keras_model(plain).convert()
    file = flatbuffer_utils.convert_bytearray_to_object(bytearray(data))
    file.metadata = file.metadata or []
    for key, text in texts.items():
        entry, buffer = schema.MetadataT(), schema.BufferT()
        entry.name, entry.buffer = key, len(file.buffers)
        buffer.data = text.encode()
        file.metadata.append(entry)
        file.buffers.append(buffer)
    flatbuffer_utils.write_model(file, str(path))
