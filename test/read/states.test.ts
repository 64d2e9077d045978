/**
 * Models that take their state as an input and return it as an output. onnxruntime receives its own states
 * back. The streamed integers are compared with the reference.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-web';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph, Port, Shape } from '../../models/graph/types.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type ModelOf, type NodeOf, writeModel } from '../../models/write/onnx/proto.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { differing } from '../property/harness.ts';
import { runStyles } from '../property/styles.ts';
import { loadRuntime, normalForm, relativeError, seededNormal } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';
import { cached, mirrored, node, overlapping, packed, paddedInItself, type StepModel, spelt } from './step-models.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

const steps = 24;
const dimsOf = (model: ModelOf, name: string): number[] => {
  const value = Array.isArray(model.inputs) ? model.inputs.find((v) => v.name === name)?.dims : model.inputs[name];
  return (value ?? []).map((d) => (typeof d === 'number' ? d : 1));
};

async function theirs({ model, shape, pairs, numbers = {} }: StepModel, windows: Float32Array[]): Promise<Float32Array[]> {
  const { InferenceSession, Tensor } = runtime as NonNullable<typeof runtime>;
  const session = await InferenceSession.create(writeModel(model), { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
  let states = Object.fromEntries(
    Object.keys(pairs).map((name) => {
      const dims = dimsOf(model, name);
      return [name, new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims)];
    }),
  );
  const feeds = Object.fromEntries(
    Object.entries(numbers).map(([name, v]) => [name, new Tensor('int64', BigInt64Array.of(BigInt(v)), [])]),
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

/** Returns a random signal, and its windows in file order. */
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

/** Compares the streamed module with the integer reference, in both styles if `compiled`. */
async function sameIntegers(graph: Graph, signal: Float32Array, hop: number, count: number, compiled: boolean): Promise<void> {
  const { graph: int8 } = quantize(graph, [signal], { hop, preset: 'fast', noReport: true });
  const quant = quantPlan(planStream(int8, { hop }));
  const stored = quantiseSignals(int8, [signal]);
  const expected = [...runSignal(quant, stored)].map(({ outputs }) => outputs);
  let n = 0;
  for await (const got of runStyles(quant, stored, [hop], compiled)) assert.is(differing(expected[n++] as Int8Array[], got), 0);
  assert.is(n, count);
}

for (const op of ['LSTM', 'GRU', 'RNN'] as const) test(`two ${op} layers share one state tensor`, () => check(packed(op)));

test('a cache of earlier rows is a state', () => check(cached()));

for (const kind of ['lstm', 'before', 'after'] as const)
  test(`a cell of single operators has its states: ${kind}`, () => check(spelt(kind)));

test('overlapping steps with padding inside each step, and a branch that an input number selects', () => check(overlapping()));

test('a step mirrored by slices, and a branch that the input shape selects', () => check(mirrored()));

test('padding inside a step is zeros, not the past', () => check(paddedInItself()));

const folder = join(import.meta.dirname, '../fixtures/steps');
for (const name of ['lstms', 'caches'])
  test(`TensorFlow Lite, ${name}: gives the outputs of TensorFlow, and the same integers as the reference`, async () => {
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

test('TensorFlow Lite: the past of a signal becomes padding of the next convolution, without a copy', () => {
  const { nodes } = readTflite(readFileSync(join(folder, 'caches.tflite')));
  assert.equal(nodes.map(({ op, attrs }) => [op, 'padT' in attrs ? attrs.padT[0] : 0]), [['conv', 2], ['conv', 2], ['conv', 0]]); // biome-ignore format: one line
});

test('a number that selects a branch must be set, and the message has the option', async () => {
  const { message } = await refusalOf(() => readOnnx(writeModel(overlapping().model)));
  assert.match(message, /int64/);
  assert.match(message, /--set rate=/);
});

const refused = async ({ model, options }: StepModel, why: RegExp): Promise<void> => {
  const error = await refusalOf(() => readOnnx(writeModel(model), options));
  assert.match(error.message, why);
};

/** Replaces the node `name` by the nodes that `edit` returns. */
const edited = (one: StepModel, name: string, edit: (node: NodeOf) => NodeOf[]): StepModel => ({
  ...one,
  model: { ...one.model, nodes: one.model.nodes.flatMap((n) => (n.name === name ? edit(n) : [n])) },
});

test('a state whose output differs in layout from its input is refused', async () => {
  const lstm = packed('LSTM');
  // the output and the cell state exchanged, then the layers exchanged
  const swapped = edited(lstm, 'l0', (n) => [{ ...n, inputs: [...n.inputs].reverse() }]);
  await refused(swapped, /RN157.*no output is the next value/);
  await refused(
    edited(lstm, 'joined', (n) => [{ ...n, inputs: [...n.inputs].reverse() }]),
    /RN157.*no output is the next value/,
  );
  // the rows of a cache shifted by one
  await refused(
    edited(cached(), 'cache2', (n) => [{ ...n, inputs: ['cat', 'm5', 'm1', 'two'] }]),
    /RN157.*no output is the next value/,
  );
});

test('a state with an unsupported reader is refused by name', async () => {
  const cell = spelt('after');
  const read = edited(cell, 'y', (n) => [{ ...n, outputs: ['y1'] }, node('MatMul', 'h head', 'y3'), node('Add', 'y1 y3', 'y')]);
  await refused(read, /reads a state/);
});

test('an unknown state or number is refused, and the message lists the known names', async () => {
  const cell = spelt('after');
  await refused({ ...cell, options: { states: ['g'] } }, /no input is named g.*the file has x, h/);
  await refused({ ...cell, options: { set: { sr: 1 } } }, /no input is named sr/);
});

test.run();
