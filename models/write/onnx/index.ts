/**
 * writeOnnx: writes a Graph as an ONNX file, an int8 graph in the QDQ form, a float graph directly.
 *
 * In: a Graph whose nodes have an ONNX form (`unwritable` tells which have none).  Out: a ModelProto, opset
 * 17. Inputs and outputs keep the names, shapes and element order of the model's file; only these borders
 * have transposes. Scales are float32, as ONNX stores them. What ONNX cannot express (rounding rules, which
 * dimension is time) goes into metadata that other programs ignore; our reader returns the same graph.
 */
import type { Axis, Graph, Node, ScaleRule, Shape, Tensor } from '../../graph/types.ts';
import { type Hints, hintsKey } from '../../read/onnx/hints.ts';
import { fromFile, toFile } from './border.ts';
import { Emitter, type Nudge, type Written } from './emitter.ts';
import { opset, writeNode } from './ops.ts';
import { type ValueOf, writeModel } from './proto.ts';

export type { Nudge } from './emitter.ts';
export { unwritable } from './ops.ts';

export interface WriteOptions {
  /** Type of an int8 graph's inputs and outputs: `float` (default) adds pairs at the borders, or `int8`. */
  io?: 'float' | 'int8';
  /** Shifts of real values before rounding (quant/nudges.ts), with sums in integers. Default: none. */
  nudges?: ReadonlyMap<Node, Nudge>;
}

export function writeOnnx(graph: Graph, { io = 'float', nudges }: WriteOptions = {}): Uint8Array {
  const tensorOf = (id: number) => graph.tensors[id] as Tensor;
  const rank =
    graph.tensors.some((t) => t.shape.f > 1) || graph.nodes.some((n) => 'kernelF' in n.attrs && n.attrs.kernelF > 1) ? 4 : 3;
  const e = new Emitter(
    rank,
    [...graph.inputs, ...graph.outputs].map((p) => p.name),
    nudges !== undefined,
  );
  const written = new Map<number, Written>();
  const rules: Hints['rules'] = {};
  const borders: Hints['inputs'] = {};
  const integer = io === 'int8' && graph.tensors.every((t) => t.quant);

  const inputs = graph.inputs.map((port): ValueOf => {
    const tensor = tensorOf(port.tensor);
    const { shape, quant } = tensor;
    borders[port.name] = { order: longOnes(port.order, shape), shape };
    const name = fromFile(e, port, shape, port.name);
    const value: Written = { name: port.name, form: 'full', shape, quant };
    written.set(port.tensor, integer ? { ...value, integers: name } : { ...value, raw: name });
    return { name: port.name, type: integer ? 'int8' : 'float32', dims: port.fileShape };
  });
  for (const node of graph.nodes) {
    const xs = node.inputs.map((id) => written.get(id) as Written);
    const tensor = tensorOf(node.output);
    const name = e.claim(node.name || node.op);
    const { shape, quant } = tensor;
    const result = writeNode(e, { ...node, name }, xs, tensor);
    const rule = ruleOf(node);
    if (rule) rules[name] = rule;
    const nudge = nudges?.get(node);
    written.set(node.output, { name, shape, quant, ...result, ...(nudge && { nudge }) });
  }
  const outputs = graph.outputs.map((port): ValueOf => {
    const value = written.get(port.tensor) as Written;
    const { shape, quant } = value;
    const dims = value.form === 'flat' ? [1, shape.c] : e.dims(shape);
    // each output gets a separate DequantizeLinear, which takes its name
    const dequantized = quant && !integer ? e.dequantize(e.integers(value), quant, `${value.name}_dequantized`) : undefined;
    const from = dequantized ?? (integer ? e.integers(value) : e.real(value));
    e.nameOutput(toFile(e, port, shape, { name: from, dims }), port.name);
    return { name: port.name, type: integer ? 'int8' : 'float32', dims: port.fileShape };
  });
  const hints: Hints = { version: 1, inputs: borders, rules, ...(e.steering.length > 0 && { rounding: e.steering }) };
  return writeModel({
    nodes: e.nodes,
    tensors: e.tensors,
    inputs,
    outputs,
    opset,
    name: graph.name || 'model',
    producer: 'runlet',
    metadata: { ...graph.metadata, [hintsKey]: JSON.stringify(hints) },
  });
}

const longOnes = (order: readonly Axis[], shape: Shape): Axis[] => order.filter((axis) => shape[axis] > 1);

function ruleOf(node: Node): ScaleRule | 'avgpool' | undefined {
  if (node.op === 'globalavg') return node.attrs.rule === 'avgpool' ? 'avgpool' : undefined;
  if ('weights' in node.attrs) return node.attrs.weights.scaleRule === 'per-channel' ? undefined : node.attrs.weights.scaleRule;
  return undefined;
}
