/**
 * Recurrent layers in the readers: loops of TensorFlow Lite against TensorFlow's outputs, ONNX operators
 * against onnxruntime, and which loop bodies are recognised as a cell.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readGraph, writeGraph } from '../../models/graph/file.ts';
import type { OpName } from '../../models/graph/types.ts';
import { type Body, cellFrom } from '../../models/read/cell.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { type ModelOf, writeModel } from '../../models/write/onnx/proto.ts';
import { runFloat } from '../graph/run-float.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError, seededNormal } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';
import { toFile, toGraph } from './tflite-helpers.ts';

const folder = join(import.meta.dirname, '../fixtures/recurrent');
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.tflite') ? [file.slice(0, -7)] : []));
const fixture = (name: string) => readFileSync(join(folder, `${name}.tflite`));
const cells = (ops: readonly { op: OpName }[]) => ops.map(({ op }) => op).filter((op) => ['lstm', 'gru', 'rnn'].includes(op));

for (const name of names)
  test(`TensorFlow Lite, ${name}: gives the outputs of TensorFlow`, () => {
    const graph = readTflite(fixture(name));
    const known = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as { inputs: number[][]; outputs: number[][] };
    const [input, output] = [graph.inputs[0], graph.outputs[0]];
    if (!input || !output) throw new Error('incomplete');
    for (const [i, values] of known.inputs.entries()) {
      const x = toGraph(graph, input, Float32Array.from(values));
      const y = toFile(graph, output, runFloat(graph, [x])[output.tensor] as Float32Array);
      const wanted = known.outputs[i] as number[];
      assert.is(y.length, wanted.length);
      for (const [k, v] of y.entries()) assert.ok(Math.abs(v - (wanted[k] as number)) <= 1e-5, `${i}, ${k}: ${v}`);
    }
    assert.equal(readGraph(writeGraph(graph)).nodes, graph.nodes, '.rnq stores cells');
  });

test('TensorFlow Lite: a loop becomes the cell that it computes', () => {
  assert.equal(
    names.map((name) => cells(readTflite(fixture(name)).nodes)),
    [
      ['lstm', 'lstm', 'gru', 'gru'],
      ['lstm'],
      ['lstm', 'lstm', 'lstm', 'lstm'],
      ['gru'],
      ['gru'],
      ['lstm'],
      ['lstm'],
      ['lstm'],
      ['lstm', 'lstm'],
      ['rnn'],
    ],
  );
});

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');
const withRuntime = runtime ? test : test.skip;

const [t, c, u] = [7, 3, 4];
const gates = { LSTM: 4, GRU: 3, RNN: 1 } as const;

interface OnnxCell {
  op: keyof typeof gates;
  direction?: 'forward' | 'reverse' | 'bidirectional';
  linearBeforeReset?: boolean;
  activations?: string[];
  bias?: boolean;
  /** Outputs that the model reads: all frames, the last frame, or Y_h. */
  read?: 'all' | 'last' | 'end';
}

/**
 * Returns a model with a cell over the transposed x [1, t, c], and output `read`, [.., directions * units].
 */
function onnx({ op, direction = 'forward', linearBeforeReset, activations, bias = true, read = 'all' }: OnnxCell): Uint8Array {
  const next = seededNormal(11);
  const d = direction === 'bidirectional' ? 2 : 1;
  const sums = gates[op] * u;
  const tensor = (...dims: number[]) => ({
    dims,
    floats: Array.from({ length: dims.reduce((a, b) => a * b) }, () => 0.5 * next()),
  });
  const attributes = {
    hidden_size: u,
    direction,
    ...(linearBeforeReset && { linear_before_reset: 1 }),
    ...(activations && { activations: { strings: activations } }),
  };
  const inputs = ['xt', 'W', 'R', ...(bias ? ['B'] : [])];
  const nodes: ModelOf['nodes'] = [
    { op: 'Transpose', inputs: ['x'], outputs: ['xt'], attributes: { perm: [1, 0, 2] } },
    { op, name: 'cell', inputs, outputs: read === 'end' ? ['', 'Yh'] : ['Y'], attributes },
    read === 'end'
      ? { op: 'Transpose', inputs: ['Yh'], outputs: ['h'], attributes: { perm: [1, 0, 2] } }
      : { op: 'Transpose', inputs: ['Y'], outputs: ['h'], attributes: { perm: [2, 0, 1, 3] } },
    { op: 'Reshape', inputs: ['h', 'shape'], outputs: [read === 'last' ? 'all' : 'y'] },
  ];
  if (read === 'last') nodes.push({ op: 'Gather', inputs: ['all', 'end'], outputs: ['y'], attributes: { axis: 1 } });
  return writeModel({
    nodes,
    inputs: { x: [1, t, c] },
    outputs: ['y'],
    tensors: {
      W: tensor(d, sums, c),
      R: tensor(d, sums, u),
      ...(bias && { B: tensor(d, 2 * sums) }),
      shape: { dims: [3], ints: read === 'end' ? [1, 1, d * u] : [1, t, d * u] },
      ...(read === 'last' && { end: { dims: [], ints: [-1] } }),
    },
    opset: 17,
  });
}

const onnxCells: Record<string, OnnxCell> = {
  'LSTM, all outputs': { op: 'LSTM' },
  'LSTM, last frame': { op: 'LSTM', read: 'last' },
  'LSTM backwards, Y_h': { op: 'LSTM', direction: 'reverse', read: 'end' },
  'bidirectional LSTM': { op: 'LSTM', direction: 'bidirectional' },
  'bidirectional LSTM, Y_h': { op: 'LSTM', direction: 'bidirectional', read: 'end' },
  'GRU, reset before': { op: 'GRU' },
  'GRU, reset after, no bias': { op: 'GRU', linearBeforeReset: true, bias: false },
  'bidirectional GRU, reset after': { op: 'GRU', linearBeforeReset: true, direction: 'bidirectional', read: 'last' },
  RNN: { op: 'RNN' },
  'RNN with ReLU': { op: 'RNN', activations: ['Relu'] },
  'LSTM with ReLU': { op: 'LSTM', activations: ['Sigmoid', 'Relu', 'Relu'] },
  'GRU with ReLU and hard gates': { op: 'GRU', activations: ['HardSigmoid', 'Relu'] },
  'RNN backwards': { op: 'RNN', direction: 'reverse', read: 'last' },
};
for (const [name, cell] of Object.entries(onnxCells))
  withRuntime(`ONNX, ${name}: gives the outputs of onnxruntime`, async () => {
    const bytes = onnx(cell);
    const graph = readOnnx(bytes);
    const inputs = randomInputs(graph, 5);
    const wanted = await oracle(runtime as NonNullable<typeof runtime>, bytes, graph, inputs);
    for (const [i, own] of ownOutputs(graph, inputs).entries()) assert.ok(relativeError(own, wanted[i] as Float32Array) < 2e-5);
  });

/**
 * A loop body with two inputs and two units. Tensors 0 to 5 are the gates before their activation functions,
 * 10 to 15 the gates after them.
 */
function bodyOf(
  states: number,
  step: (x: number[], s: number[][], f: (i: number, v: number[]) => number[]) => number[][],
  { fn, lines }: Pick<Body, 'fn' | 'lines'> = {},
): Body {
  const logistics = states === 2 ? [0, 1, 3] : [0, 1];
  const functions = fn === 'linear' ? [] : states === 2 ? [2, 4] : [2];
  const gateOf = (x: number) => (lines ? Math.min(1, Math.max(0, x)) : 1 / (1 + Math.exp(-x)));
  const functionOf = (x: number) => (fn === undefined ? Math.tanh(x) : fn === 'relu' ? Math.max(0, x) : x);
  const pair = (from: number) => ({ from, to: from + 10 });
  return {
    inputs: 2,
    units: 2,
    logistics: logistics.map(pair),
    functions: functions.map(pair),
    ...(fn && { fn }),
    ...(lines && { lines }),
    next: states === 2 ? [20, 21] : [20],
    evaluate(x, s, held) {
      const values = new Map<number, Float64Array>();
      const f = (i: number, v: number[]): number[] => {
        const out = v.map((one) => held?.get(i + 10) ?? (logistics.includes(i) ? gateOf(one) : functionOf(one)));
        values.set(i, Float64Array.from(v));
        values.set(i + 10, Float64Array.from(out));
        return out;
      };
      for (const [i, state] of step(
        [...x],
        s.map((one) => [...one]),
        f,
      ).entries())
        values.set(20 + i, Float64Array.from(state));
      return (id) => values.get(id) as Float64Array;
    },
  };
}
const mix = (v: number[], w: number[][], bias: number): number[] =>
  w.map((row) => row.reduce((sum, k, i) => sum + k * (v[i] as number), bias));
const [A, B] = [[[0.5, -0.25], [0.75, 0.5]], [[-0.5, 0.25], [0.125, 1]]] as [number[][], number[][]]; // biome-ignore format: matrices
const sum = (a: number[], b: number[]) => a.map((v, i) => v + (b[i] as number));
const times = (a: number[], b: number[]) => a.map((v, i) => v * (b[i] as number));

/** @param shown the vector that the output gate multiplies. */
const lstmBody = (shown: (c: number[], f: (i: number, v: number[]) => number[]) => number[], how?: Pick<Body, 'fn' | 'lines'>) =>
  bodyOf(
    2,
    (x, [h, cell], f) => {
      const gate = (i: number) => f(i, sum(mix(x, A, 0.1 * i), mix(h as number[], B, 0)));
      const c = sum(times(gate(1), cell as number[]), times(gate(0), gate(2)));
      return [times(gate(3), shown(c, f)), c];
    },
    how,
  );
const gruBody = (after: boolean, lift = 0, how?: Pick<Body, 'fn' | 'lines'>) =>
  bodyOf(
    1,
    (x, [state], f) => {
      const h = state as number[];
      const gate = (i: number) => f(i, sum(mix(x, A, 0.1 * i), mix(h, B, 0)));
      const [z, r] = [gate(0), gate(1)];
      const inner = after ? times(r, mix(h, B, 0.3)) : mix(times(r, h), B, 0);
      const n = f(2, sum(mix(x, A, 0.2), inner));
      return [
        sum(
          times(z, h),
          times(
            z.map((v) => 1 + lift - v),
            n,
          ),
        ),
      ];
    },
    how,
  );

test('a body is a cell if the formula of the cell gives the same states', () => {
  assert.is(cellFrom(lstmBody((c, f) => f(4, c)))?.op, 'lstm');
  assert.is(cellFrom(lstmBody((c, f) => f(4, c), { fn: 'relu' }))?.fn, 'relu');
  assert.is(cellFrom(lstmBody((c, f) => f(4, c), { lines: true }))?.op, 'lstm');
  assert.is(cellFrom(gruBody(false, 0, { fn: 'linear', lines: true }))?.fn, 'linear');
  assert.is(cellFrom(gruBody(true))?.resetAfter, true);
  assert.is(cellFrom(gruBody(false))?.resetAfter, false);
});

test('a body is not a cell if it lacks the second tanh or its update gate is slightly off', () => {
  assert.is(cellFrom(lstmBody((c, f) => sum(c, times([0, 0], f(4, c))))), undefined);
  assert.is(cellFrom(gruBody(true, 1e-3)), undefined);
});

test('a non-zero initial state and clipping are refused by name', async () => {
  const refused = async (bytes: Uint8Array) => (await refusalOf(() => readOnnx(bytes))).message;
  const base: ModelOf = {
    nodes: [{ op: 'RNN', name: 'cell', inputs: ['x', 'W', 'R', '', '', 'h0'], outputs: ['y'] }],
    inputs: { x: [t, 1, c] },
    outputs: ['y'],
    tensors: {
      W: { dims: [1, u, c], floats: new Array(u * c).fill(0.1) },
      R: { dims: [1, u, u], floats: new Array(u * u).fill(0.1) },
      h0: { dims: [1, 1, u], floats: [0, 0, 0, 0.5] },
    },
    opset: 17,
  };
  assert.match(await refused(writeModel(base)), /initial_h is not zero/);
  const clipped = { ...base.nodes[0], inputs: ['x', 'W', 'R'], attributes: { clip: { float: 3 } } } as ModelOf['nodes'][number];
  assert.match(await refused(writeModel({ ...base, nodes: [clipped] })), /clipped/);
});

test.run();
