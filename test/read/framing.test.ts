/**
 * Front ends for raw samples in TensorFlow Lite files: gathered frames, zeros around a frame, a window whose
 * length the caller sets, and the largest value of a window. Checked against plain arithmetic.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph } from '../../models/graph/types.ts';
import { framesOfIndexes } from '../../models/read/picks.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { seededNormal } from './onnx-oracle.ts';
import { type TfTensorOf, writeTflite } from './tflite-model.ts';

const draw = seededNormal(4);
const values = (length: number): number[] => Array.from({ length }, draw);
const run = (graph: Graph, x: number[]): Float32Array =>
  runFloat(graph, [Float32Array.from(x)])[graph.outputs[0]?.tensor ?? -1] ?? new Float32Array();
function near(got: ArrayLike<number>, wanted: readonly number[]): void {
  assert.is(got.length, wanted.length);
  for (const [i, y] of wanted.entries())
    assert.ok(Math.abs((got[i] as number) - y) < 1e-5 * (1 + Math.abs(y)), `${i}: ${got[i]}, not ${y}`);
}

/**
 * Returns a model of 20 samples in blocks of 2. It gathers 4 frames of 3 blocks, 2 blocks apart, from block
 * 1, multiplies them by a window, adds 1 zero before and 2 after, and multiplies by a matrix.
 */
function framed(indexes: number[]) {
  const [window, matrix] = [values(6), values(4 * 9)];
  const shapes: Record<string, number[]> = { x: [1, 20], b: [10, 2], g: [4, 3, 2], f: [4, 6], w: [4, 6], p: [4, 9], y: [4, 4] };
  const tensors: Record<string, TfTensorOf> = {
    ...Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }])),
    blocks: { shape: [2], ints: [10, 2] },
    at: { shape: [4, 3], ints: indexes },
    rows: { shape: [2], ints: [4, 6] },
    window: { shape: [1, 6], floats: window },
    zeros: { shape: [2, 2], ints: [0, 0, 1, 2] },
    matrix: { shape: [4, 9], floats: matrix },
  };
  const operators = [
    { code: 22, inputs: ['x', 'blocks'], outputs: ['b'] },
    { code: 36, inputs: ['b', 'at'], outputs: ['g'] },
    { code: 22, inputs: ['g', 'rows'], outputs: ['f'] },
    { code: 18, inputs: ['f', 'window'], outputs: ['w'] },
    { code: 34, inputs: ['w', 'zeros'], outputs: ['p'] },
    { code: 9, inputs: ['p', 'matrix'], outputs: ['y'] },
  ];
  return { window, matrix, bytes: writeTflite({ tensors, operators, inputs: ['x'], outputs: ['y'] }) };
}

test('gathered frames, a window and zeros become one convolution', () => {
  const { window, matrix, bytes } = framed([1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9]);
  const graph = readTflite(bytes);
  assert.equal(
    graph.nodes.map((n) => n.op),
    ['history', 'conv'],
  );
  const x = values(20);
  const wanted = [0, 1, 2, 3].flatMap((frame) =>
    [0, 1, 2, 3].map((unit) =>
      window.reduce((sum, w, k) => sum + w * (x[2 + 4 * frame + k] as number) * (matrix[unit * 9 + 1 + k] as number), 0),
    ),
  );
  near(run(graph, x), wanted);
});

test('gather indexes that do not form frames are refused', () => {
  assert.throws(() => readTflite(framed([1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 8]).bytes), /overlapping frames/);
  assert.throws(() => readTflite(framed([2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10]).bytes), /element 10 of dimension 0/);
  assert.equal(framesOfIndexes([3, 5, 7, 4, 6, 8], [2, 3]), { rows: 2, length: 3, start: 3, step: 1, dilation: 2 });
  for (const [indexes, shape] of [
    [
      [3, 2, 4, 3],
      [2, 2],
    ],
    [
      [0, 1, 0, 1],
      [2, 2],
    ],
    [
      [0, 1, 2],
      [2, 2],
    ],
    [
      [-1, 0],
      [1, 2],
    ],
  ] as const)
    assert.is(framesOfIndexes(indexes, shape), undefined);
});

test('an open window gets the requested length, and its largest value sets a lower limit for its rows', () => {
  const [kernel, matrix] = [values(12), values(6)];
  const open = (...signature: number[]): TfTensorOf => ({ shape: signature.map((n) => Math.abs(n)), signature });
  const tensors: Record<string, TfTensorOf> = {
    x: open(-1, -1),
    u: open(-1, 1, -1, 1),
    s: open(-1, 1, -1, 3),
    m: open(-1, 1, -1, 2),
    top: { shape: [] },
    low: { shape: [] },
    y: open(-1, 1, -1, 2),
    one: { shape: [], ints: [1] },
    last: { shape: [], ints: [-1] },
    v: open(-1, 1, -1),
    k: { shape: [3, 1, 4, 1], floats: kernel },
    none: { shape: [3], floats: [0, 0, 0] },
    matrix: { shape: [3, 2], floats: matrix },
    all: { shape: [4], ints: [0, 1, 2, 3] },
    two: { shape: [], floats: [2] },
  };
  const operators = [
    { code: 70, inputs: ['x', 'one'], outputs: ['v'] },
    { code: 70, inputs: ['v', 'last'], outputs: ['u'] },
    {
      code: 3,
      inputs: ['u', 'k', 'none'],
      outputs: ['s'],
      options: { kind: 1, int8: { 0: 1 }, int32: { 1: 2, 2: 1, 4: 1, 5: 1 } },
    },
    { code: 126, inputs: ['s', 'matrix'], outputs: ['m'] },
    { code: 82, inputs: ['m', 'all'], outputs: ['top'] },
    { code: 41, inputs: ['top', 'two'], outputs: ['low'] },
    { code: 55, inputs: ['m', 'low'], outputs: ['y'] },
  ];
  const bytes = writeTflite({ tensors, operators, inputs: ['x'], outputs: ['y'] });
  assert.throws(() => readTflite(bytes), /RN112.*--window/s);
  assert.throws(() => readTflite(bytes, { window: 0.5 }), /RN112/);
  for (const window of [9, 20]) {
    const graph = readTflite(bytes, { window });
    assert.is(graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape.t, window);
    const x = values(window);
    const rows = Array.from({ length: Math.floor((window - 4) / 2) + 1 }, (_, t) => {
      const sums = [0, 1, 2].map((o) =>
        [0, 1, 2, 3].reduce((sum, k) => sum + (kernel[o * 4 + k] as number) * (x[2 * t + k] as number), 0),
      );
      return [0, 1].map((u) => sums.reduce((sum, v, i) => sum + v * (matrix[i * 2 + u] as number), 0));
    }).flat();
    const top = rows.reduce((a, b) => Math.max(a, b));
    near(
      run(graph, x),
      rows.map((v) => Math.max(v, top - 2)),
    );
  }
});

test.run();
