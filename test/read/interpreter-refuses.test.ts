/**
 * Values that TensorFlow Lite's interpreter and ONNX Runtime do not accept are refused, not guessed.
 *
 * Checked with ai-edge-litert 2.3.0 and these files. For the quantised dimensions 4, 9 and -1 it reports
 * "quantized_dimension must be in range [0, 4)". For the reshapes, its reference and optimised kernels report
 * "num_input_elements != num_output_elements" and, with two unknown dimensions, "stretch_dim != -1". XNNPACK,
 * which the interpreter uses by default, reads a zero as "the input's dimension" and accepts [1, 0, 2]; the
 * kernels refuse it.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readModel } from '../../models/read/index.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { codeOf } from '../host/helpers.ts';
import { writeTflite } from './tflite-model.ts';

const relu = (axis: number) => {
  const of = (at: number) => ({ shape: [1, 8, 1, 2], type: 9, quant: { scales: [0.5], zeroPoints: [0], axis: at } });
  return writeTflite({
    tensors: { x: of(axis), y: of(0) },
    operators: [{ code: 19, inputs: ['x'], outputs: ['y'] }],
    inputs: ['x'],
    outputs: ['y'],
  });
};

test('a quantised dimension that the tensor does not have is refused, also with one scale', async () => {
  for (const axis of [0, 3]) assert.is(await codeOf(() => readModel(relu(axis))), 'none', `dimension ${axis}`);
  for (const axis of [4, 9, -1]) assert.is(await codeOf(() => readModel(relu(axis))), 'RN105', `dimension ${axis}`);
});

const reshape = (shape: number[]) =>
  writeTflite({
    tensors: { x: { shape: [1, 8, 1, 2] }, a: { shape: [1, 8, 1, 2] }, y: { shape: [1, 8, 2] } },
    operators: [
      { code: 19, inputs: ['x'], outputs: ['a'] },
      { code: 22, inputs: ['a'], outputs: ['y'], options: { kind: 17, vectors: { 0: shape } } },
    ],
    inputs: ['x'],
    outputs: ['y'],
  });

test('a reshape whose options state another size than its input is refused, whatever its output tensor declares', async () => {
  for (const shape of [[1, 8, 2], [1, -1, 2]]) // biome-ignore format: one line
    assert.is(await codeOf(() => readModel(reshape(shape))), 'none', shape.join());
  for (const shape of [[1, 8, 3], [1, 7, 2], [1, 0, 2], [-1, -1, 2]]) // biome-ignore format: one line
    assert.is(await codeOf(() => readModel(reshape(shape))), 'RN110', shape.join());
});

test('Clip with NaN as a bound is refused', async () => {
  const clip = (low: number, high: number) =>
    writeModel({
      inputs: { x: [1, 2, 8] },
      tensors: { low: { dims: [], floats: [low] }, high: { dims: [], floats: [high] } },
      nodes: [{ op: 'Clip', inputs: ['x', 'low', 'high'], outputs: ['y'] }],
      outputs: ['y'],
    });
  const open = (low: number, high: number) => codeOf(() => readModel(clip(low, high)));
  assert.is(await open(0, 6), 'none');
  for (const [low, high] of [[Number.NaN, 6], [0, Number.NaN], [Number.NaN, Number.NaN]] as [number, number][]) // biome-ignore format: one line
    assert.not.equal(await open(low, high), 'none', `${low} to ${high}`);
});

test.run();
