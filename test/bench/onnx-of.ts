/**
 * A Graph as an ONNX file, for peers that read those: float as it is, int8 as QuantizeLinear / DequantizeLinear pairs.
 *
 * In: a Graph of conv, depthwise, dense, maxpool, globalavg and softmax.  Out: a ModelProto; input x float32 [1, c, t, f], one output.
 * Source: ONNX operator specifications, opset 17; ONNX Runtime's QDQ format.
 */
import {
  frameOf,
  type Graph,
  type Node,
  type QuantParams,
  type Shape,
  type Tensor,
  type Weights,
} from '../../models/graph/types.ts';
import { type ModelOf, type NodeOf, type TensorOf, writeModel } from '../read/onnx-model.ts';

class Writer {
  readonly nodes: NodeOf[] = [];
  readonly tensors: Record<string, TensorOf> = {};
  readonly graph: Graph;
  constructor(graph: Graph) {
    this.graph = graph;
  }

  node(op: string, inputs: string[], attributes: NodeOf['attributes'] = {}): string {
    const output = `${op}_${this.nodes.length}`;
    this.nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }

  constant(tensor: TensorOf): string {
    const name = `c_${Object.keys(this.tensors).length}`;
    this.tensors[name] = tensor;
    return name;
  }

  scalar = (q: QuantParams) => [this.constant({ dims: [], floats: [q.scale] }), this.constant({ dims: [], int8: [q.zeroPoint] })];

  /** The value rounded to int8 and back, where the graph is int8. */
  rounded(x: string, { quant }: Tensor): string {
    if (!quant) return x;
    return this.node('DequantizeLinear', [this.node('QuantizeLinear', [x, ...this.scalar(quant)]), ...this.scalar(quant)]);
  }

  /** Weights in ONNX's order: `dims`, `at(i)` is where element i stands in ours. */
  weights({ data, scales }: Weights, dims: number[], at: (i: number) => number): string {
    const values = Array.from({ length: data.length }, (_, i) => data[at(i)] as number);
    if (data instanceof Float32Array) return this.constant({ dims, floats: values });
    const outputs = dims[0] as number;
    const each = Array.from({ length: outputs }, (_, o) => scales?.[o % (scales?.length ?? 1)] ?? 1);
    const scale = this.constant({ dims: [outputs], floats: each });
    const zero = this.constant({ dims: [outputs], int8: each.map(() => 0) });
    return this.node('DequantizeLinear', [this.constant({ dims, int8: values }), scale, zero], { axis: 0 });
  }

  bias(bias: Float32Array | Int32Array | null, outputs: number, { scales }: Weights, x: Tensor): string {
    const values = bias ? Array.from(bias) : new Array(outputs).fill(0);
    if (!(bias instanceof Int32Array)) return this.constant({ dims: [outputs], floats: values });
    const each = values.map((_, o) => (x.quant?.scale ?? 1) * (scales?.[o % (scales?.length ?? 1)] ?? 1));
    const zero = this.constant({ dims: [outputs], int32: values.map(() => 0) });
    const scale = this.constant({ dims: [outputs], floats: each });
    return this.node('DequantizeLinear', [this.constant({ dims: [outputs], int32: values }), scale, zero], { axis: 0 });
  }

  clamped(y: string, [min, max]: readonly [number, number]): string {
    if (min === 0 && max === Number.POSITIVE_INFINITY) return this.node('Relu', [y]);
    if (min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY) return y;
    return this.node('Clip', [y, this.constant({ dims: [], floats: [min] }), this.constant({ dims: [], floats: [max] })]);
  }
}

type Conv = Extract<Node, { op: 'conv' | 'depthwise' }>;

function convolution(w: Writer, node: Conv, x: string, input: Tensor, output: Shape): string {
  const { attrs: a } = node;
  const outputs = output.c;
  const per = node.op === 'conv' ? input.shape.c / node.attrs.groups : 1;
  const dims = [outputs, per, a.kernelT, a.kernelF];
  const at = (i: number) => {
    const kf = i % a.kernelF;
    const kt = Math.floor(i / a.kernelF) % a.kernelT;
    const c = Math.floor(i / a.kernelF / a.kernelT) % per;
    const o = Math.floor(i / a.kernelF / a.kernelT / per);
    const place = kt * a.kernelF + kf;
    return node.op === 'conv' ? (o * a.kernelT * a.kernelF + place) * per + c : place * outputs + o;
  };
  const y = w.node('Conv', [x, w.weights(a.weights, dims, at), w.bias(a.bias, outputs, a.weights, input)], {
    kernel_shape: [a.kernelT, a.kernelF],
    strides: [a.strideT, a.strideF],
    dilations: [a.dilationT, a.dilationF],
    pads: [a.padT[0], a.padF[0], a.padT[1], a.padF[1]],
    group: node.op === 'conv' ? node.attrs.groups : input.shape.c,
  });
  return w.clamped(y, a.clamp);
}

function outputOf(w: Writer, node: Node, x: string, input: Tensor, output: Shape): string {
  if (node.op === 'conv' || node.op === 'depthwise') return convolution(w, node, x, input, output);
  if (node.op === 'maxpool') {
    const { attrs: a } = node;
    const pads = [a.padT[0], a.padF[0], a.padT[1], a.padF[1]];
    return w.clamped(
      w.node('MaxPool', [x], { kernel_shape: [a.kernelT, a.kernelF], strides: [a.strideT, a.strideF], pads }),
      a.clamp,
    );
  }
  if (node.op === 'globalavg') return w.clamped(w.node('GlobalAveragePool', [x]), node.attrs.clamp);
  if (node.op === 'dense') {
    const { units, weights, bias, clamp } = node.attrs;
    const taps = input.shape.t * frameOf(input.shape);
    const order = w.node('Transpose', [x], { perm: [0, 2, 3, 1] });
    const flat = w.node('Reshape', [order, w.constant({ dims: [2], ints: [1, taps] })]);
    const y = w.node('Gemm', [flat, w.weights(weights, [units, taps], (i) => i), w.bias(bias, units, weights, input)], {
      transB: 1,
    });
    return w.node('Reshape', [w.clamped(y, clamp), w.constant({ dims: [4], ints: [1, units, 1, 1] })]);
  }
  if (node.op === 'softmax') return w.node('Softmax', [x], { axis: 1 });
  throw new Error(`no ONNX here for ${node.op}`);
}

/** A window [t][f][c] as the file's input: [1, c, t, f]. */
export function onnxInput(graph: Graph, window: Float32Array): { data: Float32Array; dims: number[] } {
  const { t, f, c } = (graph.tensors[graph.inputs[0]?.tensor ?? -1] as Tensor).shape;
  const data = Float32Array.from(window, (_, i) => window[(i % (t * f)) * c + Math.floor(i / (t * f))] as number);
  return { data, dims: [1, c, t, f] };
}

export function onnxOf(graph: Graph): Uint8Array {
  const w = new Writer(graph);
  const tensor = (id: number) => graph.tensors[id] as Tensor;
  const first = graph.inputs[0]?.tensor ?? -1;
  const names = new Map([[first, w.rounded('x', tensor(first))]]);
  for (const node of graph.nodes) {
    const [from] = node.inputs as [number];
    const output = tensor(node.output);
    names.set(node.output, w.rounded(outputOf(w, node, names.get(from) as string, tensor(from), output.shape), output));
  }
  const { t, f, c } = tensor(first).shape;
  const out = names.get(graph.outputs[0]?.tensor ?? -1) as string;
  const model: ModelOf = { nodes: w.nodes, tensors: w.tensors, inputs: { x: [1, c, t, f] }, outputs: [out] };
  return writeModel(model);
}
