/**
 * TensorFlow Lite files with int16 activations, and transposed convolutions, made by
 * test/fixtures/int16/make.py. Their outputs equal those of TensorFlow Lite Micro, and their streams equal
 * their windows. Files that TensorFlow Lite computes by another rule are refused.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { elementsOf, type Graph, type Ints, isInt16, isQuantised } from '../../models/graph/types.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { runFloat } from '../graph/run-float.ts';
import { differing } from '../property/harness.ts';
import { runStyles } from '../property/styles.ts';
import { root } from '../shared.ts';
import { refusalOf } from './refusal.ts';
import { toGraph } from './tflite-helpers.ts';
import { type TfModelOf, type TfTensorOf, writeTflite } from './tflite-model.ts';

const folder = join(root, 'test/fixtures/int16');
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.tflite') ? [file.slice(0, -7)] : []));
const bytesOf = (name: string) => new Uint8Array(readFileSync(join(folder, `${name}.tflite`)));
const read = (name: string): Graph => readTflite(bytesOf(name), name.startsWith('transposed') ? { timeAxis: 1 } : {});
const answersOf = (name: string): { x: number[][]; y: number[][] } =>
  JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));

/** Converts a window from the file's order to the graph's. */
function windowOf(graph: Graph, row: number[]): Float32Array | Ints {
  const [port] = graph.inputs as [Graph['inputs'][number]];
  const values = toGraph(graph, port, row);
  if (!isQuantised(graph)) return values;
  if (port.hostType === 'float32') return quantiseSignals(graph, [values])[0] as Ints;
  return port.hostType === 'int16' ? Int16Array.from(values) : Int8Array.from(values);
}

/** Runs a window and returns the output in the file's order. */
function answerOf(graph: Graph, window: Float32Array | Ints): number[] {
  const [port] = graph.outputs as [Graph['outputs'][number]];
  const { shape, quant } = graph.tensors[port.tensor] as Graph['tensors'][number];
  const integers = isQuantised(graph) && runWindow(whole(graph), window as Ints).outputs[0];
  const values = integers || runFloat(graph, [window as Float32Array])[port.tensor];
  const row = new Array<number>(elementsOf(shape));
  for (const [i, to] of toNormalForm(port.order, shape).entries()) {
    const v = values?.[i] as number;
    row[to] = integers && port.hostType === 'float32' ? Math.fround((quant?.scale ?? 1) * (v - (quant?.zeroPoint ?? 0))) : v;
  }
  return row;
}

const windowLength = (graph: Graph) => graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape.t ?? 0;
const whole = (graph: Graph) => quantPlan(planStream(graph, { hop: windowLength(graph), mode: 'windowed' }));

for (const name of names)
  test(`${name}: equals TensorFlow Lite Micro, and streams of any hop equal its windows`, async () => {
    const graph = read(name);
    const { x, y } = answersOf(name);
    const windows = x.map((row) => windowOf(graph, row));
    for (const [i, window] of windows.entries()) {
      const got = answerOf(graph, window);
      if (isQuantised(graph)) assert.equal(got, y[i]?.map(Math.fround), `window ${i}`);
      else assert.ok(got.every((v, k) => Math.abs(v - (y[i]?.[k] as number)) <= 1e-5), `window ${i}`); // biome-ignore format: one line
    }
    if (!isQuantised(graph)) return;
    const wide = [...graph.inputs, ...graph.outputs].every(({ tensor }) => isInt16(graph.tensors[tensor]?.quant));
    assert.is(wide, name !== 'transposed-int8');
    const parts = windows as Ints[];
    const frame = (parts[0] as Ints).length / windowLength(graph);
    const signal =
      (parts[0] as Ints).constructor === Int16Array
        ? Int16Array.from(parts.flatMap((w) => [...w]))
        : Int8Array.from(parts.flatMap((w) => [...w]));
    for (const hop of [1, 3, windowLength(graph)]) {
      const quant = quantPlan(planStream(graph, { hop, mode: 'edge-exact' }));
      let n = 0;
      for await (const outputs of runStyles(quant, signal, [hop], false)) {
        const from = n++ * hop * frame;
        const window = signal.subarray(from, from + quant.plan.window * frame);
        assert.is(differing(runWindow(quant, window).outputs, outputs), 0, `hop ${hop}, output ${n - 1}`);
      }
      assert.ok(n > 1, `hop ${hop}`);
    }
  });

const scale = (s: number, zeroPoint = 0) => ({ scales: [s], zeroPoints: [zeroPoint] });
const wide = (...shape: number[]): TfTensorOf => ({ shape, type: 7, quant: scale(0.001) });

/** CONV_2D with one tap over 4 rows, from 2 channels to 2. */
const conv = (bias: TfTensorOf | undefined): TfModelOf => ({
  tensors: {
    x: wide(1, 4, 1, 2),
    w: { shape: [2, 1, 1, 2], int8s: [1, 2, 3, 4], quant: scale(0.01) },
    ...(bias && { b: { ...bias, quant: scale(0.00001) } }),
    y: wide(1, 4, 1, 2),
  },
  operators: [
    { code: 3, inputs: ['x', 'w', ...(bias ? ['b'] : [])], outputs: ['y'], options: { kind: 1, int32: { 1: 1, 2: 1 } } },
  ],
  inputs: ['x'],
  outputs: ['y'],
});

const binary = (code: number, kind: number, int8: Record<number, number>): TfModelOf => ({
  tensors: { x: wide(1, 4, 2), y: wide(1, 4, 2) },
  operators: [{ code, inputs: ['x', 'x'], outputs: ['y'], options: { kind, int8 } }],
  inputs: ['x'],
  outputs: ['y'],
});

test('a file that needs another rule than docs/adr/0020 is refused', async () => {
  const refused = async (model: TfModelOf, reason: RegExp) =>
    assert.match((await refusalOf(() => readTflite(writeTflite(model), { timeAxis: 1 }))).message, reason);
  const [node] = readTflite(writeTflite(conv({ shape: [2], int64s: [-5, 7] }))).nodes;
  assert.equal(node?.op === 'conv' && [...(node.attrs.bias ?? [])], [-5, 7]);
  await refused(conv({ shape: [2], ints: [-5, 7] }), /its bias is int32; int64 is read/);
  await refused(conv({ shape: [2], int64s: [2 ** 31, 0] }), /its bias 2147483648 is larger than int32/);
  await refused(conv(undefined), /it has no bias/);
  await refused(binary(0, 11, { 1: 1 }), /pot_scale_int16/);
  await refused(binary(0, 11, {}), /pot_scale_int16/);
  const exponential = { ...binary(47, 33, {}), operators: [{ code: 47, inputs: ['x'], outputs: ['y'], options: { kind: 33 } }] };
  await refused(exponential, /EXP \(it has no int16 kernel\)/);
  assert.is(readTflite(writeTflite(binary(18, 21, {}))).nodes[0]?.op, 'mul');
  const beside = {
    ...binary(18, 21, {}),
    tensors: { ...binary(18, 21, {}).tensors, k: { shape: [2], int8s: [1, 2], quant: scale(0.01) } },
  };
  const [one] = beside.operators;
  await refused(
    { ...beside, operators: [{ ...one, inputs: ['x', 'k'] } as (typeof beside.operators)[number]] },
    /its constant is int8 beside int16/,
  );
});

test.run();
