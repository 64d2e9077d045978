/**
 * Attention in TensorFlow Lite files: a positional encoding, BATCH_MATMUL with and without transposition,
 * parts of channels, and layer normalisation whose statistics drop their dimensions. Checked against plain
 * arithmetic.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { seededNormal } from './onnx-oracle.ts';
import { type TfModelOf, type TfTensorOf, writeTflite } from './tflite-model.ts';

const draw = seededNormal(8);
const values = (length: number): number[] => Array.from({ length }, draw);
const [rows, channels] = [5, 4];
const x = values(rows * channels);
const run = (graph: Graph): Float32Array =>
  runFloat(graph, [Float32Array.from(x)])[graph.outputs[0]?.tensor ?? -1] ?? new Float32Array();

function near(got: ArrayLike<number>, wanted: readonly number[]): void {
  assert.is(got.length, wanted.length);
  for (const [i, y] of wanted.entries())
    assert.ok(Math.abs((got[i] as number) - y) < 1e-5 * (1 + Math.abs(y)), `${i}: ${got[i]}, not ${y}`);
}

const codes = { ADD: 0, FULLY_CONNECTED: 9, MUL: 18, RESHAPE: 22, SOFTMAX: 25, TRANSPOSE: 39, MEAN: 40, SUB: 41, SLICE: 65, RSQRT: 76, SQUARED_DIFFERENCE: 99, BATCH_MATMUL: 126 } as const; // biome-ignore format: one line
type Operator = [op: keyof typeof codes, result: string, inputs: string, options?: TfModelOf['operators'][number]['options']];

/** Returns the graph of these operators from x [1, rows, channels] to y. @param shapes of their results. */
function graphOf(shapes: Record<string, number[]>, operators: Operator[], constants: Record<string, TfTensorOf>): Graph {
  const results = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));
  const bytes = writeTflite({
    tensors: { x: { shape: [1, rows, channels] }, ...results, ...constants },
    operators: operators.map(([op, result, inputs, options]) => ({
      code: codes[op],
      inputs: inputs.split(' '),
      outputs: [result],
      ...(options && { options }),
    })),
    inputs: ['x'],
    outputs: ['y'],
  });
  return readTflite(bytes, { timeAxis: 1 });
}

const softmaxOf = (scores: number[]): number[] => {
  const e = scores.map(Math.exp);
  const sum = e.reduce((a, b) => a + b);
  return e.map((v) => v / sum);
};
/** Returns rows of `v`, weighted by the softmax of the products of the rows of `a` and `b`. */
const attend = (a: number[][], b: number[][], v: number[][]): number[][] =>
  a.map((row) => {
    const weights = softmaxOf(b.map((other) => other.reduce((sum, value, i) => sum + value * (row[i] as number), 0)));
    return (v[0] as number[]).map((_, c) => weights.reduce((sum, w, s) => sum + w * ((v[s] as number[])[c] as number), 0));
  });
const rowsOf = (data: readonly number[]): number[][] =>
  Array.from({ length: rows }, (_, t) => data.slice(t * channels, (t + 1) * channels));

const softmax = { kind: 9, float32: { 0: 1 } };

test('self-attention with a positional encoding', () => {
  const places = values(rows * channels);
  const graph = graphOf(
    { p: [1, rows, channels], s: [1, rows, rows], a: [1, rows, rows], y: [1, rows, channels] },
    [
      ['ADD', 'p', 'x places'],
      ['BATCH_MATMUL', 's', 'p p', { kind: 101, int8: { 1: 1 } }],
      ['SOFTMAX', 'a', 's', softmax],
      ['BATCH_MATMUL', 'y', 'a p', { kind: 101 }],
    ],
    { places: { shape: [rows, channels], floats: places } },
  );
  const p = rowsOf(x.map((v, i) => v + (places[i] as number)));
  near(run(graph), attend(p, p, p).flat());
});

test('two heads attend separately, each with half of the channels', () => {
  const graph = graphOf(
    { h: [1, rows, 2, 2], q: [1, 2, rows, 2], k: [1, 2, 2, rows], s: [1, 2, rows, rows], a: [1, 2, rows, rows], v: [1, 2, rows, 2], o: [1, rows, 2, 2], y: [1, rows, channels] }, // biome-ignore format: one line
    [
      ['RESHAPE', 'h', 'x heads'],
      ['TRANSPOSE', 'q', 'h first'],
      ['TRANSPOSE', 'k', 'h turned'],
      ['BATCH_MATMUL', 's', 'q k', { kind: 101 }],
      ['SOFTMAX', 'a', 's', softmax],
      ['BATCH_MATMUL', 'v', 'a q', { kind: 101 }],
      ['TRANSPOSE', 'o', 'v first'],
      ['RESHAPE', 'y', 'o rows'],
    ],
    {
      heads: { shape: [4], ints: [1, rows, 2, 2] },
      first: { shape: [4], ints: [0, 2, 1, 3] },
      turned: { shape: [4], ints: [0, 2, 3, 1] },
      rows: { shape: [3], ints: [1, rows, channels] },
    },
  );
  const halves = [0, 2].map((from) => rowsOf(x).map((row) => row.slice(from, from + 2)));
  const [left, right] = halves.map((half) => attend(half, half, half)) as [number[][], number[][]];
  near(
    run(graph),
    left.flatMap((row, t) => [...row, ...(right[t] as number[])]),
  );
});

test('a part of reshaped channels becomes a slice', () => {
  const graph = graphOf(
    { l: [1, rows, channels], h: [1, rows, 2, 2], t: [2, 1, rows, 2], p: [1, 1, rows, 2], y: [1, rows, 2] },
    [
      ['FULLY_CONNECTED', 'l', 'x unit', { kind: 8, int8: { 2: 1 } }],
      ['RESHAPE', 'h', 'l heads'],
      ['TRANSPOSE', 't', 'h first'],
      ['SLICE', 'p', 't from size'],
      ['RESHAPE', 'y', 'p rows'],
    ],
    {
      unit: { shape: [4, 4], floats: Array.from({ length: 16 }, (_, i) => Number(i % 5 === 0)) },
      heads: { shape: [4], ints: [1, rows, 2, 2] },
      first: { shape: [4], ints: [2, 0, 1, 3] },
      from: { shape: [4], ints: [1, 0, 0, 0] },
      size: { shape: [4], ints: [1, 1, rows, 2] },
      rows: { shape: [3], ints: [1, rows, 2] },
    },
  );
  near(
    run(graph),
    rowsOf(x).flatMap((row) => row.slice(2)),
  );
});

test('statistics that drop their dimensions and restore them later become a layer normalisation', () => {
  const mean = { kind: 27 };
  const operators: Operator[] = [
    ['MEAN', 'm', 'x axes', mean],
    ['RESHAPE', 'm1', 'm kept'],
    ['SQUARED_DIFFERENCE', 'd', 'x m1'],
    ['MEAN', 'v', 'd axes', mean],
    ['ADD', 'e', 'v eps'],
    ['RSQRT', 'i', 'e'],
    ['MUL', 'im', 'i m'],
    ['SUB', 'n', 'zero im'],
    ['RESHAPE', 'i1', 'i kept'],
    ['MUL', 's', 'x i1'],
    ['RESHAPE', 'n1', 'n kept'],
    ['ADD', 'y', 's n1'],
  ];
  const full = [1, rows, channels];
  const graph = graphOf(
    { m: [rows], m1: [1, rows, 1], d: full, v: [rows], e: [rows], i: [rows], im: [rows], n: [rows], i1: [1, rows, 1], s: full, n1: [1, rows, 1], y: full }, // biome-ignore format: one line
    operators,
    {
      axes: { shape: [2], ints: [0, 2] },
      kept: { shape: [3], ints: [1, rows, 1] },
      eps: { shape: [], floats: [0.01] },
      zero: { shape: [], floats: [0] },
    },
  );
  assert.equal(
    graph.nodes.map(({ op }) => op),
    ['layernorm'],
  );
  const wanted = rowsOf(x).flatMap((row) => {
    const middle = row.reduce((a, b) => a + b) / channels;
    const variance = row.reduce((sum, v) => sum + (v - middle) ** 2, 0) / channels;
    return row.map((v) => (v - middle) / Math.sqrt(variance + 0.01));
  });
  near(run(graph), wanted);
});

test.run();
