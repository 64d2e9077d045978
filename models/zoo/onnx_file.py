"""How every recipe of the zoo writes its ONNX files and reads them back: a network of PyTorch in, a file without the exporter's notes out.

    write_onnx(net, path, "ecg", torch.zeros(1, 1, WINDOW), "ecg", "scores", METADATA)
    net = read_weights(Exported(BeatNet()), path)

One window, weights inside, opset 18, float32; `half` keeps weights as float16, each cast to float32 where it is used.
"""

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper


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
    """An exported network in PyTorch, by the names that the exporter keeps."""
    arrays = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    net.load_state_dict({k: torch.from_numpy(arrays[k].copy()) for k in net.state_dict()})
    return net.eval()
