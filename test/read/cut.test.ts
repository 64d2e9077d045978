/**
 * Slices of tensors in TensorFlow Lite files (SPLIT, SPLIT_V, SLICE, STRIDED_SLICE, UNPACK, GATHER and PACK),
 * checked against plain indexing.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { type TfModelOf, type TfOperatorOf, writeTflite } from './tflite-model.ts';

const [frames, channels] = [6, 4];
const x = Float32Array.from({ length: frames * channels }, (_, i) => Math.sin(1 + i));
const at = (t: number, c: number) => x[t * channels + c] as number;

/** A convolution with kernel 1 and stride 1 that copies its c channels, so that the file has a layer. */
const keep = (from: string, to: string, c: number): { tensors: TfModelOf['tensors']; op: TfOperatorOf } => ({
  tensors: {
    [`w${to}`]: { shape: [c, 1, 1, c], floats: Array.from({ length: c * c }, (_, i) => Number(i % (c + 1) === 0)) },
    [`b${to}`]: { shape: [c], floats: new Array(c).fill(0) },
  },
  op: {
    ...{ code: 3, inputs: [from, `w${to}`, `b${to}`], outputs: [to] },
    options: { kind: 1, int8: { 0: 1 }, int32: { 1: 1, 2: 1 } },
  },
});

function run(tensors: TfModelOf['tensors'], operators: TfOperatorOf[], last: string, c: number, rows = frames): number[] {
  const first = keep('x', 'x1', channels);
  const end = keep(last, 'y', c);
  const graph = readTflite(
    writeTflite({
      tensors: {
        x: { shape: [1, frames, 1, channels] },
        x1: { shape: [1, frames, 1, channels] },
        y: { shape: [1, rows, 1, c] },
        ...tensors,
        ...first.tensors,
        ...end.tensors,
      },
      operators: [first.op, ...operators, end.op],
      inputs: ['x'],
      outputs: ['y'],
    }),
  );
  return [...(runFloat(graph, [x])[graph.outputs[0]?.tensor ?? -1] as Float32Array)];
}

const column = (cs: number[]) => Array.from({ length: frames }, (_, t) => cs.map((c) => at(t, c))).flat();

test('SPLIT_V gives a part of 1 and the rest, and CONCATENATION joins them in the reverse order', () => {
  const y = run(
    {
      sizes: { shape: [2], ints: [1, -1] },
      axis: { shape: [], ints: [-1] },
      a: { shape: [1, frames, 1, 1] },
      b: { shape: [1, frames, 1, 3] },
      ba: { shape: [1, frames, 1, 4] },
    },
    [
      { code: 102, inputs: ['x1', 'sizes', 'axis'], outputs: ['a', 'b'], options: { kind: 79 } },
      { code: 2, inputs: ['b', 'a'], outputs: ['ba'], options: { kind: 10, int32: { 0: 3 } } },
    ],
    'ba',
    4,
  );
  assert.equal(y, column([1, 2, 3, 0]));
});

test('SPLIT halves the channels, and SLICE and STRIDED_SLICE take parts of them', () => {
  const y = run(
    {
      axis: { shape: [], ints: [3] },
      p: { shape: [1, frames, 1, 2] },
      q: { shape: [1, frames, 1, 2] },
      begin: { shape: [4], ints: [0, 0, 0, 1] },
      size: { shape: [4], ints: [1, -1, 1, 1] },
      p1: { shape: [1, frames, 1, 1] },
      from: { shape: [4], ints: [0, 0, 0, -1] },
      to: { shape: [4], ints: [0, 0, 0, 9] },
      one: { shape: [4], ints: [1, 1, 1, 1] },
      q1: { shape: [1, frames, 1, 1] },
      pq: { shape: [1, frames, 1, 2] },
    },
    [
      { code: 49, inputs: ['axis', 'x1'], outputs: ['p', 'q'], options: { kind: 35, int32: { 0: 2 } } },
      { code: 65, inputs: ['p', 'begin', 'size'], outputs: ['p1'] },
      // begin and end masks for all dimensions but the last
      { code: 45, inputs: ['q', 'from', 'to', 'one'], outputs: ['q1'], options: { kind: 32, int32: { 0: 7, 1: 7 } } },
      { code: 2, inputs: ['p1', 'q1'], outputs: ['pq'], options: { kind: 10, int32: { 0: 3 } } },
    ],
    'pq',
    2,
  );
  assert.equal(y, column([1, 3]));
});

test('PACK turns two sequences over time into channels', () => {
  const cut = (c: number) => ({
    [`begin${c}`]: { shape: [4], ints: [0, 0, 0, c] },
    [`one${c}`]: { shape: [1, frames, 1, 1] },
    [`flat${c}`]: { shape: [1, frames] },
  });
  const ops = (c: number): TfOperatorOf[] => [
    { code: 65, inputs: ['x1', `begin${c}`, 'size'], outputs: [`one${c}`] },
    { code: 22, inputs: [`one${c}`], outputs: [`flat${c}`], options: { kind: 17 } },
  ];
  const y = run(
    {
      size: { shape: [4], ints: [1, frames, 1, 1] },
      ...cut(3),
      ...cut(0),
      packed: { shape: [1, frames, 2] },
      wide: { shape: [1, frames, 1, 2] },
    },
    [
      ...ops(3),
      ...ops(0),
      { code: 83, inputs: ['flat3', 'flat0'], outputs: ['packed'], options: { kind: 59, int32: { 0: 2, 1: 2 } } },
      { code: 22, inputs: ['packed'], outputs: ['wide'], options: { kind: 17 } },
    ],
    'wide',
    2,
  );
  assert.equal(y, column([3, 0]));
});

test('UNPACK separates the channels, and PACK joins them in another order', () => {
  const names = ['u0', 'u1', 'u2', 'u3'];
  const parts = Object.fromEntries(names.map((name) => [name, { shape: [1, frames, 1] }]));
  const y = run(
    { ...parts, packed: { shape: [1, frames, 1, 2] } },
    [
      { code: 88, inputs: ['x1'], outputs: names, options: { kind: 64, int32: { 0: 4, 1: -1 } } },
      { code: 83, inputs: ['u3', 'u1'], outputs: ['packed'], options: { kind: 59, int32: { 0: 2, 1: 3 } } },
    ],
    'packed',
    2,
  );
  assert.equal(y, column([3, 1]));
});

test('STRIDED_SLICE takes some frames of a window, and GATHER takes one', () => {
  const y = run(
    {
      from: { shape: [4], ints: [0, 2, 0, 0] },
      to: { shape: [4], ints: [1, 5, 1, channels] },
      one: { shape: [4], ints: [1, 1, 1, 1] },
      some: { shape: [1, 3, 1, channels] },
      which: { shape: [1], ints: [1] },
      frame: { shape: [1, 1, 1, channels] },
    },
    [
      { code: 45, inputs: ['x1', 'from', 'to', 'one'], outputs: ['some'], options: { kind: 32 } },
      { code: 36, inputs: ['some', 'which'], outputs: ['frame'], options: { kind: 23, int32: { 0: 1 } } },
    ],
    'frame',
    channels,
    1,
  );
  assert.equal(
    y,
    [0, 1, 2, 3].map((c) => at(3, c)),
  );
});

test('a slice with another number of frames than its output shape declares is refused', () => {
  const refused = (begin: number[], strides: number[]) => {
    try {
      run(
        {
          from: { shape: [4], ints: begin },
          to: { shape: [4], ints: [1, frames, 1, channels] },
          stride: { shape: [4], ints: strides },
          part: { shape: [1, frames, 1, 2] },
        },
        [{ code: 45, inputs: ['x1', 'from', 'to', 'stride'], outputs: ['part'], options: { kind: 32 } }],
        'part',
        2,
      );
    } catch (error) {
      return isRunletError(error) ? `${error.code} ${error.parts.where}` : String(error);
    }
    return 'read';
  };
  assert.match(refused([0, 1, 0, 0], [1, 1, 1, 1]), /RN104/, 'one frame less than the file declares');
});

test.run();
