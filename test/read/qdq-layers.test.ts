/**
 * Quantised ONNX files, layer by layer: each layer of the graph, fed with onnxruntime's integers, gives
 * onnxruntime's integers within one step. The files are made by onnxruntime's quantize_static (QDQ and
 * QOperator; min-max, entropy, percentile; int8 and uint8; per channel) and by PyTorch.
 *
 * onnxruntime runs the unchanged file (no graph optimisation) with every QuantizeLinear as an output. A layer
 * is found by its node's name.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Axis, elementsOf, type Graph, type Node, type OpName, type Shape, type Tensor } from '../../models/graph/types.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type OnnxModel, readModel } from '../../models/read/onnx/proto.ts';
import { rewritten } from '../../models/read/onnx/rewritten.ts';
import { type ModelOf, writeModel } from '../../models/write/onnx/proto.ts';
import { intOps } from '../../quant/ops/index.ts';
import type { IntOp } from '../../quant/ops/op.ts';
import { loadRuntime, randomInputs } from './onnx-oracle.ts';

const folder = new URL('../fixtures/onnx/', import.meta.url);
const files = readdirSync(folder).filter((name) => /^q-.*\.onnx$/.test(name));
const runtime = await loadRuntime();
if (!runtime) console.log('skipped: onnxruntime-web does not load here (npm ci, with development dependencies)');

/** Adds outputs to the file, as a second GraphProto fragment, which protobuf merges into the first. */
function withOutputs(bytes: Uint8Array, names: { name: string; type: 'int8' | 'uint8' }[]): Uint8Array {
  const model: ModelOf = { nodes: [], inputs: {}, outputs: names };
  const fragment = writeModel(model, 'graph');
  const joined = new Uint8Array(bytes.length + fragment.length);
  joined.set(bytes);
  joined.set(fragment, bytes.length);
  return joined;
}

const through = new Set(['Relu', 'Clip', 'Add', 'Identity', 'Dropout']);

/** Returns the output of the QuantizeLinear after a node, with only clamps and a bias between them. */
function roundedBy(model: OnnxModel, name: string): string | undefined {
  let node = model.nodes.find((n) => n.name === name);
  for (let i = 0; node && i < 4; i++) {
    if (node.op === 'QuantizeLinear') return node.outputs[0];
    const value = node.outputs[0] as string;
    const readers = model.nodes.filter((n) => n.inputs.includes(value));
    node = readers.find((n) => n.op === 'QuantizeLinear') ?? readers.find((n) => readers.length === 1 && through.has(n.op));
  }
  return undefined;
}

const orders: Axis[][] = [
  ['c', 't', 'f'],
  ['c', 'f', 't'],
  ['t', 'c', 'f'],
  ['t', 'f', 'c'],
  ['f', 't', 'c'],
];

/** Returns the axis orders that fit the dimensions of a value. */
const fitting = (shape: Shape, dims: readonly number[]): Axis[][] =>
  orders.filter((order) => {
    const want = order.map((a) => shape[a]).filter((n) => n > 1);
    return want.join() === dims.filter((n) => n > 1).join();
  });

interface Value {
  data: Int8Array; // in file order
  dims: readonly number[];
}

const normal = (value: Value, order: Axis[], shape: Shape): Int8Array =>
  Int8Array.from(toNormalForm(order, shape), (from) => value.data[from] as number);

/** Returns the number of layers whose inputs and output are known, and the largest difference over them. */
function compareLayers(graph: Graph, values: ReadonlyMap<number, Value>) {
  const tensor = (id: number) => graph.tensors[id] as Tensor;
  let layers = 0;
  let largest = 0;
  for (const node of graph.nodes) {
    const ids = [...node.inputs, node.output];
    const known = ids.map((id) => values.get(id));
    if (known.some((v) => v === undefined)) continue;
    const op = intOps[node.op] as IntOp<OpName>;
    const out = tensor(node.output);
    const params = op.prepare(node as never, node.inputs.map(tensor), out);
    // The reader chooses which spatial dimension is time. If the lengths are equal, its choice gives the
    // smallest difference.
    const gaps = fitting(out.shape, (known.at(-1) as Value).dims).map((order) => {
      const xs = node.inputs.map((id, i) => {
        const { shape } = tensor(id);
        const [own = order] = fitting(shape, (known[i] as Value).dims).sort((a, b) => Number(b === order) - Number(a === order));
        return { data: normal(known[i] as Value, own, shape), shape };
      });
      const y = op.run(params, xs, out.shape);
      const want = normal(known.at(-1) as Value, order, out.shape);
      return [...y].reduce((gap, v, i) => Math.max(gap, Math.abs(v - (want[i] as number))), 0);
    });
    if (gaps.length === 0) continue;
    layers++;
    largest = Math.max(largest, Math.min(...gaps));
  }
  return { layers, largest };
}

let compared = 0;
for (const name of runtime ? files : []) {
  test(`${name}: every layer is within one step of onnxruntime`, async () => {
    if (!runtime) return;
    const bytes = new Uint8Array(readFileSync(new URL(name, folder)));
    const graph = readOnnx(bytes);
    const file = readModel(bytes);
    // the rewritten QuantizeLinear has the name of the QOperator's output
    const model = { ...file, nodes: rewritten(file.nodes, file) };
    const types = new Map(model.initializers.map((i) => [i.name, i.value.type]));
    for (const n of model.nodes)
      if (n.op === 'Identity') types.set(n.outputs[0] as string, types.get(n.inputs[0] as string) as never);
    const rounded = model.nodes.filter((n) => n.op === 'QuantizeLinear');
    const names = rounded.map((n) => ({
      name: n.outputs[0] as string,
      type: types.get(n.inputs[2] as string) as 'int8' | 'uint8',
    }));
    const session = await runtime.InferenceSession.create(withOutputs(bytes, names), {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 3,
    });
    const numberOf = (value: string): number => {
      const alias = model.nodes.find((n) => n.op === 'Identity' && n.outputs[0] === value)?.inputs[0];
      return model.initializers.find((i) => i.name === (alias ?? value))?.value.data[0] as number;
    };
    let layers = 0;
    for (const seed of [3, 4, 5]) {
      const inputs = randomInputs(graph, seed);
      const feeds = Object.fromEntries(
        graph.inputs.map((p, i) => [p.name, new runtime.Tensor('float32', inputs[i] as Float32Array, p.fileShape)]),
      );
      const results = await session.run(feeds);
      const values = new Map<number, Value>();
      const seen = (id: number, value: string | undefined) => {
        const found = results[value ?? ''];
        const { shape, quant } = graph.tensors[id] as Tensor;
        if (!found || found.size !== elementsOf(shape)) return;
        const shift = found.data instanceof Uint8Array ? 128 : 0;
        // a max pool keeps its input's scale, and the file requantises after it
        const [scale = 0, zero = 0] = (rounded.find((n) => n.outputs[0] === value)?.inputs ?? []).slice(1).map(numberOf);
        if (scale !== quant?.scale || zero - shift !== quant?.zeroPoint) return;
        values.set(id, { data: Int8Array.from(found.data as Int8Array, (v) => v - shift), dims: found.dims });
      };
      const first = (port: string) => rounded.find((n) => n.inputs[0] === port)?.outputs[0];
      for (const port of graph.inputs) seen(port.tensor, first(port.name));
      for (const node of graph.nodes as Node[]) seen(node.output, roundedBy(model, node.name));
      const result = compareLayers(graph, values);
      assert.ok(result.largest <= 1, `a layer is off by ${result.largest} steps`);
      layers = result.layers;
    }
    compared += layers;
    assert.ok(layers >= Math.ceil(graph.nodes.length / 3), `${layers} of ${graph.nodes.length} layers were compared`);
    await session.release();
  });
}

test('at least 60 layers were compared', () => {
  if (runtime) assert.ok(compared >= 60, `${compared} layers`);
});

test.run();
