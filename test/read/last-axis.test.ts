/**
 * A dense layer on the last axis: rows are frames, whatever shape they have in the file.
 *
 * Keras lowers Dense on [1, t, c] to RESHAPE [t, c], FULLY_CONNECTED, RESHAPE [1, t, units]; ONNX has MatMul
 * on [1, t, c], or Gemm after a Reshape. The outputs of each file are compared with explicit sums.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph } from '../../models/graph/types.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { runFloat } from '../graph/run-float.ts';
import { type TfModelOf, writeTflite } from './tflite-model.ts';

const [t, c, units] = [6, 4, 3];
const weights = Array.from({ length: units * c }, (_, i) => ((i * 7) % 11) / 8 - 0.5); // [units][c]
const window = Float32Array.from({ length: t * c }, (_, i) => ((i * 13) % 17) / 4 - 2); // [t][c]
const expected = Array.from({ length: t * units }, (_, i) => {
  const [row, u] = [Math.floor(i / units), i % units];
  let sum = 0;
  for (let k = 0; k < c; k++) sum += (weights[u * c + k] as number) * (window[row * c + k] as number);
  return Math.fround(sum);
});

function check(graph: Graph, frames = t): void {
  const [input, output] = [graph.inputs[0], graph.outputs[0]] as [Graph['inputs'][0], Graph['outputs'][0]];
  const shape = graph.tensors[input.tensor]?.shape ?? { t: 0, f: 0, c: 0 };
  assert.is(shape.t, frames, 'frames');
  const rows = Float32Array.from(toNormalForm(input.order, shape), (from) => window[from] as number);
  const y = runFloat(graph, [rows])[output.tensor] as Float32Array;
  const inFile: number[] = [];
  for (const [i, to] of toNormalForm(output.order, graph.tensors[output.tensor]?.shape ?? shape).entries())
    inFile[to] = y[i] as number;
  assert.equal(inFile, expected);
}

const dense = { code: 9, options: { kind: 8 } };
const reshape = (input: string, output: string, shape: string) => ({ code: 22, inputs: [input, shape], outputs: [output] });
const w = { shape: [units, c], floats: weights };
const tflite = (tensors: TfModelOf['tensors'], operators: TfModelOf['operators'], output: string) =>
  readTflite(writeTflite({ tensors: { ...tensors, w }, operators, inputs: ['x'], outputs: [output] }));

for (const [name, shape] of [
  ['[1, t, c]', [1, t, c]],
  ['a flat window', [1, t * c]],
] as const)
  test(`FULLY_CONNECTED on rows of ${name}`, () => {
    const tensors = {
      x: { shape: [...shape] },
      rows: { shape: [t, c] },
      to: { shape: [2], ints: [t, c] },
      h: { shape: [t, units] },
      back: { shape: [3], ints: [1, t, units] },
      y: { shape: [1, t, units] },
    };
    const all = [reshape('x', 'rows', 'to'), { ...dense, inputs: ['rows', 'w'], outputs: ['h'] }, reshape('h', 'y', 'back')];
    check(tflite(tensors, all, 'y'));
    // the dense layer's rows as the output
    check(tflite(tensors, all.slice(0, 2), 'h'));
  });

test('FULLY_CONNECTED with keep_num_dims gives the same rows', () => {
  const keeps = { code: 9, options: { kind: 8, int8: { 2: 1 } }, inputs: ['x', 'w'], outputs: ['y'] };
  check(tflite({ x: { shape: [1, t, c] }, y: { shape: [1, t, units] } }, [keeps], 'y'));
});

test('a constant may have more dimensions than the rows', () => {
  const tensors = { x: { shape: [1, t, c] }, one: { shape: [1, 1, c], floats: [1, 1, 1, 1] }, z: { shape: [1, t, c] }, rows: { shape: [t, c] }, to: { shape: [2], ints: [t, c] }, y: { shape: [t, units] } }; // biome-ignore format: one line
  const multiply = { code: 18, inputs: ['rows', 'one'], outputs: ['z'] };
  const operators = [reshape('x', 'rows', 'to'), multiply, { ...dense, inputs: ['z', 'w'], outputs: ['y'] }];
  check(tflite(tensors, operators, 'y'));
});

test('ONNX: MatMul on [1, t, c] and Gemm after a Reshape give the same rows', () => {
  const columns = Array.from({ length: c * units }, (_, i) => weights[(i % units) * c + Math.floor(i / units)] as number);
  const constants = { k: { dims: [c, units], floats: columns }, g: { dims: [units, c], floats: weights } };
  const shapes = { to: { dims: [2], ints: [t, c] }, back: { dims: [3], ints: [1, t, units] } };
  check(readOnnx(writeModel({ inputs: { x: [1, t, c] }, tensors: constants, nodes: [{ op: 'MatMul', inputs: ['x', 'k'], outputs: ['y'] }], outputs: ['y'] }))); // biome-ignore format: one line
  for (const dims of [
    [1, t, c],
    [1, t * c],
  ]) {
    // biome-ignore format: one line
    const nodes = [
      { op: 'Reshape', inputs: ['x', 'to'], outputs: ['rows'] },
      { op: 'Gemm', inputs: ['rows', 'g'], outputs: ['h'], attributes: { transB: 1 } },
      { op: 'Reshape', inputs: ['h', 'back'], outputs: ['y'] },
    ];
    check(readOnnx(writeModel({ inputs: { x: dims }, tensors: { ...constants, ...shapes }, nodes, outputs: ['y'] })));
  }
});

test.run();
