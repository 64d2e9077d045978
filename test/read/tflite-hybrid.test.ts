/**
 * Dynamic-range TensorFlow Lite files: int8 weights with float activations.
 *
 * They compute the float network of the dequantised weights. Each file is compared with the same file with
 * float weights, and the graphs must be equal.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { type TfModelOf, type TfTensorOf, writeTflite } from './tflite-model.ts';

/** An operator over x. `channels` is the filter dimension of the output channels. */
interface Case {
  name: string;
  code: number;
  x: number[];
  y: number[];
  filter: number[];
  channels: number;
  options: NonNullable<TfModelOf['operators'][number]['options']>;
}
const cases: Case[] = [
  { name: 'CONV_2D', code: 3, x: [1, 6, 1, 2], y: [1, 4, 1, 5], filter: [5, 3, 1, 2], channels: 0, options: { kind: 1, int8: { 0: 1 }, int32: { 1: 1, 2: 1 } } }, // biome-ignore format: one line
  { name: 'DEPTHWISE_CONV_2D', code: 4, x: [1, 6, 1, 2], y: [1, 4, 1, 4], filter: [1, 3, 1, 4], channels: 3, options: { kind: 2, int8: { 0: 1 }, int32: { 1: 1, 2: 1, 3: 2 } } }, // biome-ignore format: one line
  { name: 'FULLY_CONNECTED', code: 9, x: [1, 6], y: [1, 5], filter: [5, 6], channels: 0, options: { kind: 8 } },
];

const int8s = (n: number): Int8Array => Int8Array.from({ length: n }, (_, i) => ((i * 37 + 11) % 255) - 127);
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Returns the file of a case with a filter. If `stored` is set, DEQUANTIZE makes the filter from it. */
function file(c: Case, w: TfTensorOf, stored?: TfTensorOf): Uint8Array {
  const operators = [{ code: c.code, inputs: ['x', 'w', 'b'], outputs: ['y'], options: c.options }];
  const bias = Array.from({ length: c.filter[c.channels] as number }, (_, i) => i / 8);
  return writeTflite({
    tensors: { x: { shape: c.x }, w, b: { shape: [bias.length], floats: bias }, y: { shape: c.y }, ...(stored && { stored }) },
    operators: stored ? [{ code: 6, inputs: ['stored'], outputs: ['w'] }, ...operators] : operators,
    inputs: ['x'],
    outputs: ['y'],
  });
}

const refused = (bytes: Uint8Array, code: string): void =>
  assert.throws(
    () => readTflite(bytes),
    (e: unknown) => isRunletError(e) && e.code === code,
  );
const nodesOf = ({ nodes }: Graph) => nodes.map(({ op, attrs }) => ({ op, attrs }));

for (const c of cases) {
  const data = int8s(count(c.filter));
  const channels = c.filter[c.channels] as number;
  const inner = count(c.filter.slice(c.channels + 1));
  const channelOf = (i: number, scales: readonly number[]) => (scales.length > 1 ? Math.floor(i / inner) % channels : 0);
  const each = Array.from({ length: channels }, (_, i) => Math.fround(0.01 * (i + 1)));
  const zeros = (scales: readonly number[]) => scales.map(() => 0);

  for (const scales of [each, [Math.fround(0.013)]])
    test(`${c.name}: int8 weights with ${scales.length > 1 ? 'one scale per channel' : 'one scale'} are read as their real values`, () => {
      const floats = Array.from(data, (q, i) => q * (scales[channelOf(i, scales)] as number));
      const quant = { scales, zeroPoints: zeros(scales), axis: c.channels };
      const graph = readTflite(file(c, { shape: c.filter, int8s: data, quant }));
      assert.equal(nodesOf(graph), nodesOf(readTflite(file(c, { shape: c.filter, floats }))));
      assert.ok(graph.notes.some((note) => note.includes('int8 weights') && note.includes(`${c.name}#0`)));
    });

  test(`${c.name}: weights without a symmetric scale per output channel are refused`, () => {
    const weights = (quant: TfTensorOf['quant']) => file(c, { shape: c.filter, int8s: data, ...(quant && { quant }) });
    refused(weights(undefined), 'RN105');
    refused(weights({ scales: [0.1], zeroPoints: [3] }), 'RN105');
    const other = c.channels === 0 ? c.filter.length - 1 : 0;
    const along = Array.from({ length: c.filter[other] as number }, () => 0.1);
    if (along.length > 1) refused(weights({ scales: along, zeroPoints: zeros(along), axis: other }), 'RN105');
  });

  test(`${c.name}: weights after DEQUANTIZE may have zero points`, () => {
    const zeroPoints = each.map((_, i) => i - 2);
    const floats = Array.from(data, (q, i) => {
      const at = channelOf(i, each);
      return (each[at] as number) * (q - (zeroPoints[at] as number));
    });
    const stored = { shape: c.filter, int8s: data, quant: { scales: each, zeroPoints, axis: c.channels } };
    const graph = readTflite(file(c, { shape: c.filter }, stored));
    assert.equal(nodesOf(graph), nodesOf(readTflite(file(c, { shape: c.filter, floats }))));
    refused(file(c, { shape: c.filter }, { shape: c.filter, int8s: data }), 'RN105');
  });
}

test('a scale that overflows float32 is refused', () => {
  const c = cases[2] as Case;
  refused(file(c, { shape: c.filter, int8s: int8s(30), quant: { scales: [3e38], zeroPoints: [0] } }), 'RN107');
});

test.run();
