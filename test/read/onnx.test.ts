/**
 * The ONNX reader against onnxruntime: every exported file of test/fixtures/onnx, and hand-written graphs for
 * operators that exporters rarely write. Float files agree within 1e-5 of the largest output, QDQ files
 * within their quantisation.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { elementsOf, type Graph, isQuantised } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import type { ReadOptions } from '../../models/read/options.ts';
import { type ModelOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { printGraph } from '../graph/print-graph.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError, seededNormal } from './onnx-oracle.ts';

const folder = new URL('../fixtures/onnx/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.onnx'));
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

async function agree(bytes: Uint8Array, tolerance: number, options: ReadOptions = {}): Promise<Graph> {
  const graph = readOnnx(bytes, options);
  const inputs = randomInputs(graph, 11);
  const own = ownOutputs(graph, inputs);
  if (!runtime) return graph;
  const theirs = await oracle(runtime, bytes, graph, inputs);
  for (const [i, values] of own.entries()) {
    const error = relativeError(values, theirs[i] as Float32Array);
    assert.ok(error <= tolerance, `output ${i} is off by ${error} of its largest value`);
  }
  return graph;
}

/**
 * The time dimension of files that cannot stream along the first candidate. readModel finds it by trying
 * both.
 */
const timeAxes: Record<string, number> = { 'ts-channelfold.onnx': 3 };

for (const name of files) {
  const quantised = name.startsWith('q-');
  test(`${name} agrees with onnxruntime`, async () => {
    const graph = await agree(read(name), quantised ? 0.06 : 1e-5, { window: 24, digest: 'ab', timeAxis: timeAxes[name] });
    assert.is(isQuantised(graph), quantised);
    assert.is(graph.format, 'onnx');
    assert.is(graph.sourceDigest, 'ab');
    assert.ok(printGraph(graph).includes(graph.nodes[0]?.name ?? '?'));
    graph.tensors.forEach((tensor, id) => {
      assert.is(tensor.id, id);
    });
    for (const port of [...graph.inputs, ...graph.outputs]) {
      const shape = graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 };
      assert.is(
        port.fileShape.reduce((a, b) => a * b, 1),
        elementsOf(shape),
      );
    }
    if (quantised) checkInt8(graph);
  });
}

function checkInt8(graph: Graph): void {
  for (const node of graph.nodes) {
    if (node.op === 'conv' || node.op === 'depthwise' || node.op === 'dense') {
      assert.instance(node.attrs.weights.data, Int8Array);
      assert.instance(node.attrs.weights.scales, Float64Array);
      assert.is(node.attrs.weights.scaleRule, 'per-channel');
      if (node.attrs.bias) assert.instance(node.attrs.bias, Int32Array);
    }
    if (node.op === 'concat' || node.op === 'maxpool' || node.op === 'avgpool') {
      for (const input of node.inputs) assert.equal(graph.tensors[input]?.quant, graph.tensors[node.output]?.quant);
    }
  }
  for (const { quant } of graph.tensors) assert.ok(quant && quant.zeroPoint >= -128 && quant.zeroPoint <= 127);
}

const next = seededNormal(5);
const random = (...dims: number[]): TensorOf => ({ dims, floats: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, next) });
const one = (
  op: string,
  attributes: ModelOf['nodes'][number]['attributes'],
  dims: number[],
  tensors: ModelOf['tensors'] = {},
  opset = 17,
) =>
  writeModel({
    nodes: [{ op, name: 'n', inputs: ['x', ...Object.keys(tensors)], outputs: ['y'], attributes: attributes ?? {} }],
    inputs: { x: dims },
    outputs: ['y'],
    tensors,
    opset,
  });

const cases: Record<string, Uint8Array> = {
  'SAME_LOWER, stride 3': one('Conv', { auto_pad: 'SAME_LOWER', strides: [3] }, [1, 2, 20], { w: random(3, 2, 4) }),
  'SAME_UPPER, 2-D': one('Conv', { auto_pad: 'SAME_UPPER', strides: [2, 1] }, [1, 2, 9, 7], {
    w: random(3, 2, 4, 2),
    b: random(3),
  }),
  'asymmetric pads': one('Conv', { pads: [3, 1], strides: [2], dilations: [2] }, [1, 2, 20], { w: random(3, 2, 3) }),
  'max pool, ceil': one('MaxPool', { kernel_shape: [3], strides: [2], ceil_mode: 1 }, [1, 2, 12]),
  'average pool, ceil': one('AveragePool', { kernel_shape: [3], strides: [2], ceil_mode: 1 }, [1, 2, 12]),
  'average pool, 2-D': one('AveragePool', { kernel_shape: [3, 2], pads: [1, 0, 1, 1], count_include_pad: 1 }, [1, 2, 9, 5]),
  'clip by attribute': one('Clip', { min: { float: -0.5 }, max: { float: 0.25 } }, [1, 2, 9], {}, 10),
  'matmul per frame with features': one('MatMul', {}, [1, 6, 5, 3], { w: random(3, 4) }),
  'gemm, alpha and beta': one('Gemm', { alpha: { float: 0.5 }, beta: { float: -2 }, transB: 1 }, [1, 8], {
    w: random(3, 8),
    c: random(1, 3),
  }),
  'reduce over features': one('ReduceMean', { axes: [3], keepdims: 1 }, [1, 2, 7, 5], {}, 13),
  'reduce over everything spatial': one('ReduceMax', { axes: [2, 3], keepdims: 0 }, [1, 2, 7, 5], {}, 13),
  'global max, 2-D': one('GlobalMaxPool', {}, [1, 3, 6, 5]),
  'softmax over channels': one('Softmax', { axis: 1 }, [1, 4, 6]),
  'hard sigmoid': one('HardSigmoid', { alpha: { float: 0.3 } }, [1, 4, 6]),
  'batch normalisation without a convolution': one('BatchNormalization', { epsilon: { float: 0.1 } }, [1, 3, 5], {
    s: random(3),
    b: random(3),
    m: random(3),
    v: { dims: [3], floats: [0.5, 1, 2] },
  }),
  'sub of two branches': writeModel({
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['a'], attributes: { pads: [1, 1] } },
      { op: 'Tanh', inputs: ['x'], outputs: ['b'] },
      { op: 'Sub', inputs: ['a', 'b'], outputs: ['y'] },
    ],
    inputs: { x: [1, 3, 9] },
    outputs: ['y'],
    tensors: { w: random(3, 3, 3) },
  }),
  'concat over features': writeModel({
    nodes: [
      { op: 'MaxPool', inputs: ['x'], outputs: ['a'], attributes: { kernel_shape: [1, 2] } },
      { op: 'Concat', inputs: ['x', 'a'], outputs: ['b'], attributes: { axis: 3 } },
      { op: 'Conv', inputs: ['b', 'w'], outputs: ['y'] },
    ],
    inputs: { x: [1, 2, 8, 5] },
    outputs: ['y'],
    tensors: { w: random(3, 2, 3, 4) },
  }),
  'zeros of a Pad before an average that counts padding': writeModel({
    nodes: [
      { op: 'Pad', inputs: ['x', 'p'], outputs: ['a'] },
      { op: 'AveragePool', inputs: ['a'], outputs: ['y'], attributes: { kernel_shape: [4], count_include_pad: 1 } },
    ],
    inputs: { x: [1, 2, 8] },
    outputs: ['y'],
    tensors: { p: { dims: [6], ints: [0, 0, 3, 0, 0, 1] } },
  }),
  'electrodes as features, collapsed by a depthwise kernel': writeModel({
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['a'], attributes: { pads: [0, 2, 0, 2] } },
      { op: 'Conv', inputs: ['a', 'd'], outputs: ['b'], attributes: { group: 4 } },
      { op: 'AveragePool', inputs: ['b'], outputs: ['c'], attributes: { kernel_shape: [1, 4], strides: [1, 4] } },
      { op: 'Flatten', inputs: ['c'], outputs: ['e'] },
      { op: 'Gemm', inputs: ['e', 'g'], outputs: ['y'] },
    ],
    inputs: { x: [1, 1, 6, 32] },
    outputs: ['y'],
    tensors: { w: random(4, 1, 1, 5), d: random(8, 1, 6, 1), g: random(64, 3) },
  }),
};

for (const [name, bytes] of Object.entries(cases)) {
  test(`${name} agrees with onnxruntime`, async () => {
    await agree(bytes, 1e-5);
  });
}

test('either spatial dimension can be time', async () => {
  for (const timeAxis of [2, 3]) {
    const graph = await agree(read('ts-spectrogram.onnx'), 1e-5, { timeAxis });
    assert.is(graph.tensors[0]?.shape.t, timeAxis === 2 ? 12 : 20);
  }
});

test('a flat input is cut into frames', async () => {
  const graph = await agree(read('ts-mlp.onnx'), 1e-5, { frame: 4 });
  assert.equal(graph.tensors[0]?.shape, { t: 5, f: 1, c: 4 });
});

test('the graph has the metadata of the file', () => {
  const bytes = writeModel({
    nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
    inputs: { x: [1, 2, 3] },
    outputs: ['y'],
    metadata: { 'runlet.left_context': '12' },
  });
  assert.equal({ ...readOnnx(bytes, {}).metadata }, { 'runlet.left_context': '12' });
});

/** Returns the error of reading the file. The test fails if there is none. */
function refusal(bytes: Uint8Array, options: ReadOptions = {}): { code: string; message: string } {
  try {
    readOnnx(bytes, options);
  } catch (error) {
    if (isRunletError(error)) return error;
    throw error;
  }
  return assert.unreachable('it was read') as never;
}

const refused: Record<string, [code: string, message: RegExp, bytes: Uint8Array]> = {
  'softmax over two dimensions': ['RN150', /softmax over 2 dimensions/, one('Softmax', { axis: 2 }, [1, 2, 6, 5], {}, 11)],
  'an unknown attribute': [
    'RN150',
    /attribute padding_value/,
    one('Conv', { padding_value: 1 }, [1, 2, 6], { w: random(1, 2, 3) }),
  ],
  'padding in an unknown mode': [
    'RN150',
    /mode turn/,
    one('Pad', { mode: 'turn' }, [1, 2, 6], { p: { dims: [6], ints: [0, 0, 1, 0, 0, 1] } }),
  ],
  'reflection along features': [
    'RN150',
    /mode reflect along features/,
    one('Pad', { mode: 'reflect' }, [1, 2, 6, 4], { p: { dims: [8], ints: [0, 0, 0, 1, 0, 0, 0, 1] } }),
  ],
  'more mirrored rows than the window has': [
    'RN150',
    /6 and 0 rows mirror/,
    one('Pad', { mode: 'reflect' }, [1, 2, 6], { p: { dims: [6], ints: [0, 0, 6, 0, 0, 0] } }),
  ],
  'average pool with a partial window': [
    'RN150',
    /ceil_mode/,
    one('AveragePool', { kernel_shape: [3], strides: [2], ceil_mode: 1, count_include_pad: 1 }, [1, 2, 12]),
  ],
  'an old opset': ['RN155', /opset 8/, one('Relu', {}, [1, 2, 6], {}, 8)],
  'an open time dimension': [
    'RN156',
    /window/,
    writeModel({ nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }], inputs: { x: ['n', 2, 't'] }, outputs: ['y'] }),
  ],
  'a batch': ['RN157', /batch is 4/, one('Relu', {}, [4, 2, 6])],
  'external weights': [
    'RN153',
    /another file/,
    one('Conv', {}, [1, 2, 6], { w: { dims: [1, 2, 3], floats: [], external: true } }),
  ],
  'too few weights': ['RN152', /2 elements are stored/, one('Conv', {}, [1, 2, 6], { w: { dims: [1, 2, 3], floats: [1, 2] } })],
  'not an ONNX file': ['RN151', /byte 0/, new TextEncoder().encode('{"not": "onnx"}')],
  'no bytes': ['RN151', /no graph/, new Uint8Array(0)],
  'a huge input': ['RN159', /elements|dimension/, one('Relu', {}, [1, 2 ** 20, 2 ** 20])],
  'an undefined input': [
    'RN154',
    /not defined/,
    writeModel({ nodes: [{ op: 'Relu', inputs: ['z'], outputs: ['y'] }], inputs: { x: [1, 2, 3] }, outputs: ['y'] }),
  ],
  'a cycle': [
    'RN154',
    /cycle/,
    writeModel({
      nodes: [
        { op: 'Add', inputs: ['x', 'b'], outputs: ['a'] },
        { op: 'Relu', inputs: ['a'], outputs: ['b'] },
      ],
      inputs: { x: [1, 2, 3] },
      outputs: ['b'],
    }),
  ],
  'a name defined twice': [
    'RN154',
    /twice/,
    writeModel({
      nodes: [
        { op: 'Relu', inputs: ['x'], outputs: ['y'] },
        { op: 'Tanh', inputs: ['x'], outputs: ['y'] },
      ],
      inputs: { x: [1, 2, 3] },
      outputs: ['y'],
    }),
  ],
};

for (const [name, [code, message, bytes]] of Object.entries(refused)) {
  test(`refused: ${name}`, () => {
    const error = refusal(bytes);
    assert.is(error.code, code);
    assert.match(error.message, message);
  });
}

test('all unsupported operators are listed at once', () => {
  const error = refusal(
    writeModel({
      nodes: [
        { op: 'NonZero', name: 'memory', inputs: ['x'], outputs: ['a'] },
        { op: 'Relu', inputs: ['a'], outputs: ['b'] },
        { op: 'Multinomial', name: 'gelu', inputs: ['b'], outputs: ['c'] },
        { op: 'QLinearWhere', name: 'q', domain: 'com.microsoft', inputs: ['c'], outputs: ['y'] },
      ],
      inputs: { x: [1, 2, 3] },
      outputs: ['y'],
    }),
  );
  assert.is(error.code, 'RN150');
  assert.match(error.message, /3 operators/);
  for (const part of [/NonZero memory/, /Multinomial gelu/, /com\.microsoft/]) assert.match(error.message, part);
});

const scale = { dims: [], floats: [0.05] };
const qdq = (inner: ModelOf['nodes'], last: string, tensors: ModelOf['tensors'] = {}): Uint8Array =>
  writeModel({
    nodes: [
      { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['xq'] },
      { op: 'DequantizeLinear', inputs: ['xq', 's', 'z'], outputs: ['xd'] },
      ...inner,
      { op: 'QuantizeLinear', inputs: [last, 's', 'z'], outputs: ['yq'] },
      { op: 'DequantizeLinear', inputs: ['yq', 's', 'z'], outputs: ['y'] },
    ],
    inputs: { x: [1, 2, 12] },
    outputs: ['y'],
    tensors: { s: scale, z: { dims: [], uint8: [120] }, ...tensors },
  });

test('a float operator inside a quantised graph is refused', () => {
  const inner = [
    { op: 'Tanh', name: 'first', inputs: ['xd'], outputs: ['a'] },
    { op: 'Sigmoid', name: 'second', inputs: ['a'], outputs: ['b'] },
  ];
  const error = refusal(qdq(inner, 'b'));
  assert.is(error.code, 'RN158');
  assert.match(error.message, /Sigmoid second/);
});

test('weights that are not quantised, or not symmetric, are refused', () => {
  const conv = (w: string) => ({ op: 'Conv', name: 'conv', inputs: ['xd', w], outputs: ['a'] });
  assert.match(refusal(qdq([conv('w')], 'a', { w: random(1, 2, 3) })).message, /weights are not quantised/);
  const weights = { op: 'DequantizeLinear', inputs: ['w', 's', 'wz'], outputs: ['wd'] };
  const tensors = { w: { dims: [1, 2, 3], int8: [-128, 1, 2, 3, 4, 5] }, wz: { dims: [], int8: [3] } };
  assert.match(refusal(qdq([weights, conv('wd')], 'a', tensors)).message, /not symmetric/);
});

test('uint8 becomes int8, and a ReLU becomes the clamp of the convolution', async () => {
  const inner = [
    { op: 'DequantizeLinear', inputs: ['w', 's', 'wz'], outputs: ['wd'] },
    { op: 'Conv', name: 'conv', inputs: ['xd', 'wd'], outputs: ['a'] },
    { op: 'Relu', inputs: ['a'], outputs: ['b'] },
    { op: 'MaxPool', inputs: ['b'], outputs: ['c'], attributes: { kernel_shape: [2], strides: [2] } },
  ];
  const tensors = { w: { dims: [1, 2, 3], uint8: [128, 129, 130, 120, 100, 160] }, wz: { dims: [], uint8: [128] } };
  const graph = await agree(qdq(inner, 'c', tensors), 0.06);
  assert.equal(
    graph.nodes.map((n) => n.op),
    ['conv', 'maxpool'],
  );
  assert.is(graph.tensors[0]?.quant?.zeroPoint, -8);
  const [conv] = graph.nodes;
  assert.ok(conv?.op === 'conv');
  assert.equal([...conv.attrs.clamp], [0, Number.POSITIVE_INFINITY]);
  assert.equal([...conv.attrs.weights.data], [0, -8, 1, -28, 2, 32]);
});

test.run();
