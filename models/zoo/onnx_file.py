"""Writes a PyTorch network as an ONNX file, and reads it back. All recipes of the zoo use it.

    write_onnx(net, path, "ecg", torch.zeros(1, 1, WINDOW), "ecg", "scores", METADATA)
    net = read_weights(Exported(BeatNet()), path)

The file reads one window, has the weights inside, and uses opset 18 and float32. The exporter's notes are
removed. With `half`, weights are float16 and cast to float32 before use.
"""

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper


def halved(graph):
    """Converts float32 initialisers to float16, each with a cast to float32."""
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


def write_onnx(net, path, name, window, input_name, output_name, metadata, half=False):
    """Export one window, attach the metadata and drop the exporter's notes (source lines, file paths)."""
    program = torch.onnx.export(
        net,
        (window,),
        input_names=[input_name],
        output_names=[output_name],
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    proto = program.model_proto
    graph = proto.graph
    tensors = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for item in (proto, graph, *graph.node, *tensors):
        del item.metadata_props[:]
    graph.name = name
    if half:
        halved(graph)
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)


def read_weights(net, path):
    """Load the weights of an ONNX file into a PyTorch network, by the names that write_onnx gives them."""
    arrays = {t.name.removesuffix("_half"): numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    net.load_state_dict({k: torch.from_numpy(arrays[k].astype(np.float32)) for k in net.state_dict()})
    return net.eval()
