/**
 * Functions of one value in the readers: ONNX against onnxruntime, TensorFlow Lite against formulas, and
 * files that are refused. test/references/unary.test.ts compares with the interpreters,
 * test/read/tfjs.test.ts with TensorFlow.js.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { readGraph, writeGraph } from '../../models/graph/file.ts';
import type { ActivationAttrs, Graph, Node } from '../../models/graph/types.ts';
import { unary, unaryFns, unaryOf, unaryOperators } from '../../models/ops/unary.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { unwritable, writeOnnx } from '../../models/write/onnx/index.ts';
import { type ModelOf, writeModel } from '../../models/write/onnx/proto.ts';
import { runFloat } from '../graph/run-float.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError } from './onnx-oracle.ts';
import { codes, type Made, unaryFile } from './unary-file.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

type Attributes = NonNullable<ModelOf['nodes'][number]['attributes']>;
/**
 * Returns a model with one operator over x, which is made positive if the function requires it. `second` is a
 * constant operand at position `at`.
 */
function onnx(op: string, attributes: Attributes = {}, second?: { at: number; values: number[] }, opset = 17): Uint8Array {
  const positive = /^(Sqrt|Log|Reciprocal|Pow|Div)$/.test(op);
  const inputs = second ? (second.at === 0 ? ['k', 'p'] : ['p', 'k']) : ['p'];
  const [first, epsilon] = positive ? ['Abs', 0.1] : ['Identity', 0];
  return writeModel({
    nodes: [
      { op: first, inputs: ['x'], outputs: ['a'] },
      { op: 'Add', inputs: ['a', 'e'], outputs: ['p'] },
      { op, name: 'n', inputs, outputs: ['y'], attributes },
    ],
    inputs: { x: [1, 3, 40] },
    outputs: ['y'],
    tensors: {
      e: { dims: [], floats: [epsilon] },
      ...(second && { k: { dims: [second.values.length], floats: second.values } }),
    },
    opset,
  });
}
const scalar = (at: number, value: number) => ({ at, values: [value] });
const attrsOf = (graph: Graph): ActivationAttrs => graph.nodes.findLast((n) => n.op === 'activation')?.attrs as ActivationAttrs;

const files: Record<string, Uint8Array> = {
  ...Object.fromEntries(
    unaryFns.flatMap((fn) => {
      const { onnx: name, since = 17, alpha } = unaryOf(fn);
      // onnxruntime 1.30 has no Swish
      if (!name || name === 'Swish') return [];
      const [op, form] = name.split('.') as [string, string?];
      const attributes: Attributes = {
        ...(alpha !== undefined && { alpha: { float: 0.6 } }),
        ...(form && { approximate: form }),
      };
      return [[fn, onnx(op, attributes, undefined, since)]];
    }),
  ),
  'the default parameters': onnx('Elu'),
  'a power of 2': onnx('Pow', {}, scalar(1, 2)),
  'a power of 1/2': onnx('Pow', {}, scalar(1, 0.5)),
  'a power of -1/2': onnx('Pow', {}, scalar(1, -0.5)),
  'a power of -1': onnx('Pow', {}, scalar(1, -1)),
  'a power of 1': onnx('Pow', {}, scalar(1, 1)),
  'a power of 2.7': onnx('Pow', {}, scalar(1, 2.7)),
  'a maximum': onnx('Max', {}, scalar(1, 0.3)),
  'a maximum, constant first': onnx('Max', {}, scalar(0, -0.3)),
  'a minimum': onnx('Min', {}, scalar(1, 0.3)),
  'one slope': onnx('PRelu', {}, scalar(1, 0.2)),
  'a constant divided by x': onnx('Div', {}, scalar(0, 3)),
};
for (const [name, bytes] of Object.entries(files))
  test(`ONNX agrees with onnxruntime: ${name}`, async () => {
    const graph = readOnnx(bytes);
    const inputs = randomInputs(graph, 5);
    const [own] = ownOutputs(graph, inputs) as [Float32Array];
    assert.ok(own.every(Number.isFinite) && new Set(own).size > 1);
    if (!runtime) return;
    const [theirs] = await oracle(runtime, bytes, graph, inputs);
    const error = relativeError(own, theirs as Float32Array);
    assert.ok(error <= 2e-6, `${error}`);
  });

test('powers with a name become that function', () => {
  const fnOf = (exponent: number) => attrsOf(readOnnx(onnx('Pow', {}, scalar(1, exponent)))).fn;
  assert.equal([2, 0.5, -0.5, -1, 3].map(fnOf), ['square', 'sqrt', 'rsqrt', 'reciprocal', 'pow']);
});

const code = (run: () => unknown, message: RegExp): void => {
  assert.throws(run, (e: unknown) => isRunletError(e) && message.test(e.message));
};
test('ONNX: operators that are not a function of one value are refused with the reason', () => {
  code(() => readOnnx(onnx('Pow', {}, { at: 1, values: [1, 2, 3] })), /its exponent has 3 values/);
  code(() => readOnnx(onnx('Max', {}, { at: 1, values: [] })), /RN1/);
  code(() => readOnnx(onnx('Selu', { alpha: { float: 1.5 } })), /its alpha is 1.5/);
  code(() => readOnnx(onnx('Gelu', { approximate: 'tanh', beta: { float: 1 } })), /attribute beta/);
  readOnnx(onnx('Selu', { alpha: { float: 1.6732632423543772 }, gamma: { float: 1.0507010221481323 } }));
});

test('nodes do not share a function: a clamp that folds into one does not change the others', () => {
  const bytes = writeModel({
    nodes: [
      { op: 'Tanh', inputs: ['x'], outputs: ['a'] },
      { op: 'Clip', inputs: ['a', 'low', 'high'], outputs: ['b'] },
      { op: 'Tanh', inputs: ['b'], outputs: ['y'] },
    ],
    inputs: { x: [1, 1, 8] },
    outputs: ['y'],
    tensors: { low: { dims: [], floats: [-0.1] }, high: { dims: [], floats: [0.2] } },
  });
  const clamps = readOnnx(bytes).nodes.map((n) => (n.attrs as ActivationAttrs).clamp);
  assert.is(clamps.length, 2);
  assert.equal(clamps[1], [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
});

const inputs = Float32Array.from({ length: 64 }, (_, i) => (i - 31) / 8);
const runs = (made: Made, x: Float32Array): Float32Array => {
  const graph = readTflite(unaryFile(made));
  return runFloat(graph, [x])[graph.outputs[0]?.tensor as number] as Float32Array;
};

test('float TensorFlow Lite: every operator computes its formula', () => {
  for (const op of [...unaryOperators('tflite'), 'NEG']) {
    if (/^(RELU|LEAKY)/.test(op)) continue;
    const fn = op === 'NEG' ? undefined : unaryFns.find((f) => unaryOf(f).tflite === op);
    const x = fn && unaryOf(fn).domain ? inputs.map((v) => Math.abs(v) + 0.1) : inputs;
    const wanted = x.map((v) => (fn ? unary[fn].of(v, 1) : -v));
    assert.ok(relativeError(runs({ op }, x), wanted) < 1e-7, op);
  }
  const tanh = inputs.map((v) => unary.gelutanh.of(v));
  assert.ok(relativeError(runs({ op: 'GELU', approximate: true }, inputs), tanh) < 1e-7);
  const clamp = (low: number, high: number) => inputs.map((v) => Math.min(high, Math.max(low, v)));
  assert.equal(runs({ op: 'MAXIMUM', constant: [0.5] }, inputs), clamp(0.5, Number.POSITIVE_INFINITY));
  assert.equal(runs({ op: 'MINIMUM', constant: [0.5] }, inputs), clamp(Number.NEGATIVE_INFINITY, 0.5));
  assert.equal(runs({ op: 'RELU_0_TO_1' }, inputs), clamp(0, 1));
  assert.equal(runs({ op: 'POW', constant: [3] }, inputs), inputs.map((v) => v ** 3)); // biome-ignore format: one line
  code(() => runs({ op: 'MAXIMUM', constant: [0.5, 1] }, inputs), /2 values; one for all/);
});

test('int8 TensorFlow Lite: an operator without a kernel, or with one that truncates, is refused', () => {
  const quant = { x: { scale: 0.05, zeroPoint: -128 }, y: { scale: 0.05, zeroPoint: -128 } };
  for (const op of Object.keys(codes)) {
    const made: Made = { op, quant, ...(/^(MAX|MIN|POW)/.test(op) && { constant: [3] }) };
    const refused = op === 'NEG' || op === 'POW' || unaryFns.some((f) => unaryOf(f).tflite === op && unaryOf(f).noInt8);
    if (refused) code(() => readTflite(unaryFile(made)), /RN110[\s\S]*(no int8 kernel|truncates its int8)/);
    else readTflite(unaryFile(made));
  }
  const apart = { ...quant, y: { scale: 0.05, zeroPoint: -127 } };
  code(() => readTflite(unaryFile({ op: 'MAXIMUM', constant: [3], quant: apart })), /the same parameters/);
});

test('.rnq and ONNX files can store every function of their format', () => {
  for (const fn of unaryFns) {
    const made = readOnnx(onnx('Tanh'));
    const node = made.nodes.find((n) => n.op === 'activation');
    const { alpha, onnx: name, since = 17 } = unaryOf(fn);
    Object.assign(node?.attrs ?? {}, { fn, ...(alpha !== undefined && { alpha: 0.75 }) });
    assert.equal(attrsOf(readGraph(writeGraph(made))), node?.attrs, fn);
    if (fn === 'identity') continue;
    if (name && since <= 17) {
      const back = attrsOf(readOnnx(writeOnnx(made)));
      assert.equal([back.fn, back.alpha], [fn, alpha === undefined ? undefined : 0.75], fn);
    } else assert.is(unwritable(node as Node), `${fn} is no operator of opset 17`);
  }
});

test.run();
