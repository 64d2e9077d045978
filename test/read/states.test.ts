/**
 * Models that take their state as inputs and give it as outputs, against onnxruntime, which is handed its own states back,
 * and streamed in integers against the reference.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-web';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph, Port, Shape } from '../../models/graph/types.ts';
import type { ReadOptions } from '../../models/read/index.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type ModelOf, type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { differing } from '../property/harness.ts';
import { runStyles } from '../property/styles.ts';
import { loadRuntime, normalForm, relativeError, seededNormal } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

const steps = 24;
const next = seededNormal(5);
const floats = (...dims: number[]): TensorOf => ({
  dims,
  floats: Array.from({ length: dims.reduce((a, b) => a * b) }, () => 0.4 * next()),
});
const ints = (...values: number[]): TensorOf => ({ dims: [values.length], ints: values });
const scalar = (value: number): TensorOf => ({ dims: [], ints: [value] });
const node = (op: string, inputs: string, outputs: string, attributes: NodeOf['attributes'] = {}): NodeOf => ({
  op,
  inputs: inputs.split(' ').map((name) => (name === '-' ? '' : name)),
  outputs: outputs.split(' '),
  name: outputs.split(' ')[0] as string,
  attributes,
});

/** A model of which each step takes `shape` of x; states by input, with the output that they come back by. */
interface StepModel {
  model: ModelOf;
  shape: number[];
  pairs: Record<string, string>;
  options?: ReadOptions;
  /** New frames a step; a whole window where it is left out. */
  hop?: number;
  feeds?: Record<string, Tensor>;
  /** Also as compiled calls, not as a layer table alone. */
  compiled?: boolean;
}

const dimsOf = (model: ModelOf, name: string): number[] => {
  const value = Array.isArray(model.inputs) ? model.inputs.find((v) => v.name === name)?.dims : model.inputs[name];
  return (value ?? []).map((d) => (typeof d === 'number' ? d : 1));
};

async function theirs({ model, shape, pairs, feeds = {} }: StepModel, windows: Float32Array[]): Promise<Float32Array[]> {
  const { InferenceSession, Tensor } = runtime as NonNullable<typeof runtime>;
  const session = await InferenceSession.create(writeModel(model), { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
  let states = Object.fromEntries(
    Object.keys(pairs).map((name) => {
      const dims = dimsOf(model, name);
      return [name, new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims)];
    }),
  );
  const answers: Float32Array[] = [];
  for (const window of windows) {
    const results = await session.run({ x: new Tensor('float32', window, shape), ...states, ...feeds });
    states = Object.fromEntries(
      Object.entries(pairs).map(([name, output]) => [name, results[output] as Tensor]),
    ) as typeof states;
    answers.push(results.y?.data as Float32Array);
  }
  await session.release();
  return answers;
}

const frame = ({ tensors, inputs }: Graph): number => {
  const { f, c } = tensors[inputs[0]?.tensor ?? -1]?.shape ?? { f: 0, c: 0 };
  return f * c;
};

/** A signal, and its windows. */
function signalOf(graph: Graph, hop: number): { signal: Float32Array; windows: Float32Array[]; window: number } {
  const window = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape.t ?? 0;
  const draw = seededNormal(9);
  const width = frame(graph);
  const signal = Float32Array.from({ length: (window + (steps - 1) * hop) * width }, draw);
  const port = graph.inputs[0] as Port;
  const map = toNormalForm(port.order, graph.tensors[port.tensor]?.shape as Shape);
  const windows = Array.from({ length: steps }, (_, n) => {
    const file = new Float32Array(map.length);
    for (const [i, from] of map.entries()) file[from] = signal[n * hop * width + i] as number;
    return file;
  });
  return { signal, windows, window };
}

async function check(one: StepModel): Promise<void> {
  const graph = readOnnx(writeModel(one.model), one.options);
  assert.ok(graph.stateful);
  assert.equal(
    graph.inputs.map(({ name }) => name),
    ['x'],
  );
  assert.equal(
    graph.outputs.map(({ name }) => name),
    ['y'],
  );
  const window = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape.t ?? 0;
  const hop = one.hop ?? window;
  const { signal, windows } = signalOf(graph, hop);
  const plan = planStream(graph, { hop });
  const own = [...executeStream(plan, floatBlocks(plan, signal), floatRunner)].map(({ outputs }) => outputs[0] as Float32Array);
  assert.is(own.length, steps);
  if (runtime)
    for (const [i, wanted] of (await theirs(one, windows)).entries())
      assert.ok(relativeError(own[i] as Float32Array, normalForm(graph, graph.outputs[0] as Port, wanted)) < 2e-5, `step ${i}`);
  await sameIntegers(graph, signal, hop, steps, one.compiled ?? false);
}

/** The streamed module, in both styles where it is compiled, against the integer reference. */
async function sameIntegers(graph: Graph, signal: Float32Array, hop: number, count: number, compiled: boolean): Promise<void> {
  const { graph: int8 } = quantize(graph, [signal], { hop, preset: 'fast', noReport: true });
  const quant = quantPlan(planStream(int8, { hop }));
  const stored = quantiseSignals(int8, [signal]);
  const expected = [...runSignal(quant, stored)].map(({ outputs }) => outputs);
  let n = 0;
  for await (const got of runStyles(quant, stored, [hop], compiled)) assert.is(differing(expected[n++] as Int8Array[], got), 0);
  assert.is(n, count);
}

const c = 5;
const u = 6;
const gates = { LSTM: 4, GRU: 3, RNN: 1 } as const;

/** Two layers whose states are the planes of one tensor [1, 2, u, states]. */
function packed(op: keyof typeof gates): StepModel {
  const count = op === 'LSTM' ? 2 : 1;
  const parts = Array.from({ length: count }, (_, s) => s);
  const nodes: NodeOf[] = [node('Transpose', 'x', 'in0', { perm: [1, 0, 2] })];
  const tensors: Record<string, TensorOf> = { head: floats(u, 3) };
  for (const layer of [0, 1]) {
    for (const s of parts) {
      const name = `s${layer}${s}`;
      Object.assign(tensors, {
        [`${name}a`]: ints(layer, s),
        [`${name}b`]: ints(layer + 1, s + 1),
        axes: ints(1, 3),
        ax: ints(0),
      });
      nodes.push(
        node('Slice', `state ${name}a ${name}b axes`, `${name}c`),
        node('Squeeze', `${name}c axes`, `${name}d`),
        node('Unsqueeze', `${name}d ax`, name),
      );
    }
    const [w, r, b] = ['W', 'R', 'B'].map((one) => `${one}${layer}`) as [string, string, string];
    const sums = gates[op] * u;
    Object.assign(tensors, { [w]: floats(1, sums, layer === 0 ? c : u), [r]: floats(1, sums, u), [b]: floats(1, 2 * sums) });
    const outputs = [`y${layer}`, ...parts.map((s) => `n${layer}${s}`)];
    nodes.push(
      node(op, [`in${layer}`, w, r, b, '-', ...parts.map((s) => `s${layer}${s}`)].join(' '), outputs.join(' '), {
        hidden_size: u,
      }),
      node('Squeeze', `y${layer} one`, `in${layer + 1}`),
    );
    for (const s of parts) nodes.push(node('Unsqueeze', `n${layer}${s} three`, `m${layer}${s}`));
    if (count === 2) nodes.push(node('Concat', `m${layer}0 m${layer}1`, `l${layer}`, { axis: 3 }));
    else nodes.push(node('Identity', `m${layer}0`, `l${layer}`));
  }
  Object.assign(tensors, { one: ints(1), three: ints(3), zero: floats(1) });
  nodes.push(node('Concat', 'l0 l1', 'joined', { axis: 0 }), node('Transpose', 'joined', 'state2', { perm: [1, 0, 2, 3] }));
  nodes.push(node('MatMul', 'in2 head', 'y'));
  const state = [1, 2, u, count];
  const outputs = [
    { name: 'y', type: 'float32' as const },
    { name: 'state2', type: 'float32' as const, dims: state },
  ];
  return { model: { nodes, inputs: { x: [1, 1, c], state }, outputs, tensors }, shape: [1, 1, c], pairs: { state: 'state2' } };
}

for (const op of ['LSTM', 'GRU', 'RNN'] as const) test(`two ${op} whose states come in one tensor`, () => check(packed(op)));

const padded = { name: 'y', type: 'float32' as const };

/** Two convolutions over rows of the past: the state is the last rows of both; and dropped, joined, kept. */
const cached = (): StepModel => ({
  model: {
    nodes: [
      node('Concat', 'cache x', 'cat', { axis: 2 }),
      node('Conv', 'cat k1', 'c1', { dilations: [2] }),
      node('Slice', 'cat m4 big two', 'cache2'),
      node('Relu', 'c1', 'r1'),
      node('Slice', 'fifo three big two', 'kept'),
      node('Concat', 'kept r1', 'fifo2', { axis: 2 }),
      node('Conv', 'fifo2 k2', 'y'),
    ],
    inputs: { x: [1, 3, 3], cache: [1, 3, 4], fifo: [1, 4, 5] },
    outputs: [padded, { name: 'cache2', type: 'float32', dims: [1, 3, 4] }, { name: 'fifo2', type: 'float32', dims: [1, 4, 5] }],
    tensors: {
      k1: floats(4, 3, 3),
      k2: floats(2, 4, 3),
      m4: ints(-4),
      m5: ints(-5),
      m1: ints(-1),
      three: ints(3),
      two: ints(2),
      big: ints(2 ** 31),
    },
  },
  shape: [1, 3, 3],
  pairs: { cache: 'cache2', fifo: 'fifo2' },
});
test('rows before a signal', () => check(cached()));

/** A cell in single operators: x and h [1, c], [1, u]. */
function spelt(kind: 'lstm' | 'before' | 'after'): StepModel {
  const sums = (kind === 'lstm' ? 4 : 3) * u;
  const tensors: Record<string, TensorOf> = {
    W: floats(sums, c),
    U: floats(sums, u),
    b: floats(sums),
    d: floats(sums),
    head: floats(u, 2),
    one: { dims: [], floats: [1] },
  };
  const nodes = [node('Gemm', 'x W b', 'a', { transB: 1 })];
  if (kind === 'lstm')
    nodes.push(
      node('Gemm', 'h U d', 'r', { transB: 1 }),
      node('Add', 'a r', 's'),
      node('Split', 's', 'i f g o', { axis: 1 }),
      node('Sigmoid', 'i', 'i2'),
      node('Sigmoid', 'f', 'f2'),
      node('Sigmoid', 'o', 'o2'),
      node('Tanh', 'g', 'g2'),
      node('Mul', 'f2 c', 'fc'),
      node('Mul', 'i2 g2', 'ig'),
      node('Add', 'fc ig', 'c2'),
      node('Tanh', 'c2', 'tc'),
      node('Mul', 'o2 tc', 'h2'),
    );
  else {
    nodes.push(node('Split', 'a', 'az ar an', { axis: 1 }));
    if (kind === 'after') nodes.push(node('Gemm', 'h U d', 'r', { transB: 1 }), node('Split', 'r', 'rz rr rn', { axis: 1 }));
    else {
      for (const gate of ['z', 'r', 'n']) tensors[`U${gate}`] = floats(u, u);
      nodes.push(node('MatMul', 'h Uz', 'rz'), node('MatMul', 'h Ur', 'rr'));
    }
    nodes.push(node('Add', 'az rz', 'z'), node('Add', 'ar rr', 'rs'), node('Sigmoid', 'z', 'z2'), node('Sigmoid', 'rs', 'r2'));
    if (kind === 'after') nodes.push(node('Mul', 'r2 rn', 'inner'));
    else nodes.push(node('Mul', 'r2 h', 'rh'), node('MatMul', 'rh Un', 'inner'));
    nodes.push(
      node('Add', 'an inner', 'n'),
      node('Tanh', 'n', 'n2'),
      node('Sub', 'one z2', 'keep'),
      node('Mul', 'keep n2', 'kn'),
      node('Mul', 'z2 h', 'zh'),
      node('Add', 'kn zh', 'h2'),
    );
  }
  nodes.push(node('MatMul', 'h2 head', 'y'));
  const states = kind === 'lstm' ? ['h', 'c'] : ['h'];
  return {
    model: {
      nodes: nodes.map((one) => (one.op === 'Split' ? { ...one, attributes: { ...one.attributes } } : one)),
      inputs: { x: [1, c], ...Object.fromEntries(states.map((name) => [name, [1, u]])) },
      outputs: [padded, ...states.map((name) => ({ name: `${name}2`, type: 'float32' as const, dims: [1, u] }))],
      tensors,
      opset: 13,
    },
    shape: [1, c],
    pairs: Object.fromEntries(states.map((name) => [name, `${name}2`])),
  };
}

for (const kind of ['lstm', 'before', 'after'] as const) test(`a cell in single operators: ${kind}`, () => check(spelt(kind)));

/** A window of sound that overlaps the one before, padded in itself; a state that goes on. `rate` decides a branch. */
const overlapping = (): StepModel => {
  const branch = (kernel: string, y: string) => ({
    graph: {
      nodes: [
        node('Pad', 'x3 pads', `${y}p`, { mode: 'reflect' }),
        node('Conv', `${y}p ${kernel}`, `${y}c`, { strides: [4], pads: [1, 1] }),
        node('Relu', `${y}c`, y),
      ],
      outputs: [y],
    },
  });
  const sums = 4 * u;
  return {
    model: {
      nodes: [
        node('Unsqueeze', 'x one', 'x3'),
        node('Equal', 'rate wanted', 'is'),
        node('If', 'is', 'e', { then_branch: branch('k', 'ea'), else_branch: branch('k2', 'eb') }),
        node('Transpose', 'e', 'et', { perm: [2, 0, 1] }),
        node('LSTM', 'et W R - - h c', 'Y hn cn', { hidden_size: u }),
        node('Squeeze', 'hn zero', 'h1'),
        node('MatMul', 'h1 head', 'y'),
      ],
      inputs: [
        { name: 'x', type: 'float32', dims: [1, 20] },
        { name: 'rate', type: 'int64', dims: [] },
        { name: 'h', type: 'float32', dims: [1, 1, u] },
        { name: 'c', type: 'float32', dims: [1, 1, u] },
      ],
      outputs: [padded, ...['hn', 'cn'].map((name) => ({ name, type: 'float32' as const, dims: [1, 1, u] }))],
      tensors: {
        k: floats(3, 1, 6),
        k2: floats(3, 1, 6),
        W: floats(1, sums, 3),
        R: floats(1, sums, u),
        head: floats(u, 1),
        pads: ints(0, 0, 0, 0, 0, 4),
        one: ints(1),
        zero: ints(0),
        wanted: scalar(16),
      },
    },
    shape: [1, 20],
    pairs: { h: 'hn', c: 'cn' },
    options: { set: { rate: 16 } },
    hop: 16,
    compiled: true,
    ...(runtime && { feeds: { rate: new runtime.Tensor('int64', BigInt64Array.of(16n), []) as Tensor } }),
  };
};
test('steps that overlap, padded in themselves; a branch that a number decides', () => check(overlapping()));

test('a step that is padded in itself, not by its past', () =>
  check({
    model: {
      nodes: [
        node('Conv', 'x k', 'a', { pads: [1, 1] }),
        node('Transpose', 'a', 'rows', { perm: [2, 0, 1] }),
        node('RNN', 'rows W R - - h', 'Y hn', { hidden_size: u }),
        node('Squeeze', 'hn zero', 'h1'),
        node('MatMul', 'h1 head', 'y'),
      ],
      inputs: { x: [1, 3, 4], h: [1, 1, u] },
      outputs: [padded, { name: 'hn', type: 'float32', dims: [1, 1, u] }],
      tensors: { k: floats(2, 3, 3), W: floats(1, u, 2), R: floats(1, u, u), head: floats(u, 1), zero: ints(0) },
    },
    shape: [1, 3, 4],
    pairs: { h: 'hn' },
  }));

const folder = join(import.meta.dirname, '../fixtures/steps');
for (const name of ['lstms', 'caches'])
  test(`TensorFlow Lite, ${name}: the numbers of TensorFlow, and the same integers`, async () => {
    const graph = readTflite(readFileSync(join(folder, `${name}.tflite`)));
    const known = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as { inputs: number[][]; outputs: number[][] };
    const signal = Float32Array.from(known.inputs.flat());
    const plan = planStream(graph, { hop: 1 });
    const own = [...executeStream(plan, floatBlocks(plan, signal), floatRunner)].map(({ outputs }) => outputs[0] as Float32Array);
    assert.is(own.length, known.outputs.length);
    for (const [i, wanted] of known.outputs.entries())
      assert.ok(relativeError(own[i] as Float32Array, Float32Array.from(wanted)) < 2e-5, `step ${i}`);
    await sameIntegers(graph, signal, 1, known.outputs.length, name === 'caches');
  });

test('TensorFlow Lite: the past of a signal is padding of the convolution behind it, and costs no copy', () => {
  const { nodes } = readTflite(readFileSync(join(folder, 'caches.tflite')));
  assert.equal(nodes.map(({ op, attrs }) => [op, 'padT' in attrs ? attrs.padT[0] : 0]), [['conv', 2], ['conv', 2], ['conv', 0]]); // biome-ignore format: one line
});

test('a number that decides a branch has to be given; the message has the line', async () => {
  const { message } = await refusalOf(() => readOnnx(writeModel(overlapping().model)));
  assert.match(message, /int64/);
  assert.match(message, /--set rate=/);
});

const refused = async ({ model, options }: StepModel, why: RegExp): Promise<void> => {
  const error = await refusalOf(() => readOnnx(writeModel(model), options));
  assert.match(error.message, why);
};

/** With the nodes that `edit` gives in place of one. */
const edited = (one: StepModel, name: string, edit: (node: NodeOf) => NodeOf[]): StepModel => ({
  ...one,
  model: { ...one.model, nodes: one.model.nodes.flatMap((n) => (n.name === name ? edit(n) : [n])) },
});

test('a state that does not come back to its own place is refused', async () => {
  const lstm = packed('LSTM');
  // the planes of output and cell exchanged, the layers exchanged
  const swapped = edited(lstm, 'l0', (n) => [{ ...n, inputs: [...n.inputs].reverse() }]);
  await refused(swapped, /RN157.*no output is the next value/);
  await refused(
    edited(lstm, 'joined', (n) => [{ ...n, inputs: [...n.inputs].reverse() }]),
    /RN157.*no output is the next value/,
  );
  // the rows of a cache one place off
  await refused(
    edited(cached(), 'cache2', (n) => [{ ...n, inputs: ['cat', 'm5', 'm1', 'two'] }]),
    /RN157.*no output is the next value/,
  );
});

test('a state that something else reads is refused by name', async () => {
  const cell = spelt('after');
  const read = edited(cell, 'y', (n) => [{ ...n, outputs: ['y1'] }, node('MatMul', 'h head', 'y3'), node('Add', 'y1 y3', 'y')]);
  await refused(read, /reads a state/);
});

test('an unknown state or number is refused with the names that there are', async () => {
  const cell = spelt('after');
  await refused({ ...cell, options: { states: ['g'] } }, /no input is named g.*the file has x, h/);
  await refused({ ...cell, options: { set: { sr: 1 } } }, /no input is named sr/);
});

test.run();
