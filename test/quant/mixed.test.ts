/**
 * Mixed int16 and int8: selection of tensors, .rnq files, sessions, and a model with very unequal channels.
 *
 * The network is models/zoo/ppg-hr with its first layer split over three channels that hold the signal times
 * 1,000, 30 and 1. The weights are divided by these factors, so in real numbers it is the same network.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession, type Stored, selfTest } from '../../host/session/index.ts';
import { isRunletError } from '../../models/error.ts';
import { readGraph, writeGraph } from '../../models/graph/file.ts';
import { type Graph, isInt16, type Node, type NodeOf, type Port } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { normaliseInputs } from '../../quant/methods/normalise-inputs.ts';
import { sensitivity } from '../../quant/methods/sensitivity.ts';
import { mixed } from '../../quant/mixed.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { parseNpy } from '../read/npy.ts';
import { root } from '../shared.ts';

const hop = 64;
const zoo = join(root, 'models', 'zoo', 'ppg-hr');
const bytes = (name: string) => new Uint8Array(readFileSync(join(zoo, name)));
const plain = await readModel(bytes('ppg-hr.onnx'), { name: 'ppg-hr' });
const calibration = Float32Array.from(parseNpy(bytes('calib.npy')).data);

const factors = [1000, 30, 1];
/** Converts each value to three channels with very different ranges. */
const apart = (signal: Float32Array) =>
  Float32Array.from({ length: 3 * signal.length }, (_, i) => (factors[i % 3] as number) * (signal[Math.floor(i / 3)] as number));

/** Changes the network to read those channels. */
function ofThree(graph: Graph): Graph {
  const input = graph.inputs[0]?.tensor ?? -1;
  const tensors = graph.tensors.map((t) => (t.id === input ? { ...t, shape: { ...t.shape, c: 3 } } : t));
  const nodes = graph.nodes.map((node): Node => {
    if (!node.inputs.includes(input)) return node;
    const { attrs } = node as NodeOf<'conv'>;
    const data = Float32Array.from(
      { length: 3 * attrs.weights.data.length },
      (_, i) => (attrs.weights.data[Math.floor(i / 3)] as number) / 3 / (factors[i % 3] as number),
    );
    return { ...node, attrs: { ...attrs, weights: { data } } } as Node;
  });
  const inputs = graph.inputs.map((p) => ({ ...p, order: ['t', 'f', 'c'] as ('t' | 'f' | 'c')[] }));
  return { ...graph, tensors, nodes, inputs };
}

const float = ofThree(plain);
const signal = apart(calibration);

/** Returns the real outputs of an int8 graph over a signal. */
function outputsOf(int8: Graph, values: Float32Array): number[] {
  const q = int8.tensors[int8.outputs[0]?.tensor ?? -1]?.quant ?? { scale: 1, zeroPoint: 0 };
  const results = runSignal(quantPlan(planStream(int8, { hop })), quantiseSignals(int8, [values]));
  return [...results].map(({ outputs }) => q.scale * ((outputs[0]?.[0] as number) - q.zeroPoint));
}

const meanDistance = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + Math.abs(x - (b[i] as number)), 0) / a.length;

const truth = [...executeStream(planStream(float, { hop }), floatBlock(planStream(float, { hop }), signal), floatRunner)].map(
  ({ outputs }) => outputs[0]?.[0] as number,
);
const normalised = normaliseInputs(float, [signal]);
const int8 = quantize(normalised, signal, { hop, preset: 'good', noReport: true }).graph;
const chosen = mixed(planStream(int8, { hop }), [signal]);

test('for input channels that differ by a factor of 1,000, int16 keeps what int8 loses', () => {
  const fast = quantize(float, signal, { hop, preset: 'fast', noReport: true }).graph;
  const good = quantize(float, signal, { hop, preset: 'good', noReport: true }).graph;
  const one = quantize(plain, calibration, { hop, preset: 'fast', noReport: true }).graph;
  const distance = {
    'fast, one channel': meanDistance(outputsOf(one, calibration), truth),
    fast: meanDistance(outputsOf(fast, signal), truth),
    good: meanDistance(outputsOf(good, signal), truth),
    'good, normalised inside': meanDistance(outputsOf(int8, signal), truth),
    mixed: meanDistance(outputsOf(chosen.graph, signal), truth),
  };
  const text = Object.entries(distance).map(([name, d]) => `${name} ${d.toFixed(2)}`);
  console.log(
    `  mean distance from float, bpm: ${text.join(', ')}; range of the outputs ${(Math.max(...truth) - Math.min(...truth)).toFixed(0)}`,
  );
  console.log(
    `  ${chosen.beforeDb.toFixed(1)} dB to ${chosen.afterDb.toFixed(1)} dB for ${chosen.costPercent.toFixed(1)} % of cost`,
  );
  assert.ok(distance.mixed < distance.fast / 3 && distance.mixed < distance.good / 3);
  assert.ok(distance.mixed < 2 * distance['fast, one channel'] + 0.1);
  assert.ok(isInt16(chosen.graph.tensors[chosen.graph.inputs[0]?.tensor ?? -1]?.quant), 'the input is int16');
});

test('normalising an input changes no real output', () => {
  const plan = planStream(normalised, { hop });
  const outputs = [...executeStream(plan, floatBlock(plan, signal), floatRunner)].map(({ outputs: y }) => y[0]?.[0] as number);
  assert.is(normalised.nodes.length, float.nodes.length + 1);
  assert.ok(Math.max(...outputs.map((y, i) => Math.abs(y - (truth[i] as number)))) < 1e-3);
  assert.is(normaliseInputs(plain, [calibration]), plain, 'one channel has one range');
});

test('a session quantises float frames to int16 and gives the reference bytes, and .rnq keeps the types', async () => {
  const read = readGraph(writeGraph(chosen.graph));
  assert.equal(read.tensors.filter((t) => isInt16(t.quant)).length, chosen.graph.tensors.filter((t) => isInt16(t.quant)).length);
  for (const target of ['simd', 'interp', 'native'] as const) {
    const quant = quantPlan(planStream(read, { hop }));
    const { wasm, manifest } = await build(quant, { target });
    assert.is(manifest.inputs[0]?.hostType, 'float32');
    assert.is(manifest.inputs[0]?.type, 'int16');
    const session = await openSession(wasm as BufferSource);
    assert.ok((await selfTest(session)).ok, `self-test, ${target}`);
    const part = signal.subarray(0, 3 * 40 * hop);
    const expected = [...runSignal(quant, quantiseSignals(read, [part]))].map(({ outputs }) => outputs[0]);
    const got: Stored[] = [];
    session.pushAll(part.subarray(0, 3 * 20 * hop), () => got.push(session.outputRaw().slice()));
    const snapshot = session.snapshot();
    const second = await openSession(wasm as BufferSource);
    second.restore(snapshot);
    const [rest] = quantiseSignals(read, [part.subarray(3 * 20 * hop)]);
    second.pushAll(rest as Int16Array, () => got.push(second.outputRaw().slice()));
    assert.equal(got, expected, target);
    assert.throws(() => session.push(new Int8Array(3)), /Int8Array/);
  }
});

test('the noise of all groups adds up to about the total, and mixed stays within the budget and reaches the target', () => {
  const { groups, noise } = sensitivity(planStream(int8, { hop }), [signal]);
  const sum = groups.reduce((all, g) => all + g.noise, 0);
  assert.ok(sum > noise / 3 && sum < noise * 3, `${sum} and ${noise}`);
  assert.ok(
    groups.some((g) => g.tensors.length > 1),
    'a pool and its input share one group',
  );
  assert.equal(mixed(planStream(int8, { hop }), [signal], { budgetPercent: 0 }).graph.tensors, int8.tensors);
  const all = mixed(planStream(int8, { hop }), [signal], { budgetPercent: 1000 });
  assert.ok(all.afterDb > chosen.afterDb && all.costPercent > 20);
  assert.ok(chosen.costPercent <= 20 && chosen.afterDb > chosen.beforeDb + 3);
  const enough = mixed(planStream(int8, { hop }), [signal], { budgetPercent: 1000, targetDb: chosen.beforeDb + 3 });
  assert.ok(enough.afterDb >= chosen.beforeDb + 3 && enough.costPercent < all.costPercent);
  assert.ok(enough.groups.some((g) => /reached without it/.test(g.why)));
});

test('unsupported int16 inputs, outputs, budgets and operators are refused with their codes', () => {
  const refused = (code: string, run: () => unknown) => {
    try {
      run();
    } catch (error) {
      assert.ok(isRunletError(error) && error.code === code, `${code}: ${error}`);
      return;
    }
    assert.unreachable(code);
  };
  const retyped = (id: number) => ({
    ...int8,
    tensors: int8.tensors.map((t) => (t.id === id ? { ...t, quant: { scale: 0.001, zeroPoint: 0, type: 'int16' as const } } : t)),
  });
  const bordered = (hostType: Port['hostType']) => (p: Port) => ({ ...p, hostType });
  const [input, output] = [int8.inputs[0]?.tensor ?? -1, int8.outputs[0]?.tensor ?? -1];
  refused('RN441', () => quantPlan(planStream({ ...retyped(input), inputs: int8.inputs.map(bordered('int8')) }, { hop })));
  refused('RN441', () => quantPlan(planStream({ ...retyped(output), outputs: int8.outputs.map(bordered('uint8')) }, { hop })));
  refused('RN441', () => quantPlan(planStream({ ...int8, outputs: int8.outputs.map(bordered('int16')) }, { hop })));
  refused('RN443', () => mixed(planStream(int8, { hop }), [signal], { budgetPercent: Number.NaN }));
  const sum = int8.nodes.find((n) => n.op === 'dense') as Node;
  const tanh: Node = {
    op: 'activation',
    name: 'tanh',
    inputs: sum.inputs,
    output: sum.inputs[0] as number,
    attrs: { fn: 'tanh', clamp: [-1, 1] },
  };
  const made = int8.nodes.find((n) => n.output === sum.inputs[0]) as Node;
  const swapped = retyped(made.inputs[0] as number);
  refused('RN440', () =>
    quantPlan(
      planStream(
        { ...swapped, nodes: swapped.nodes.map((n) => (n === made ? { ...tanh, inputs: made.inputs } : n)) },
        { hop: 256, mode: 'windowed' },
      ),
    ),
  );
});

test.run();
