/**
 * Rules R10 and R13 of streaming: the readers refuse such layers by name. The message has the rule, the
 * number of frames and a remedy.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import type { Rule } from '../../models/report/rules.ts';
import { type ModelOf, type NodeOf, writeModel } from '../../models/write/onnx/proto.ts';
import { type TfModelOf, writeTflite } from './tflite-model.ts';

function refusal(read: () => Graph): string {
  try {
    read();
  } catch (error) {
    if (!isRunletError(error)) throw error;
    assert.ok(error.code === 'RN150' || error.code === 'RN110', error.message);
    return error.message;
  }
  return assert.unreachable('it was read') as never;
}

const ones = (...dims: number[]) => ({ dims, floats: new Array(dims.reduce((a, b) => a * b, 1)).fill(1) });

/** Returns the message for a convolution from [1, 3, 6] to `a`, followed by these nodes. */
const onnx = (nodes: NodeOf[], tensors: ModelOf['tensors'] = {}) =>
  refusal(() =>
    readOnnx(
      writeModel({
        nodes: [{ op: 'Conv', inputs: ['x', 'w'], outputs: ['a'] }, ...nodes],
        inputs: { x: [1, 2, 8] },
        outputs: ['y'],
        tensors: { w: ones(3, 2, 3), ...tensors },
      }),
    ),
  );
const after = (op: string, attributes: NodeOf['attributes'] = {}, ...more: string[]): NodeOf => ({
  op,
  name: 'node',
  inputs: ['a', ...more],
  outputs: ['y'],
  attributes,
});

const inOnnx: Record<string, [rule: Rule, numbers: RegExp, message: () => string]> = {
  'running sum': ['R10', /first frame/, () => onnx([after('CumSum', {}, 's')], { s: { dims: [], ints: [2] } })],
  'batch norm in training mode': [
    'R10',
    /training mode/,
    () => onnx([after('BatchNormalization', { training_mode: 1 }, 's', 's', 's', 's')], { s: ones(3) }),
  ],
  'a mean over time in an unknown operator': [
    'R10',
    /1 row\) is combined with its 6 rows/,
    () => onnx([{ op: 'GlobalAveragePool', inputs: ['a'], outputs: ['m'] }, after('Mod', {}, 'm')]),
  ],
  LinearAttention: ['R13', /attention reads the 6 rows/, () => onnx([after('LinearAttention')])],
  GroupQueryAttention: ['R13', /attention/, () => onnx([{ ...after('GroupQueryAttention'), domain: 'com.microsoft' }])],
};
for (const [name, [rule, numbers, message]] of Object.entries(inOnnx))
  test(`${rule} in ONNX: refused with the rule: ${name}`, () => {
    const text = message();
    assert.match(text, new RegExp(`rule ${rule}\\b`));
    assert.match(text, numbers);
  });

test('normalisation within a frame is refused because there is no kernel, not because of a rule', () => {
  const turned: NodeOf = { op: 'Transpose', inputs: ['a'], outputs: ['t'], attributes: { perm: [0, 2, 1] } };
  const text = onnx([turned, { ...after('RMSNormalization', { axis: 2 }), inputs: ['t'], domain: 'com.example' }]);
  assert.match(text, /would stream \(rule R10\), but there is no kernel/);
});

/** Returns the message for these operators on x [1, 16, 4]. */
const tflite = (operators: TfModelOf['operators'], tensors: TfModelOf['tensors'] = {}, outputs = ['y']) =>
  refusal(() =>
    readTflite(
      writeTflite({
        tensors: { x: { shape: [1, 16, 4] }, y: { shape: [1, 16, 4] }, ...tensors },
        operators,
        inputs: ['x'],
        outputs,
      }),
    ),
  );
const single = (code: number, ...more: string[]) => ({ code, inputs: ['x', ...more], outputs: ['y'] });
const meanOverTime = { code: 40, inputs: ['x', 'axis'], outputs: ['m'], options: { kind: 27, int8: { 0: 1 } } };
const meanTensors = { axis: { shape: [1], ints: [1] }, m: { shape: [1, 1, 4] } };

const inTflite: Record<string, [rule: Rule, numbers: RegExp, message: () => string]> = {
  UNIDIRECTIONAL_SEQUENCE_RNN: ['R13', /the 16 frames .*\[1, 16, 4\]/, () => tflite([single(35)])],
  LSTM: ['R13', /the 16 frames/, () => tflite([single(16)])],
  BIDIRECTIONAL_SEQUENCE_LSTM: ['R13', /the 16 frames of the window backwards/, () => tflite([single(52)])],
  'SOFTMAX over time with another temperature': [
    'R13',
    /its divisor runs over 16 rows/,
    () =>
      tflite(
        [
          meanOverTime,
          { code: 39, inputs: ['x', 'perm'], outputs: ['t'] },
          { code: 25, inputs: ['t'], outputs: ['y'], options: { kind: 9, float32: { 0: 2 } } },
        ],
        { ...meanTensors, perm: { shape: [3], ints: [0, 2, 1] }, t: { shape: [1, 4, 16] }, y: { shape: [1, 4, 16] } },
        ['y', 'm'],
      ),
  ],
  'FLOOR_DIV with a mean over time': [
    'R10',
    /1 row\) is combined with its 16 rows/,
    () => tflite([meanOverTime, single(90, 'm')], meanTensors),
  ],
  CUMSUM: ['R10', /first frame/, () => tflite([single(128)])],
};
for (const [name, [rule, numbers, message]] of Object.entries(inTflite))
  test(`${rule} in TensorFlow Lite: refused with the rule: ${name}`, () => {
    const text = message();
    assert.match(text, new RegExp(`rule ${rule}\\b`));
    assert.match(text, numbers);
  });

test.run();
