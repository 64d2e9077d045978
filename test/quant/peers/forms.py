"""Rewrites a network to a form that computes the same in float but is harder to quantise: ONNX in, ONNX out.

    python forms.py in.onnx out.onnx --seed 1 --edit outliers raw:1000,1000,1000,250,250,250:0 wide ...

outliers    scales channels between two convolutions by 2^k, k in -5 .. 5, and divides the next weights by it.
raw:S:O     makes the input S * x + O (numbers, or one per channel), like sensor counts. The first convolutions
            include the normalisation.
wide        splits a convolution in the middle into the sum of two, with the weights W + R and -R, where R is 8
            times as large as W: branches that nearly cancel.
unpadded:T  removes the causal zero padding and makes the window T samples, so that the window has real signal
            in place of the padding.

It supports only the operators of the table's networks: Conv, Relu, AveragePool, global means, Concat of means,
Reshape, Gemm, Softmax.
"""

import argparse

import numpy as np
import onnx
from onnx import helper, numpy_helper

PASSED = ("Relu", "AveragePool")


class Model:
    def __init__(self, path):
        self.proto = onnx.load(path)
        self.graph = self.proto.graph
        self.lift_casts()

    def lift_casts(self):
        """Converts float16 weights with a Cast to float32 weights."""
        arrays = {t.name: t for t in self.graph.initializer}
        for node in [n for n in self.graph.node if n.op_type == "Cast" and n.input[0] in arrays]:
            tensor = arrays[node.input[0]]
            value = numpy_helper.to_array(tensor).astype(np.float32)
            self.graph.initializer.remove(tensor)
            self.graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
            self.graph.node.remove(node)

    def weights(self, name):
        return numpy_helper.to_array(next(t for t in self.graph.initializer if t.name == name)).copy()

    def put(self, name, value):
        for tensor in self.graph.initializer:
            if tensor.name == name:
                tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float32), name))
                return
        self.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))

    def readers(self, name):
        return [n for n in self.graph.node if name in n.input]

    def of_type(self, kind):
        return [n for n in self.graph.node if n.op_type == kind]

    def groups(self, node):
        return next((a.i for a in node.attribute if a.name == "group"), 1)

    def next_convolutions(self, node):
        """Returns the convolutions that read a node's output through PASSED only; none if another node reads it."""
        found, front = [], [node.output[0]]
        while front:
            readers = self.readers(front.pop())
            for reader in readers:
                if reader.op_type == "Conv":
                    found.append(reader)
                elif reader.op_type in PASSED:
                    front.append(reader.output[0])
                else:
                    return []
            if not readers:
                return []
        return found


def outliers(model, rng):
    for node in model.of_type("Conv"):
        readers = model.next_convolutions(node)
        if not readers:
            continue
        w, b = model.weights(node.input[1]), model.weights(node.input[2])
        channels = len(w)
        k = rng.integers(-1, 2, channels)
        picked = rng.permutation(channels)
        tenth = max(1, channels // 10)
        k[picked[:tenth]] = rng.integers(4, 6, tenth)
        k[picked[tenth : 2 * tenth]] = rng.integers(-5, -3, tenth)
        scale = 2.0**k
        model.put(node.input[1], w * scale.reshape(-1, *[1] * (w.ndim - 1)))
        model.put(node.input[2], b * scale)
        for reader in readers:
            w = model.weights(reader.input[1])
            back = scale.reshape(-1, 1, *[1] * (w.ndim - 2)) if model.groups(reader) > 1 else scale.reshape(1, -1, *[1] * (w.ndim - 2))
            model.put(reader.input[1], w / back)


def raw(model, scale, offset):
    for node in model.readers(model.graph.input[0].name):
        assert node.op_type == "Conv" and model.groups(node) == 1, node.op_type
        w, b = model.weights(node.input[1]), model.weights(node.input[2])
        pads = next((a.ints for a in node.attribute if a.name == "pads"), [0])
        assert not any(pads), "a padded input cannot have an offset"
        per = np.broadcast_to(scale, w.shape[1]).reshape(1, -1, *[1] * (w.ndim - 2))
        off = np.broadcast_to(offset, w.shape[1]).reshape(per.shape)
        model.put(node.input[1], w / per)
        model.put(node.input[2], b - (w / per * off).sum(tuple(range(1, w.ndim))))


def wide(model, rng):
    convolutions = [n for n in model.of_type("Conv") if model.groups(n) == 1]
    node = convolutions[len(convolutions) // 2]
    w = model.weights(node.input[1])
    r = rng.normal(0, 8 * np.sqrt((w**2).mean()), w.shape)
    name, at = node.output[0], list(model.graph.node).index(node)
    model.put(f"{name}_w", -r)
    model.put(node.input[1], w + r)
    other = helper.make_node("Conv", [node.input[0], f"{name}_w"], [f"{name}_b"])
    other.attribute.extend(node.attribute)
    node.output[0] = f"{name}_a"
    model.graph.node.insert(at + 1, other)
    model.graph.node.insert(at + 2, helper.make_node("Add", [f"{name}_a", f"{name}_b"], [name]))


def unpadded(model, samples):
    for node in model.of_type("Conv"):
        for attribute in [a for a in node.attribute if a.name == "pads"]:
            node.attribute.remove(attribute)
    model.graph.input[0].type.tensor_type.shape.dim[-1].dim_value = samples


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edit", nargs="*", default=[])
    args = parser.parse_args()
    model = Model(args.source)
    rng = np.random.default_rng(args.seed)
    for edit in args.edit:
        name, *values = edit.split(":")
        numbers = [np.array([float(v) for v in value.split(",")]) for value in values]
        if name == "raw":
            raw(model, *numbers)
        elif name == "unpadded":
            unpadded(model, int(numbers[0][0]))
        else:
            {"outliers": outliers, "wide": wide}[name](model, rng)
    del model.graph.value_info[:]
    proto = onnx.shape_inference.infer_shapes(model.proto)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, args.target)


if __name__ == "__main__":
    main()
