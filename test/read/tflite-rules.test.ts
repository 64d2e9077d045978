/**
 * Rules of the TensorFlow Lite reader, one small file each. A file that contradicts itself or the
 * specification is refused, and the same file with the right value is read.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import type { Graph, NodeOf, OpName } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { View } from '../../models/read/tflite/view.ts';
import { runFloat } from '../graph/run-float.ts';
import type { OperatorOf, OptionsOf, QuantOf, TensorOf } from '../oracle/file.ts';
import type { OperatorName, TypeName } from '../oracle/schema.ts';
import { Net } from '../oracle/writer/net.ts';
import { Rng } from '../oracle/writer/rng.ts';
import { writeFile } from '../oracle/writer/write.ts';

const q = (scale: number, zeroPoint: number): QuantOf => ({ scales: [Math.fround(scale)], zeroPoints: [zeroPoint], axis: 0 });
const i32 = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
const f32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** A file with one subgraph, built tensor by tensor. */
class File {
  readonly tensors: TensorOf[] = [];
  readonly operators: OperatorOf[] = [];
  add(type: TypeName, shape: number[], more: { quant?: QuantOf; data?: Uint8Array } = {}): number {
    return this.tensors.push({ name: `t${this.tensors.length}`, type, shape, ...more }) - 1;
  }
  op(op: OperatorOf['op'], inputs: number[], outputs: number[], options: OptionsOf = {}): void {
    this.operators.push({ op, inputs, outputs, options });
  }
  read(inputs: number[], outputs: number[]): Graph {
    const { tensors, operators } = this;
    return readTflite(writeFile({ subgraphs: [{ name: 'main', tensors, operators, inputs, outputs }] }));
  }
}

const only = <K extends OpName>(graph: Graph, op: K): NodeOf<K> => {
  const found = graph.nodes.find((node) => node.op === op) as NodeOf<K> | undefined;
  if (!found) throw new Error(`no ${op}`);
  return found;
};
const refused = (read: () => unknown, what: string, code?: string): void =>
  assert.throws(read, (e: unknown) => isRunletError(e) && (code === undefined || e.code === code), `${what} is read`);

/** Values that an int8 convolution's file states. Each has a valid default. */
interface ConvOf {
  weightScales: number[];
  weightZeros: number[];
  axis: number;
  biasScale: number;
  inputZero: number;
}
const right: ConvOf = { weightScales: [0.02, 0.03, 0.04], weightZeros: [0, 0, 0], axis: 0, biasScale: 1, inputZero: -3 };

/** CONV_2D from [1, 6, 1, 2] to three outputs. `biasScale` multiplies the valid scales of the bias. */
function conv(numbers: Partial<ConvOf>): Graph {
  const { weightScales, weightZeros, axis, biasScale, inputZero } = { ...right, ...numbers };
  const file = new File();
  const x = file.add('int8', [1, 6, 1, 2], { quant: q(0.5, inputZero) });
  const scales = weightScales.map(Math.fround);
  const w = file.add('int8', [3, 2, 1, 2], {
    quant: { scales, zeroPoints: weightZeros, axis },
    data: Uint8Array.from({ length: 12 }, (_, i) => i),
  });
  const biasScales = scales.map((s) => Math.fround(0.5 * s * biasScale));
  const b = file.add('int32', [3], {
    quant: { scales: biasScales, zeroPoints: scales.map(() => 0), axis: 0 },
    data: i32(1, 2, 3),
  });
  const y = file.add('int8', [1, 5, 1, 3], { quant: q(0.1, 5) });
  file.op('CONV_2D', [x, w, b], [y], { padding: 1, strideW: 1, strideH: 1 });
  return file.read([x], [y]);
}

test('a convolution with invalid scales or zero points is refused', () => {
  assert.is(only(conv({}), 'conv').attrs.outChannels, 3);
  conv({ inputZero: -128 });
  refused(() => conv({ inputZero: -129 }), 'a zero point of -129');
  refused(() => conv({ inputZero: 128 }), 'a zero point of 128');
  refused(() => conv({ weightZeros: [0, 0, 1] }), 'a zero point of one channel of weights');
  refused(() => conv({ weightScales: [0.02, 0.03], weightZeros: [0, 0] }), 'two scales for three channels');
  // TensorFlow Lite requires |input scale x weight scale - bias scale| / output scale <= 0.02; the largest
  // product is 0.5 * 0.04
  conv({ biasScale: 1.09 });
  refused(() => conv({ biasScale: 1.5 }), 'a bias scale that is 50 % too large', 'RN105');
});

test('depthwise weights have their scales along the last dimension, and the multiplier must match the filter', () => {
  const depthwise = (axis: number, scales: number, multiplier: number) => {
    const file = new File();
    const x = file.add('int8', [1, 6, 1, 2], { quant: q(0.5, 0) });
    const w = file.add('int8', [1, 4, 1, 4], {
      quant: { scales: new Array(scales).fill(Math.fround(0.02)), zeroPoints: new Array(scales).fill(0), axis },
      data: Uint8Array.from({ length: 16 }, (_, i) => i),
    });
    const y = file.add('int8', [1, 3, 1, 4], { quant: q(0.1, 5) });
    file.op('DEPTHWISE_CONV_2D', [x, w, -1], [y], { padding: 1, strideW: 1, strideH: 1, multiplier });
    return file.read([x], [y]);
  };
  assert.is(only(depthwise(3, 4, 2), 'depthwise').attrs.multiplier, 2);
  refused(() => depthwise(1, 4, 2), 'scales along the height of the kernel', 'RN105');
  for (const stated of [1, 3]) refused(() => depthwise(3, 4, stated), `a multiplier of ${stated} where the filter has 2`);
});

/** Returns the graph of one int8 operator `op` whose output has the quantisation `y`. */
function single(op: OperatorName, y: QuantOf, options: OptionsOf = {}, shape = [1, 6, 1, 4], outShape = shape): Graph {
  const file = new File();
  const [x, out] = [file.add('int8', shape, { quant: q(0.05, -3) }), file.add('int8', outShape, { quant: y })];
  file.op(op, [x], [out], options);
  return file.read([x], [out]);
}

test('outputs must have the scale and zero point that the specification fixes', () => {
  for (const [op, scale, zero] of [
    ['LOGISTIC', 1 / 256, -128],
    ['TANH', 1 / 128, 0],
    ['SOFTMAX', 1 / 256, -128],
  ] as const) {
    const options: OptionsOf = op === 'SOFTMAX' ? { beta: 1 } : {};
    single(op, q(scale, zero), options);
    refused(() => single(op, q(scale, zero + 1), options), `${op} with another zero point`, 'RN105');
    refused(() => single(op, q(2 * scale, zero), options), `${op} with another scale`, 'RN105');
  }
});

test('an average over the whole window keeps the rounding of its operator: AVERAGE_POOL_2D or MEAN', () => {
  const pool = { padding: 1, strideW: 1, strideH: 1, filterW: 1, filterH: 6 };
  const average = single('AVERAGE_POOL_2D', q(0.05, -3), pool, [1, 6, 1, 4], [1, 1, 1, 4]);
  assert.is(only(average, 'globalavg').attrs.rule, 'avgpool');
  const file = new File();
  const [x, axes] = [file.add('int8', [1, 6, 1, 4], { quant: q(0.05, -3) }), file.add('int32', [2], { data: i32(1, 2) })];
  const y = file.add('int8', [1, 4], { quant: q(0.04, 1) });
  file.op('MEAN', [x, axes], [y]);
  assert.is(only(file.read([x], [y]), 'globalavg').attrs.rule, 'mean');
});

test('FULLY_CONNECTED stays marked with one weight scale or several, and shuffled weights are refused', () => {
  const dense = (scales: number[], weightsFormat = 0) => {
    const file = new File();
    const x = file.add('int8', [1, 4], { quant: q(0.5, 0) });
    const data = Uint8Array.from({ length: 8 }, (_, i) => i);
    const w = file.add('int8', [2, 4], {
      quant: { scales: scales.map(Math.fround), zeroPoints: scales.map(() => 0), axis: 0 },
      data,
    });
    const y = file.add('int8', [1, 2], { quant: q(0.1, 5) });
    file.op('FULLY_CONNECTED', [x, w, -1], [y], { weightsFormat });
    return only(file.read([x], [y]), 'dense').attrs.weights;
  };
  assert.is(dense([0.02]).scaleRule, 'dense');
  assert.is(dense([0.02, 0.03]).scaleRule, 'dense');
  refused(() => dense([0.02], 1), 'a shuffled matrix');
});

test('every concatenated part must have the scale of the result', () => {
  const joined = (first: number, second: number) => {
    const file = new File();
    const [a, b] = [0, 1].map(() => file.add('int8', [1, 6, 1, 2], { quant: q(0.05, -3) })) as [number, number];
    const parts = [first, second].map((scale) => file.add('int8', [1, 6, 1, 2], { quant: q(scale, -3) })) as [number, number];
    // QUANTIZE gives each part its own scale
    file.op('QUANTIZE', [a], [parts[0]]);
    file.op('QUANTIZE', [b], [parts[1]]);
    const y = file.add('int8', [1, 6, 1, 4], { quant: q(0.1, -3) });
    file.op('CONCATENATION', parts, [y], { axis: 3 });
    return file.read([a, b], [y]);
  };
  joined(0.1, 0.1);
  refused(() => joined(0.2, 0.1), 'a first part of another scale', 'RN105');
  refused(() => joined(0.1, 0.2), 'a second part of another scale', 'RN105');
});

test('the zero point of a uint8 border is that of its int8 side plus 128', () => {
  const border = (zero: number) => {
    const file = new File();
    const x = file.add('uint8', [1, 6, 1, 2], { quant: q(0.05, zero) });
    const [a, y] = [0, 1].map(() => file.add('int8', [1, 6, 1, 2], { quant: q(0.05, -3) })) as [number, number];
    file.op('QUANTIZE', [x], [a]);
    file.op('RELU', [a], [y]);
    return file.read([x], [y]);
  };
  assert.is(border(125).inputs[0]?.hostType, 'uint8');
  for (const zero of [124, 126]) refused(() => border(zero), `uint8 zero point ${zero} for -3`);
});

test('constant - x and x - constant keep their order', () => {
  const sub = (constantFirst: boolean) => {
    const file = new File();
    const x = file.add('float32', [1, 3, 1, 2]);
    const c = file.add('float32', [2], { data: f32(10, 20) });
    const y = file.add('float32', [1, 3, 1, 2]);
    file.op('SUB', constantFirst ? [c, x] : [x, c], [y]);
    const graph = file.read([x], [y]);
    return [...(runFloat(graph, [Float32Array.of(1, 2, 3, 4, 5, 6)])[graph.outputs[0]?.tensor ?? -1] as Float32Array)];
  };
  assert.equal(sub(true), [9, 18, 7, 16, 5, 14]);
  assert.equal(sub(false), [-9, -18, -7, -16, -5, -14]);
});

test('STRIDED_SLICE has separate masks for begin and end, and -1 in SPLIT_V is the rest', () => {
  const file = new File();
  const x = file.add('float32', [1, 5, 1, 4]);
  const ranges = [i32(0, 0, 0, 1), i32(0, 0, 0, 0), i32(1, 1, 1, 1)].map((data) => file.add('int32', [4], { data }));
  const y = file.add('float32', [1, 5, 1, 3]);
  file.op('STRIDED_SLICE', [x, ...ranges], [y], { beginMask: 7, endMask: 15 });
  const cut = only(file.read([x], [y]), 'slice').attrs;
  assert.equal([cut.axis, cut.from, cut.to], ['c', 1, 4]);

  const split = new File();
  const from = split.add('float32', [1, 5, 1, 4]);
  const [sizes, axis] = [split.add('int32', [2], { data: i32(1, -1) }), split.add('int32', [1], { data: i32(3) })];
  const parts = [1, 3].map((c) => split.add('float32', [1, 5, 1, c]));
  split.op('SPLIT_V', [from, sizes, axis], parts, { splits: 2 });
  const slices = split.read([from], parts).nodes.map((node) => (node.op === 'slice' ? [node.attrs.from, node.attrs.to] : []));
  assert.equal(slices, [
    [0, 1],
    [1, 4],
  ]);
});

/**
 * Returns a stream with two rows of history that keeps rows [from, from + 2) and starts with `first` as its
 * first value.
 */
function stateful(from: number, first = -7): Graph {
  const net = new Net(new Rng(1));
  const x = net.flow('input', { rows: 1, f: 1, c: 4, scale: 0.1, zeroPoint: -7 });
  net.main.inputs.push(x.id);
  const joined = net.history(x, 2, 'v2');
  const file = net.file();
  const [main, init] = file.subgraphs as [(typeof file.subgraphs)[0], (typeof file.subgraphs)[0]];
  const assign = main.operators.find((op) => op.op === 'ASSIGN_VARIABLE') as OperatorOf;
  const kept = net.rowsOf(joined, from, from + 2);
  const slice = main.operators.pop() as OperatorOf;
  main.operators.splice(main.operators.indexOf(assign), 0, slice);
  assign.inputs[1] = kept.id;
  const value = init.tensors.find((tensor) => tensor.data && tensor.type === 'int8');
  if (value?.data) value.data[0] = first & 255;
  const y = net.flow('y', { ...joined, rows: joined.rows });
  main.operators.push({ op: 'RELU', inputs: [joined.id], outputs: [y.id], options: {} });
  main.outputs.push(y.id);
  return readTflite(writeFile(file));
}

test('a state keeps the newest rows and starts at the zero point', () => {
  assert.ok(stateful(1).stateful);
  refused(() => stateful(0), 'a state that keeps its oldest rows');
  refused(() => stateful(1, -6), 'a state with another first value');
});

test('vectors that share bytes are counted, and a file of 64 KB gives little more than 1 MB', () => {
  const bytes = new Uint8Array(65536);
  const each = 32768;
  new DataView(bytes.buffer).setUint32(0, each, true);
  const view = new View(bytes);
  const limit = (16 * bytes.length + 65536) / each;
  assert.throws(
    () => {
      for (let i = 0; i <= limit; i++) view.vectorAt(0, 1, 'shared');
    },
    (e: unknown) => isRunletError(e) && e.code === 'RN102',
  );
});

test('a field must be completely inside its table, and data inside the file', () => {
  const bytes = new Uint8Array(32);
  const data = new DataView(bytes.buffer);
  // vtable at 4 with 6 bytes, for a table of 8 bytes at 16 whose field 0 is at `offset`
  const table = (offset: number) => {
    data.setUint16(4, 6, true);
    data.setUint16(6, 8, true);
    data.setUint16(8, offset, true);
    data.setInt32(16, 12, true);
    return new View(bytes).table(16, 'T');
  };
  assert.is(table(4).int32(0), 0);
  assert.is(table(7).int8(0), 0);
  for (const offset of [5, 7, 8]) refused(() => table(offset).int32(0), `four bytes from ${offset} of 8`, 'RN101');
  new View(bytes).need(28, 4, 'the end');
  refused(() => new View(bytes).need(29, 4, 'past the end'), 'a byte past the end of the file', 'RN101');
});

test.run();
