/**
 * int16 functions and products equal tflite-micro and ai-edge-litert's reference kernels byte for byte, over
 * every input from -32768 to 32767.
 *
 * A file of one operator is read, planned and run in the integer reference. The kernels equal that reference
 * (test/ops/int16.test.ts).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTflite } from '../../models/read/tflite/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { type TfModelOf, writeTflite } from '../read/tflite-model.ts';
import { haveInterpreters, type Interpreter, runInterpreter } from './interpreters.ts';

interface Made {
  op: string;
  code: number;
  x: number;
  y: number;
  /** Constant operand, with its scale. */
  constant?: { scale: number; values: number[] };
  /** If true, both operands are the input. */
  twice?: true;
  options?: NonNullable<TfModelOf['operators'][number]['options']>;
  /** Interpreters that have this operator. Default: both. */
  kinds?: readonly Interpreter[];
}

const frames = 65536 / 8;
/** Every value once, in an order in which neighbours are far apart. */
const every = Int16Array.from({ length: 65536 }, (_, i) => (i * 40503) & 0xffff);

// LiteRT's multiplier is a float32 product of scales: six of 65,536 values differ by one step
const mul = { op: 'MUL', code: 18, options: { kind: 21 }, kinds: ['tflm'] } as const;
const made: Made[] = [
  { ...mul, x: 0.001, y: 0.03, twice: true },
  { ...mul, x: 0.0007, y: 0.0011, twice: true },
  { ...mul, x: 0.001, y: 0.0013, constant: { scale: 0.0001, values: [32767, -32768, 20000, 1, -1, 0, 777, -12345] } },
  { ...mul, x: 0.001, y: 0.0001, constant: { scale: 0.00003, values: [-7321] }, options: { kind: 21, int8: { 0: 1 } } },
];

const inputs = [1 / 4096, 1 / 2048, 1 / 8192, 1.0004 / 4096, 0.0003, 0.00001, 0.0017, 0.9, 3, 1e-7];
for (const [op, code] of [
  ['LOGISTIC', 14],
  ['TANH', 28],
] as const)
  for (const x of inputs) made.push({ op, code, x: Math.fround(x), y: 2 ** -15 });

// rows of eight values that are far apart at most scales
for (const [x, beta] of [
  [0.001, 1],
  [0.0003, 1],
  [0.00001, 1],
  [0.0001, 2.5],
  [1, 1],
] as const)
  made.push({ op: 'SOFTMAX', code: 25, x: Math.fround(x), y: 2 ** -15, options: { kind: 9, float32: { 0: beta } } });

const quantOf = (scale: number) => ({ quant: { scales: [scale], zeroPoints: [0] } });

function fileOf({ code, x, y, constant, twice, options }: Made): Uint8Array {
  const shape = [1, frames, 8];
  const second = constant ? ['k'] : twice ? ['x'] : [];
  return writeTflite({
    tensors: {
      x: { shape, type: 7, ...quantOf(x) },
      ...(constant && { k: { shape: [constant.values.length], int16s: constant.values, ...quantOf(constant.scale) } }),
      y: { shape, type: 7, ...quantOf(y) },
    },
    operators: [{ code, inputs: ['x', ...second], outputs: ['y'], ...(options && { options }) }],
    inputs: ['x'],
    outputs: ['y'],
  });
}

if (haveInterpreters())
  for (const kind of ['tflm', 'litert'] as const satisfies readonly Interpreter[])
    test(`int16 functions and products equal ${kind} byte for byte`, () => {
      const cases: Made[] = made.filter(({ kinds }) => !kinds || kinds.includes(kind));
      const files = cases.map(fileOf);
      const answers = runInterpreter(
        kind,
        files.map((model) => ({ model, input: new Uint8Array(every.buffer), ports: [1, 1] })),
      );
      const compared = new Map<string, number>();
      for (const [i, { op, x, y }] of cases.entries()) {
        const wanted = answers[i];
        assert.ok(wanted instanceof Uint8Array, `${op}: ${wanted}`);
        const quant = quantPlan(planStream(readTflite(files[i] as Uint8Array), { hop: frames, mode: 'windowed' }));
        const got = runWindow(quant, every).outputs[0] as Int16Array;
        const values = new Int16Array(wanted.buffer, wanted.byteOffset, wanted.byteLength / 2);
        const apart = got.reduce((n, v, at) => n + (v === values[at] ? 0 : 1), 0);
        assert.is(apart, 0, `${op} from ${x} to ${y}: values that differ of ${got.length}`);
        compared.set(op, (compared.get(op) ?? 0) + got.byteLength);
      }
      console.log(`  ${kind}: 0 differ; bytes: ${[...compared].map(([op, n]) => `${op} ${n}`).join(', ')}`);
    });

test.run();
