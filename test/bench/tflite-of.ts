/**
 * Writes an int8 Graph as a TensorFlow Lite file, for peers that read TensorFlow Lite: float32 inputs and
 * outputs, int8 between them.
 *
 * In: an int8 Graph of conv, depthwise, dense, maxpool, globalavg.  Out: the file's bytes; input [1, t, f, c]
 * float32, one output.
 * Source: tensorflow/lite/schema/schema.fbs; TensorFlow Lite 8-bit quantization specification.
 */
import {
  type Clamp,
  frameOf,
  type Graph,
  type Node,
  type QuantParams,
  type Tensor,
  type Weights,
} from '../../models/graph/types.ts';
import { type TfOperatorOf, type TfTensorOf, writeTflite } from '../read/tflite-model.ts';

const int8 = 9;
const codes = { conv: 3, depthwise: 4, dequantize: 6, dense: 9, maxpool: 17, reshape: 22, globalavg: 40, quantize: 114 };
/** Numbers of BuiltinOptions. */
const kinds = { conv: 1, depthwise: 2, maxpool: 5, dense: 8, reshape: 17, globalavg: 27 };

const one = ({ scale, zeroPoint }: QuantParams) => ({ scales: [scale], zeroPoints: [zeroPoint] });

/** Returns the ActivationFunctionType: NONE 0 or RELU 1. */
function activation([min, max]: Clamp): number {
  if (max !== Number.POSITIVE_INFINITY || (min !== 0 && min !== Number.NEGATIVE_INFINITY))
    throw new Error(`no TensorFlow Lite activation here for [${min}, ${max}]`);
  return min === 0 ? 1 : 0;
}

/** Returns the Padding: SAME 0, VALID 1. */
function padding(pad: readonly [number, number], kernel: number, stride: number): number {
  if (pad[0] === 0 && pad[1] === 0) return 1;
  if (stride === 1 && pad[0] === pad[1] && 2 * pad[0] === kernel - 1) return 0;
  throw new Error(`no TensorFlow Lite padding here for ${pad}`);
}

class Writer {
  readonly tensors: Record<string, TfTensorOf> = {};
  readonly operators: TfOperatorOf[] = [];
  private readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
    const [input, output] = [this.tensor(graph.inputs[0]?.tensor), this.tensor(graph.outputs[0]?.tensor)];
    this.tensors.x = { shape: this.shape(input), type: 0 };
    this.operator(codes.quantize, ['x'], this.value(input));
    for (const node of graph.nodes) this.node(node);
    const { shape } = this.tensors[this.name(output)] as TfTensorOf;
    this.tensors.y = { shape, type: 0 };
    this.operator(codes.dequantize, [this.name(output)], 'y');
  }

  private tensor = (id = -1) => this.graph.tensors[id] as Tensor;
  private name = ({ id }: Tensor) => `t${id}`;
  private shape = ({ shape: { t, f, c } }: Tensor) => [1, t, f, c];

  /** Adds an int8 tensor of the graph. @returns its name in the file */
  private value(tensor: Tensor, shape = this.shape(tensor), name = this.name(tensor)): string {
    this.tensors[name] = { shape, type: int8, quant: one(tensor.quant as QuantParams) };
    return name;
  }

  private operator(code: number, inputs: string[], output: string, options?: TfOperatorOf['options']) {
    this.operators.push({ code, inputs, outputs: [output], options });
  }

  private constant(tensor: TfTensorOf): string {
    const name = `c${Object.keys(this.tensors).length}`;
    this.tensors[name] = tensor;
    return name;
  }

  /** Adds weights and bias of `outputs` channels, with one scale per channel if the graph has them. */
  private parameters(
    { data, scales = new Float64Array(1) }: Weights,
    shape: number[],
    axis: number,
    bias: ArrayLike<number>,
    x: Tensor,
  ) {
    const each = Array.from(scales);
    const zeroPoints = each.map(() => 0);
    const products = each.map((s) => s * (x.quant as QuantParams).scale);
    const weights = this.constant({ shape, int8s: data as Int8Array, quant: { scales: each, zeroPoints, axis } });
    return [weights, this.constant({ shape: [bias.length], ints: Array.from(bias), quant: { scales: products, zeroPoints } })];
  }

  private node(node: Node) {
    const [x, y] = [this.tensor(node.inputs[0]), this.tensor(node.output)];
    const input = this.name(x);
    if (node.op === 'conv' || node.op === 'depthwise') {
      const { attrs: a } = node;
      const per = node.op === 'conv' ? x.shape.c / node.attrs.groups : 1;
      const shape = node.op === 'conv' ? [y.shape.c, a.kernelT, a.kernelF, per] : [1, a.kernelT, a.kernelF, y.shape.c];
      const constants = this.parameters(a.weights, shape, node.op === 'conv' ? 0 : 3, a.bias ?? new Int32Array(y.shape.c), x);
      const after = node.op === 'conv' ? 3 : 4; // depthwise has its multiplier between strides and activation
      const strides = { 1: a.strideF, 2: a.strideT };
      this.operator(codes[node.op], [input, ...constants], this.value(y), {
        kind: kinds[node.op],
        int8: { 0: padding(a.padT, a.kernelT, a.strideT), [after]: activation(a.clamp) },
        int32:
          after === 4 ? { ...strides, 3: 1, 5: a.dilationF, 6: a.dilationT } : { ...strides, 4: a.dilationF, 5: a.dilationT },
      });
    } else if (node.op === 'maxpool') {
      const { attrs: a } = node;
      this.operator(codes.maxpool, [input], this.value(y), {
        kind: kinds.maxpool,
        int8: { 0: padding(a.padT, a.kernelT, a.strideT), 5: activation(a.clamp) },
        int32: { 1: a.strideF, 2: a.strideT, 3: a.kernelF, 4: a.kernelT },
      });
    } else if (node.op === 'globalavg') {
      const axes = this.constant({ shape: [2], ints: [1, 2] });
      this.operator(codes.globalavg, [input, axes], this.value(y), { kind: kinds.globalavg, int8: { 0: 1 } });
    } else if (node.op === 'dense') {
      const { units, weights, bias, clamp } = node.attrs;
      const taps = x.shape.t * frameOf(x.shape);
      let flat = input;
      if (this.tensors[input]?.shape.length !== 2) {
        flat = this.value(x, [1, taps], `${input}_flat`);
        this.operator(codes.reshape, [input, this.constant({ shape: [2], ints: [1, taps] })], flat, { kind: kinds.reshape });
      }
      const constants = this.parameters(weights, [units, taps], 0, bias ?? new Int32Array(units), x);
      this.operator(codes.dense, [flat, ...constants], this.value(y, [1, units]), {
        kind: kinds.dense,
        int8: { 0: activation(clamp) },
      });
    } else throw new Error(`no TensorFlow Lite here for ${node.op}`);
  }
}

export function tfliteOf(graph: Graph): Uint8Array {
  const { tensors, operators } = new Writer(graph);
  return writeTflite({ tensors, operators, inputs: ['x'], outputs: ['y'] });
}
