/**
 * Loops over rows in ONNX files: unrolled cells, Scan, Loop, and a Loop with few iterations. Each is checked
 * against onnxruntime, and becomes a recurrent layer.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import {
  type GraphOf,
  type ModelOf,
  type NodeOf,
  type TensorOf,
  type ValueOf,
  writeModel,
} from '../../models/write/onnx/proto.ts';
import { testAgainstOracle } from './against-oracle.ts';
import { ints, node, weightsOf } from './step-models.ts';

const floats = weightsOf(11);
const [t, c, u] = [6, 3, 4];
const number = (value: number): TensorOf => ({ dims: [], ints: [value] });
const zeros = (...dims: number[]): TensorOf => ({ dims, floats: new Float32Array(dims.reduce((a, b) => a * b, 1)) });
const value = (name: string, type: ValueOf['type'], ...dims: number[]): ValueOf => ({ name, type, dims });
const row = (name: string): ValueOf => value(name, 'float32', 1, u);

/** One LSTM step with the input x and the states h and s; `to` prefixes the names of the results. */
const lstm = (x: string, w: string, h: string, s: string, to: string): NodeOf[] => [
  node('MatMul', `${x} w${w}`, `${to}a`),
  node('MatMul', `${h} r${w}`, `${to}b`),
  node('Add', `${to}b b${w}`, `${to}bb`),
  node('Add', `${to}a ${to}bb`, `${to}g`),
  node('Split', `${to}g four`, `${to}i ${to}f ${to}n ${to}o`, { axis: 1 }),
  node('Sigmoid', `${to}i`, `${to}is`),
  node('Sigmoid', `${to}f`, `${to}fs`),
  node('Tanh', `${to}n`, `${to}ns`),
  node('Sigmoid', `${to}o`, `${to}os`),
  node('Mul', `${to}fs ${s}`, `${to}kept`),
  node('Mul', `${to}is ${to}ns`, `${to}new`),
  node('Add', `${to}kept ${to}new`, `${to}c`),
  node('Tanh', `${to}c`, `${to}ct`),
  node('Mul', `${to}os ${to}ct`, `${to}h`),
];
const lstmTensors = (w: string, inputs: number): Record<string, TensorOf> => ({
  [`w${w}`]: floats(inputs, 4 * u),
  [`r${w}`]: floats(u, 4 * u),
  [`b${w}`]: floats(4 * u),
  four: ints(u, u, u, u),
});
/** One GRU step that applies the reset gate before the recurrent product. */
const gru = (x: string, h: string, to: string): NodeOf[] => [
  node('Concat', `${x} ${h}`, 'xh', { axis: 1 }),
  node('Gemm', 'xh wz bz', 'z0'),
  node('Sigmoid', 'z0', 'z'),
  node('Gemm', 'xh wr br', 'r0'),
  node('Sigmoid', 'r0', 'r'),
  node('Mul', `r ${h}`, 'rh'),
  node('Concat', `${x} rh`, 'xrh', { axis: 1 }),
  node('Gemm', 'xrh wn bn', 'n0'),
  node('Tanh', 'n0', 'n'),
  node('Sub', 'one z', 'z1'),
  node('Mul', 'z1 n', 'zn'),
  node('Mul', `z ${h}`, 'zh'),
  node('Add', 'zn zh', to),
];
const gruTensors: Record<string, TensorOf> = {
  ...Object.fromEntries(['wz', 'wr', 'wn'].map((name) => [name, floats(c + u, u)])),
  ...Object.fromEntries(['bz', 'br', 'bn'].map((name) => [name, floats(u)])),
  one: { dims: [], floats: [1] },
};
const model = (nodes: NodeOf[], tensors: Record<string, TensorOf>, x = [1, t, c]): ModelOf => ({
  nodes,
  inputs: { x },
  outputs: ['y'],
  tensors: { ...tensors, zero: number(0), first: ints(0), second: ints(1) },
  opset: 17,
});

/** Two layers of cells, one after the other in every step, as a Python loop over LSTMCell gives them. */
function unrolled(): ModelOf {
  const steps = Array.from({ length: t }, (_, i) => i).flatMap((i) => [
    node('Gather', `x at${i}`, `x${i}`, { axis: 1 }),
    ...lstm(`x${i}`, '', i ? `s${i - 1}h` : 'h0', i ? `s${i - 1}c` : 'h0', `s${i}`),
    ...lstm(`s${i}h`, '2', i ? `u${i - 1}h` : 'h0', i ? `u${i - 1}c` : 'h0', `u${i}`),
    node('Unsqueeze', `u${i}h second`, `y${i}`),
  ]);
  const rows = Array.from({ length: t }, (_, i) => `y${i}`).join(' ');
  const at = Object.fromEntries(Array.from({ length: t }, (_, i) => [`at${i}`, number(i)]));
  return model([...steps, node('Concat', rows, 'y', { axis: 1 })], {
    ...lstmTensors('', c),
    ...lstmTensors('2', u),
    ...at,
    h0: zeros(1, u),
  });
}

/**
 * One product for all inputs, split into rows, as PyTorch's exporter writes an LSTM. Only the last output is
 * read.
 */
function projected(): ModelOf {
  const rows = Array.from({ length: t }, (_, i) => `p${i}`);
  const steps = rows.flatMap((p, i) => [
    node('Squeeze', `${p} first`, `${p}s`),
    ...lstm('', '', i ? `s${i - 1}h` : 'h0', i ? `s${i - 1}c` : 'h0', `s${i}`)
      .slice(1)
      .map((one) => ({ ...one, inputs: one.inputs.map((name) => (name === `s${i}a` ? `${p}s` : name)) })),
  ]);
  return model(
    [node('Transpose', 'x', 'xt', { perm: [1, 0, 2] }), node('MatMul', 'xt w', 'p'), node('Split', 'p', rows.join(' ')), ...steps, node('MatMul', `s${t - 1}h head`, 'y')], // biome-ignore format: one line
    { ...lstmTensors('', c), h0: zeros(1, u), head: floats(u, 2) },
  );
}

const scanned = (direction: number): ModelOf => {
  const body: GraphOf = {
    nodes: [...gru('xr', 'h', 'hn'), node('Identity', 'hn', 'out')],
    inputs: [row('h'), value('xr', 'float32', 1, c)],
    outputs: [row('hn'), row('out')],
  };
  const attributes = {
    body: { graph: body },
    num_scan_inputs: 1,
    scan_input_directions: [direction],
    scan_output_directions: [direction],
  };
  const nodes = [
    node('Transpose', 'x', 'xt', { perm: [1, 0, 2] }),
    node('Scan', 'h0 xt', 'last all', attributes),
    node('Transpose', 'all', 'back', { perm: [1, 0, 2] }),
    node('Unsqueeze', 'last second', 'end'),
    node('Add', 'back end', 'y'),
  ];
  return model(nodes, { ...gruTensors, h0: zeros(1, u) });
};

/** A Loop over `turns` rows of xt [t, 1, c] with two counters, as converters of TensorFlow write it. */
function counted(turns: number): ModelOf {
  const body: GraphOf = {
    nodes: [
      node('Gather', 'rows i', 'xr', { axis: 0 }),
      ...lstm('xr', '', 'h', 's', 'n'),
      node('Add', 'i one', 'j'),
      node('Less', 'j limit', 'goes'),
      node('Identity', 'nh', 'out'),
    ],
    inputs: [
      value('k', 'int64'),
      value('go', 'bool'),
      value('i', 'int64'),
      row('h'),
      row('s'),
      value('rows', 'float32', t, 1, c),
    ],
    outputs: [value('goes', 'bool'), value('j', 'int64'), row('nh'), row('nc'), value('rows', 'float32', t, 1, c), row('out')],
    tensors: { one: number(1), limit: number(turns) },
  };
  const nodes = [
    node('Transpose', 'x', 'xt', { perm: [1, 0, 2] }),
    node('Less', 'zero most', 'start'),
    node('Loop', 'most start zero h0 h0 xt', 'i2 h2 s2 x2 all', { body: { graph: body } }),
    node('Transpose', 'all', 'y', { perm: [1, 0, 2] }),
  ];
  return model(nodes, { ...lstmTensors('', c), h0: zeros(1, u), most: number(1000) });
}

/** A Loop of two iterations that adds a product to a sum. It is not a recurrent layer. */
function mapped(): ModelOf {
  const body: GraphOf = {
    nodes: [
      node('Gather', 'x zero', 'one0', { axis: 0 }),
      node('MatMul', 'one0 w', 'm'),
      node('Cast', 'k', 'kf', { to: 1 }),
      node('Add', 'm kf', 'mk'),
      node('Add', 'sum mk', 'next'),
      node('Less', 'k zero', 'never'),
      node('Not', 'never', 'goes'),
    ],
    inputs: [value('k', 'int64'), value('go', 'bool'), value('sum', 'float32', t, u)],
    outputs: [value('goes', 'bool'), value('next', 'float32', t, u), value('mk', 'float32', t, u)],
  };
  const nodes = [node('Loop', 'two - start', 'total each', { body: { graph: body } }), node('Unsqueeze', 'total first', 'y')];
  return { ...model(nodes, { w: floats(c, u), two: number(2), start: zeros(t, u) }), outputs: ['y'] };
}

const models = {
  'two layers of unrolled cells': unrolled(),
  'unrolled cells after one product for all rows': projected(),
  'a Scan': scanned(0),
  'a Scan from the last row to the first': scanned(1),
  'a Loop with counters': counted(t),
  'a Loop of two iterations': mapped(),
};
testAgainstOracle(models);

for (const [name, ops] of Object.entries({
  'two layers of unrolled cells': ['lstm', 'lstm'],
  'unrolled cells after one product for all rows': ['lstm'],
  'a Scan': ['gru'],
  'a Loop with counters': ['lstm'],
}))
  test(`${name}: becomes recurrent layers`, () => {
    const { nodes } = readOnnx(writeModel(models[name as keyof typeof models]));
    assert.equal(
      nodes.map(({ op }) => op).filter((op) => ['lstm', 'gru'].includes(op)),
      ops,
    );
  });

test('a long loop that does not read all rows is refused', () => {
  assert.throws(() => readOnnx(writeModel({ ...counted(20), inputs: { x: [1, 40, c] } })), /Loop i2: it does not read all rows/);
});

test.run();
