/**
 * Fake-quantised float TensorFlow Lite files: the graph keeps the range of the grid as a clamp; the quantiser
 * does the rounding.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { type TfModelOf, type TfTensorOf, writeTflite } from './tflite-model.ts';

const dense = (x: string, w: string, y: string) => ({ code: 9, inputs: [x, w], outputs: [y], options: { kind: 8 } });
const fake = (x: string, y: string, min: number, max: number, bits = 8) => ({
  code: 80,
  inputs: [x],
  outputs: [y],
  options: { kind: 58, float32: { 0: min, 1: max }, int32: { 2: bits } },
});
const w: TfTensorOf = { shape: [2, 3], floats: [0.3, -0.21, 1.4, 0.5, 0.25, -3] };
const read = (tensors: TfModelOf['tensors'], operators: TfModelOf['operators'], output = 'y'): Graph =>
  readTflite(writeTflite({ tensors: { x: { shape: [1, 3] }, w, ...tensors }, operators, inputs: ['x'], outputs: [output] }));
const run = (graph: Graph, x: number[]): number[] => [
  ...(runFloat(graph, [Float32Array.from(x)])[graph.outputs[0]?.tensor ?? -1] ?? []),
];
const two: TfTensorOf = { shape: [1, 2] };
const refused = (make: () => unknown, code: string): void =>
  assert.throws(make, (e: unknown) => isRunletError(e) && e.code === code);
/** The layer w computes 0.3 x0 - 0.21 x1 + 1.4 x2 and 0.5 x0 + 0.25 x1 - 3 x2. */
const near = (got: number[], wanted: number[]): void =>
  got.forEach((y, i) => void assert.ok(Math.abs(y - (wanted[i] as number)) < 1e-5, `${got} for ${wanted}`));

test('FAKE_QUANT becomes a clamp to its nudged range in the previous layer', () => {
  const graph = read({ h: two, y: two }, [dense('x', 'w', 'h'), fake('h', 'y', -1, 1.04)]);
  assert.is(graph.nodes.length, 1);
  // 2.04 / 255 is 0.008: zero is at 125, so the range needs no nudging
  near(run(graph, [1, 1, 0]), [0.09, 0.75]);
  near(run(graph, [0, 0, 1]), [1.04, -1]);
  const nudged = read({ h: two, y: two }, [dense('x', 'w', 'h'), fake('h', 'y', -1, 1)]);
  near(run(nudged, [0, 0, 1]), [(127 * 2) / 255, (-128 * 2) / 255]);
});

test('FAKE_QUANT rounds weights', () => {
  const graph = read({ v: { shape: [2, 3] }, y: two }, [fake('w', 'v', -4, 3.5, 4), dense('x', 'v', 'y')]);
  near(run(graph, [1, 0, 0]), [0.5, 0.5]);
  near(run(graph, [0, 0, 1]), [1.5, -3]);
});

test('QUANTIZE and DEQUANTIZE in a float model become a clamp, and the graph remains float', () => {
  for (const [type, zero] of [
    [9, -28],
    [3, 100],
  ] as const) {
    const stored = { ...two, type, quant: { scales: [0.01], zeroPoints: [zero] } };
    const pair = [
      { code: 114, inputs: ['h'], outputs: ['q'] },
      { code: 6, inputs: ['q'], outputs: ['y'] },
    ];
    const graph = read({ h: two, q: stored, y: two }, [dense('x', 'w', 'h'), ...pair]);
    assert.not.ok(isQuantised(graph));
    near(run(graph, [0, 0, 1]), [1.4, -1]);
    near(run(graph, [0, 0, -1]), [-1, 1.55]);
  }
});

test('an invalid range and a QUANTIZE without DEQUANTIZE are refused', () => {
  const graph = (min: number, max: number, bits?: number) => () =>
    read({ h: two, y: two }, [dense('x', 'w', 'h'), fake('h', 'y', min, max, bits)]);
  refused(graph(1, 1), 'RN106');
  refused(graph(Number.NaN, 1), 'RN106');
  refused(graph(0, Number.POSITIVE_INFINITY), 'RN106');
  refused(graph(0, 1, 1), 'RN106');
  refused(graph(0, 1, 31), 'RN106');
  const stored = { ...two, type: 9, quant: { scales: [0.01], zeroPoints: [0] } };
  const quantise = { code: 114, inputs: ['h'], outputs: ['q'] };
  refused(() => read({ h: two, q: stored }, [dense('x', 'w', 'h'), quantise], 'q'), 'RN103');
});

test('quantisation parameters of float tensors are ignored', () => {
  const quant = { scales: [0.5], zeroPoints: [3] };
  const plain = read({ y: two }, [dense('x', 'w', 'y')]);
  const marked = read({ x: { shape: [1, 3], quant }, w: { ...w, quant }, y: { ...two, quant } }, [dense('x', 'w', 'y')]);
  assert.equal(marked, plain);
});

test.run();
