/**
 * int8 TensorFlow Lite files with a loop are read as float.
 *
 * In: a simple RNN of 5 frames, with QUANTIZE and DEQUANTIZE at the loop's borders.  Checked: the graph is
 * the float network of its weights. A file whose int8 range clips the state is refused.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isQuantised } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { refusalOf } from './refusal.ts';
import { type TfOperatorOf, type TfTensorOf, writeTflite } from './tflite-model.ts';

const [frames, inputs, units] = [5, 2, 3];
const op = (code: number, from: string, to: string, kind = 0, int32: Record<number, number> = {}): TfOperatorOf => ({
  code,
  inputs: from.split(' '),
  outputs: to.split(' '),
  ...(kind > 0 && { options: { kind, int32 } }),
});
const flex = (name: string, from: string, to: string): TfOperatorOf => ({
  ...op(32, from, to),
  custom: { name: `Flex${name}`, options: new Uint8Array(0) },
});
const [quantize, dequantize, dense, transpose] = [114, 6, 9, 39];

const int8 = (shape: number[], scale: number, zero = 0): TfTensorOf => ({
  shape,
  type: 9,
  quant: { scales: [scale], zeroPoints: [zero] },
});
const weights = (shape: number[], int8s: number[]): TfTensorOf => ({ shape, int8s, quant: { scales: [0.01], zeroPoints: [0] } });
const bias = (ints: number[]): TfTensorOf => ({ shape: [ints.length], ints, quant: { scales: [0.0002], zeroPoints: [0] } });
const ints = (shape: number[], ...values: number[]): TfTensorOf => ({ shape, ints: values });

const [w, u, v] = [
  [50, -30, 20, 80, -60, 10],
  [40, -20, 30, 10, 60, -50, -70, 20, 10],
  [90, -40, 30, -20, 60, 10],
];
const [b, c] = [
  [500, -1000, 250],
  [100, -300],
];

/** @param state scale of the state in the loop. @param placed shape of the row tensor in the file. */
function file(state = 1 / 128, placed = [1, inputs]): Uint8Array {
  const float = (...shape: number[]): TfTensorOf => ({ shape });
  const list: TfTensorOf = { shape: [], type: 14 };
  const wide = int8([1, units], 0.03, 5);
  return writeTflite({
    tensors: {
      x: float(1, frames, inputs), xq: int8([1, frames, inputs], 0.02), xt: int8([frames, 1, inputs], 0.02), xf: float(frames, 1, inputs),
      zero: { ...int8([], state), int8s: [0] }, dims: ints([2], 1, units), z: int8([1, units], state), h0: float(1, units),
      i0: ints([], 0), one: ints([], 1), five: ints([], frames), rows: ints([2], -1, units), perm: ints([3], 1, 0, 2),
      l0: list, i1: { shape: [], type: 2 }, l1: list, h1: float(1, units), x1: float(frames, 1, inputs),
      ys: float(frames, 1, units), yq: int8([frames, 1, units], 1 / 128), yt: int8([1, frames, units], 1 / 128),
      v: weights([2, units], v), c: bias(c), yd: int8([1, frames, 2], 0.02), y: float(1, frames, 2),
      i: { shape: [], type: 2 }, l: list, h: float(1, units), s: float(frames, 1, inputs), hq: int8([1, units], state), sq: int8([frames, 1, inputs], 0.02),
      row: int8(placed, 0.02), w: weights([units, inputs], w), b: bias(b), u: weights([units, units], u), a: wide, r: wide, g: wide,
      t: int8([1, units], 1 / 128), hn: float(1, units), ln: list, in: { shape: [], type: 2 }, less: { shape: [], type: 6 },
    }, // biome-ignore format: a table
    operators: [
      op(quantize, 'x', 'xq'),
      flex('TensorListReserve', 'rows five', 'l0'),
      op(94, 'dims zero', 'z'),
      op(dequantize, 'z', 'h0'),
      op(transpose, 'xq perm', 'xt'),
      op(dequantize, 'xt', 'xf'),
      op(119, 'i0 l0 h0 xf', 'i1 l1 h1 x1', 93, { 0: 1, 1: 2 }),
      flex('TensorListStack', 'l1 rows', 'ys'),
      op(quantize, 'ys', 'yq'),
      op(transpose, 'yq perm', 'yt'),
      { ...op(dense, 'yt v c', 'yd'), options: { kind: 8, int8: { 2: 1 } } },
      op(dequantize, 'yd', 'y'),
    ],
    inputs: ['x'],
    outputs: ['y'],
    others: [
      { operators: [op(58, 'i five', 'less')], inputs: ['i', 'l', 'h', 's'], outputs: ['less'] },
      {
        operators: [
          op(quantize, 'h', 'hq'),
          op(quantize, 's', 'sq'),
          op(36, 'sq i', 'row', 23),
          op(dense, 'row w b', 'a', 8),
          op(dense, 'hq u', 'r', 8),
          op(0, 'a r', 'g', 11),
          op(28, 'g', 't'),
          op(dequantize, 't', 'hn'),
          flex('TensorListSetItem', 'l i hn', 'ln'),
          op(0, 'i one', 'in', 11),
        ],
        inputs: ['i', 'l', 'h', 's'],
        outputs: ['in', 'ln', 'hn', 's'],
      },
    ],
  });
}

test('an int8 loop is read as the float cell with its weights', () => {
  const graph = readTflite(file());
  assert.not.ok(isQuantised(graph));
  assert.is(graph.outputs[0]?.name, 'y');
  // only the loop's body has the weights
  assert.ok(graph.notes.some((note) => /WHILE.*the file is int8 and has loops/.test(note)));
  const x = Float32Array.from({ length: frames * inputs }, (_, i) => Math.sin(3 * i));
  const got = runFloat(graph, [x])[graph.outputs[0]?.tensor as number] as Float32Array;
  const sum = (matrix: number[], values: number[], o: number) =>
    values.reduce((s, one, i) => s + 0.01 * (matrix[o * values.length + i] as number) * one, 0);
  let h = [0, 0, 0];
  for (let t = 0; t < frames; t++) {
    const row = [...x.subarray(t * inputs, (t + 1) * inputs)];
    h = h.map((_, o) => Math.tanh(sum(w, row, o) + sum(u, h, o) + 0.0002 * (b[o] as number)));
    for (let o = 0; o < 2; o++) {
      const wanted = sum(v, h, o) + 0.0002 * (c[o] as number);
      assert.ok(Math.abs((got[2 * t + o] as number) - wanted) < 1e-5, `frame ${t}, output ${o}`);
    }
  }
});

test('a row has the length of a frame, even if its tensor declares a placeholder shape', () => {
  assert.equal(readTflite(file(1 / 128, [1, 1])).nodes, readTflite(file()).nodes);
});

test('a file whose int8 range clips the state is refused', async () => {
  const { message } = await refusalOf(() => readTflite(file(1e-8)));
  assert.match(message, /its state reaches 1.0 and is stored only up to 0.0000013/);
});

test('an unrolled recurrence starts with zeros, and their products and sums are dropped', () => {
  const [a, b] = [
    [0.5, -0.25, 0.75, 0.5, -1, 0.25],
    [0.5, 0.25, -0.5, 1],
  ];
  const row = (width: number): TfTensorOf => ({ shape: [1, width] });
  const tensors = {
    ...{ x: row(3), z: row(2), g: row(2), p: row(2), s: row(2), i: row(2), m: row(2), h: row(2), y: row(2) },
    ...{ dims: ints([2], 1, 2), nought: { shape: [], floats: [0] } },
    ...{ a: { shape: [2, 3], floats: a }, b: { shape: [2, 2], floats: b } },
  };
  const operators = [
    op(94, 'dims nought', 'z'),
    op(dense, 'z b', 'g', 8),
    op(dense, 'x a', 'p', 8),
    op(0, 'p g', 's', 11),
    op(14, 's', 'i'),
    op(18, 'i z', 'm', 21),
    op(28, 's', 'h'),
    op(0, 'm h', 'y', 11),
  ];
  const graph = readTflite(writeTflite({ tensors, operators, inputs: ['x'], outputs: ['y'] }));
  const x = [1, -2, 0.5];
  const got = runFloat(graph, [Float32Array.from(x)])[graph.outputs[0]?.tensor ?? -1] as Float32Array;
  for (const [u, value] of got.entries()) {
    const sum = x.reduce((total, v, k) => total + v * (a[3 * u + k] as number), 0);
    assert.ok(Math.abs(value - Math.tanh(sum)) < 1e-6, `${u}: ${value}`);
  }
  assert.equal(
    graph.nodes.map(({ op }) => op),
    ['dense', 'activation'],
  );
});

test.run();
