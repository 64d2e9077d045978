/**
 * Graph models of TensorFlow.js against its own executor: every supported operator, fused forms, computed
 * shapes, and convolutions between SpaceToBatchND and BatchToSpaceND.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { unaryNames, unaryOf } from '../../models/ops/unary.ts';
import { rewrites } from '../../models/read/tfjs/graph/rules/index.ts';
import { readTfjs } from '../../models/read/tfjs/index.ts';
import { normalForm, ownOutputs, randomInputs, relativeError } from './onnx-oracle.ts';
import {
  fused,
  type GraphConstant,
  type GraphModel,
  type GraphNode,
  graphAnswers,
  graphFiles,
  ints,
  line,
  node,
  number,
  plane,
  refusal,
  weights,
  window,
} from './tfjs-graphs.ts';

const seen = new Set<string>();

async function agree(model: GraphModel, what: string, options = {}, tolerance = 3e-6): Promise<void> {
  const files = graphFiles(model);
  for (const { op } of model.nodes) seen.add(op);
  const graph = await readTfjs(files.json, { files: files.files, ...options });
  const [x] = randomInputs(graph, 5) as [Float32Array];
  const theirs = await graphAnswers(files, graph.inputs[0]?.fileShape ?? [], x);
  for (const [i, port] of graph.outputs.entries()) {
    const own = ownOutputs(graph, [x])[i] as Float32Array;
    assert.ok(own.every(Number.isFinite) && new Set(own).size > 1, `${what}: ${own.slice(0, 8)}`);
    const error = relativeError(own, normalForm(graph, port, theirs[i] as Float32Array));
    assert.ok(error <= tolerance, `${what}: output ${i} is off by ${error}`);
  }
}

for (const [padding, sizes, short] of [
  ['SAME', [1, 40, 6, 5], [1, 60, 6, 2]],
  ['VALID', [1, 41, 7, 5], [1, 60, 6, 2]],
] as const)
  test(`transposed convolutions agree with the executor, ${padding}`, async () => {
    const constants = { kt: weights(3, 2, 5, 4), ks: weights(2, 1, 2, 4), sizes: ints([...sizes]), short: ints([...short]) };
    const up = (stride: number) => window([1, stride, 1, 1], padding);
    await agree(plane([node('y', 'Conv2DBackpropInput', ['sizes', 'kt', 'c'], up(2))], constants), padding, { timeAxis: 1 });
    await agree(plane([node('y', 'Conv2DBackpropInput', ['short', 'ks', 'c'], up(3))], constants), 'a short kernel', {
      timeAxis: 1,
    });
  });

test('repeated rows, interpolated rows and the logarithm of a softmax agree with the executor', async () => {
  for (const [op, half] of [
    ['ResizeNearestNeighbor', false],
    ['ResizeNearestNeighbor', true],
    ['ResizeBilinear', false],
    ['ResizeBilinear', true],
  ] as const) {
    const nodes = [node('u', op, ['c', 'size'], { half_pixel_centers: half }), node('y', 'LogSoftmax', ['u'])];
    await agree(plane(nodes, { size: ints([40, 18]) }), `${op}, half pixels ${half}`, { timeAxis: 1 });
  }
});

for (const padding of ['SAME', 'VALID'])
  test(`convolutions and poolings agree with the executor, ${padding}`, async () => {
    const pool = { ksize: { ints: [1, 2, 3, 1] }, ...window([1, 2, 1, 1], padding) };
    const nodes = [
      node('a', '_FusedConv2D', ['c', 'ka', 'b4'], { ...window([1, 2, 1, 1], padding), ...fused('BiasAdd', 'Relu6') }),
      node('d', 'DepthwiseConv2dNative', ['a', 'kd'], window([1, 1, 1, 1], padding, { dilations: { ints: [1, 2, 1, 1] } })),
      node('e', 'FusedDepthwiseConv2dNative', ['d', 'ke', 'b8'], {
        ...window([1, 1, 1, 1], padding),
        ...fused('BiasAdd', 'Elu'),
      }),
      node('m', 'MaxPool', ['e'], pool),
      node('y', 'AvgPool', ['m'], { ksize: { ints: [1, 2, 1, 1] }, ...window([1, 1, 1, 1], padding) }),
    ];
    const constants = {
      ka: weights(2, 2, 4, 4),
      b4: weights(4),
      kd: weights(2, 1, 4, 2),
      ke: weights(1, 2, 8, 1),
      b8: weights(8),
    };
    await agree(plane(nodes, constants), padding);
  });

test('explicit padding and every fused activation agree with the executor', async () => {
  const explicit = window([1, 1, 1, 1], 'EXPLICIT', { explicit_paddings: { ints: [0, 0, 2, 1, 0, 3, 0, 0] } });
  await agree({ ...plane([node('y', 'Conv2D', ['x', 'k'], explicit)]), outputs: ['y'] }, 'explicit');
  for (const name of ['Relu', 'Relu6', 'Elu', 'LeakyRelu', 'Sigmoid', 'Prelu']) {
    const more = { ...fused('BiasAdd', name), ...(name === 'Prelu' && { num_args: 2 }), leakyrelu_alpha: { float: 0.3 } };
    const inputs = ['c', 'w', 'b', ...(name === 'Prelu' ? ['slope'] : [])];
    const conv = node('y', '_FusedConv2D', inputs, { ...window([1, 1, 1, 1], 'VALID'), ...more });
    const constants = { w: weights(2, 2, 4, 5), b: weights(5), slope: { dims: [5], values: [0.2, 0.2, 0.2, 0.2, 0.2] } };
    await agree(plane([conv], constants), name);
  }
});

test('dense layers agree with the executor: fused, transposed, on the last axis', async () => {
  const flat = (more: GraphNode[], constants: Record<string, GraphConstant>): GraphModel =>
    plane([node('f', 'Reshape', ['c', 'shape']), ...more], { shape: ints([-1, 480]), ...constants });
  await agree(flat([node('y', 'MatMul', ['f', 'w'])], { w: weights(480, 3) }), 'MatMul');
  await agree(flat([node('y', 'MatMul', ['f', 'w'], { transpose_b: true })], { w: weights(3, 480) }), 'transpose_b');
  const head = node('y', '_FusedMatMul', ['f', 'w', 'b'], fused('BiasAdd', 'Relu'));
  await agree(flat([head, node('z', 'Softmax', ['y'])], { w: weights(480, 3), b: weights(3) }), '_FusedMatMul');
  const each = node('y', 'BatchMatMulV2', ['s', 'w']);
  const rows = node('s', 'Reshape', ['c', 'rows']);
  await agree(plane([rows, each], { rows: ints([1, 20, 24]), w: weights(24, 3) }), 'BatchMatMulV2');
});

test('arithmetic with constants and between activations agrees with the executor', async () => {
  const constants = { v: weights(4), s: number(0.7), low: number(-0.4), high: number(0.5) };
  const binary = (op: string, inputs: string[]) => agree(plane([node('y', op, inputs)], constants), `${op} ${inputs}`);
  for (const op of ['Add', 'AddV2', 'Sub', 'Mul', 'RealDiv', 'BiasAdd', 'SquaredDifference']) await binary(op, ['c', 'v']);
  for (const op of ['AddV2', 'Sub', 'Mul', 'Maximum', 'Minimum']) await binary(op, ['s', 'c']);
  for (const op of ['Maximum', 'Minimum']) await binary(op, ['c', 's']);
  for (const op of ['AddV2', 'Sub', 'Mul', 'AddN']) {
    const other = node('d', 'Conv2D', ['x', 'k2'], window([1, 1, 1, 1], 'SAME'));
    await agree(plane([other, node('y', op, ['c', 'd'])], { k2: weights(3, 3, 3, 4) }), `${op} of two`);
  }
  await binary('ClipByValue', ['c', 'low', 'high']);
  const zeros = { v: { dims: [4], values: [0.5, 0, -2, 3] } };
  await agree(plane([node('y', 'DivNoNan', ['c', 'v'])], zeros), 'DivNoNan by a constant');
  await agree(plane([node('r', 'Relu', ['c']), node('y', 'DivNoNan', ['c', 'r'])]), 'DivNoNan of two');
  const squares = node('p', 'Square', ['c']);
  await agree(plane([squares, node('q', 'AddV2', ['p', 's']), node('y', 'Pow', ['q', 's'])], constants), 'Pow');
});

/** Functions that enlarge the rounding errors of their input. */
const exponential = ['Exp', 'Sinh', 'Cosh'];

test('functions of one value agree with the executor', async () => {
  for (const name of unaryNames.graph.keys()) {
    if (['Softsign', 'Inv'].includes(name)) continue; // the executor has no such operator
    const attrs = unaryNames.graph.get(name);
    const positive = attrs !== undefined && unaryOf(attrs.fn).domain !== undefined;
    const before = positive ? [node('p', 'Square', ['c']), node('q', 'AddV2', ['p', 'small'])] : [node('q', 'Identity', ['c'])];
    const more: GraphNode['attributes'] = name === 'LeakyRelu' ? { alpha: { float: 0.15 } } : {};
    await agree(
      plane([...before, node('y', name, ['q'], more)], { small: number(0.2) }),
      name,
      {},
      exponential.includes(name) ? 3e-5 : 3e-6,
    );
  }
  await agree(plane([node('y', 'LeakyRelu', ['c'])]), 'the default slope');
  await agree(plane([node('y', 'Neg', ['c'])]), 'Neg');
  const slope = { slope: { dims: [4], values: [0.3, 0.3, 0.3, 0.3] } };
  await agree(plane([node('y', 'Prelu', ['c', 'slope'])], slope), 'Prelu');
});

test('batch normalisation that the converter did not fold agrees with the executor', async () => {
  const variance = { dims: [4], values: [0.4, 0.9, 1.3, 0.6] };
  const constants = { scale: weights(4), offset: weights(4), mean: weights(4), variance };
  for (const op of ['FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3']) {
    const norm = node('y', op, ['c', 'scale', 'offset', 'mean', 'variance'], { epsilon: { float: 0.01 }, is_training: false });
    await agree(plane([norm], constants), op);
  }
});

test('transpositions, concatenations, slices and reductions agree with the executor', async () => {
  const constants = { axis: ints([3], []), two: ints([1, 2]), perm: ints([0, 1, 3, 2]), back: ints([0, 1, 3, 2]) };
  await agree(plane([node('j', 'ConcatV2', ['c', 'x', 'axis'])], constants), 'ConcatV2');
  await agree(plane([node('t', 'Transpose', ['c', 'perm']), node('y', 'Transpose', ['t', 'back'])], constants), 'Transpose');
  for (const keep of [true, false])
    for (const op of ['Mean', 'Max']) await agree(plane([node('y', op, ['c', 'two'], { keep_dims: keep })], constants), op);
  const pads = { pads: ints([0, 0, 2, 1, 0, 1, 0, 0], [4, 2]), zero: number(0), k2: weights(2, 2, 3, 2) };
  for (const op of ['Pad', 'PadV2']) {
    const pad = node('p', op, ['x', 'pads', ...(op === 'PadV2' ? ['zero'] : [])]);
    await agree(plane([pad, node('y', 'Conv2D', ['p', 'k2'], window([1, 1, 1, 1], 'VALID'))], pads), op);
  }
  const slice = { from: ints([0, 0, 1, 0]), size: ints([-1, -1, 4, -1]), to: ints([0, 0, 5, 0]), ones: ints([1, 1, 1, 1]) };
  const relu = node('r', 'Relu', ['c']);
  await agree(plane([relu, node('y', 'Slice', ['r', 'from', 'size'])], slice), 'Slice');
  const masks = { begin_mask: 11, end_mask: 11 };
  await agree(plane([relu, node('y', 'StridedSlice', ['r', 'from', 'to', 'ones'], masks)], slice), 'StridedSlice');
  const axes = { axes: ints([1, -1]) };
  await agree(plane([node('y', 'ReverseV2', ['c', 'axes'])], axes), 'ReverseV2');
  const back = { from: ints([0, 4, -1, 0]), to: ints([0, 0, 0, 0]), steps: ints([1, -2, -1, 1]) };
  const free = { begin_mask: 9, end_mask: 13 };
  await agree(plane([node('y', 'StridedSlice', ['c', 'from', 'to', 'steps'], free)], back), 'StridedSlice from the end');
  const last = { from: ints([0, -2]), to: ints([0, 2 ** 31 - 1]), ones: ints([1, 1]) };
  await agree(plane([node('y', 'StridedSlice', ['c', 'from', 'to', 'ones'], { ellipsis_mask: 1 })], last), 'ellipsis');
});

test('a StridedSlice removes or adds a dimension, before and after an ellipsis', async () => {
  const shrink = { from: ints([0, -1]), to: ints([0, 0]), ones: ints([1, 1]), axis: ints([-1], []) };
  const one = node('o', 'StridedSlice', ['c', 'from', 'to', 'ones'], { ellipsis_mask: 1, shrink_axis_mask: 2 });
  await agree(plane([one, node('y', 'ExpandDims', ['o', 'axis'])], shrink), 'the last channel');
  const added = { from: ints([0, 0]), to: ints([0, 0]), ones: ints([1, 1]), gone: ints([4], []) };
  const wide = node('o', 'StridedSlice', ['c', 'from', 'to', 'ones'], { ellipsis_mask: 1, new_axis_mask: 2 });
  await agree(plane([wide, node('y', 'Squeeze', ['o'], { squeeze_dims: { ints: [4] } })], added), 'a dimension at the end');
  const front = node('o', 'StridedSlice', ['c', 'from', 'to', 'ones'], { new_axis_mask: 1, begin_mask: 2, end_mask: 2 });
  await agree(plane([front, node('y', 'Squeeze', ['o'], { squeeze_dims: { ints: [0] } })], added), 'a dimension at the front');
});

test('Keras Dense on the last axis agrees with the executor: its shape is computed from gathered dimensions', async () => {
  const constants = {
    last: ints([2]),
    free: ints([0, 1]),
    zero: ints([0], []),
    first: ints([0]),
    w: weights(5, 4),
    units: ints([4]),
    b: weights(4),
  };
  const nodes = [
    node('shape', 'Shape', ['s'], { T: { type: 'DT_FLOAT' }, out_type: { type: 'DT_INT32' } }),
    node('gl', 'GatherV2', ['shape', 'last', 'zero']),
    node('gf', 'GatherV2', ['shape', 'free', 'zero']),
    node('pl', 'Prod', ['gl', 'first'], { keep_dims: false }),
    node('pf', 'Prod', ['gf', 'first'], { keep_dims: false }),
    node('pack', 'Pack', ['pf', 'pl'], { axis: 0, N: 2 }),
    node('r', 'Reshape', ['s', 'pack']),
    node('m', 'MatMul', ['r', 'w']),
    node('to', 'ConcatV2', ['gf', 'units', 'zero']),
    node('back', 'Reshape', ['m', 'to']),
    node('y', 'BiasAdd', ['back', 'b']),
  ];
  await agree(line(nodes, constants), 'Tensordot');
});

test('only convolutions may stand between SpaceToBatchND and BatchToSpaceND, and become dilated', async () => {
  const between = (inputs: string, dims: GraphNode[], out: string): GraphNode[] => [
    node('sb', 'SpaceToBatchND', [inputs, 'block', 'pads']),
    ...dims,
    node('y', 'BatchToSpaceND', [out, 'block', 'crops']),
  ];
  const conv = node('dc', 'Conv2D', ['de', 'kd'], window([1, 1, 1, 1], 'VALID'));
  const inner = [node('de', 'ExpandDims', ['sb', 'axis']), conv, node('ds', 'Squeeze', ['dc'], { squeeze_dims: { ints: [-3] } })];
  const common = { block: ints([3]), axis: ints([-3], []), kd: weights(1, 3, 5, 2) };
  for (const [pads, crops] of [
    [
      [3, 3],
      [0, 0],
    ],
    [
      [6, 3],
      [0, 3],
    ],
    [
      [6, 0],
      [0, 0],
    ],
  ] as [number[], number[]][])
    await agree(
      line(between('s', inner, 'ds'), { ...common, pads: ints(pads, [1, 2]), crops: ints(crops, [1, 2]) }),
      `pads ${pads}, crops ${crops}`,
    );
  const two = {
    block: ints([2, 3]),
    pads: ints([2, 2, 3, 3], [2, 2]),
    crops: ints([0, 0, 0, 0], [2, 2]),
    kd: weights(3, 3, 4, 2),
  };
  await agree(plane(between('c', [{ ...conv, inputs: ['sb', 'kd'] }], 'dc'), two), 'two dimensions');
  for (const [what, dims, reason] of [
    [
      'a pooling',
      [node('dc', 'MaxPool', ['sb'], { ksize: { ints: [1, 2, 1, 1] }, ...window([1, 1, 1, 1], 'VALID') })],
      /MaxPool dc: it stands between/,
    ],
    ['a stride', [{ ...conv, inputs: ['sb', 'kd'], attributes: window([1, 2, 1, 1], 'VALID') }], /of stride 1 without padding/],
    [
      'its own padding',
      [{ ...conv, inputs: ['sb', 'kd'], attributes: window([1, 1, 1, 1], 'SAME') }],
      /of stride 1 without padding/,
    ],
  ] as [string, GraphNode[], RegExp][])
    assert.match(await refusal(plane(between('c', dims, 'dc'), two)), reason, what);
});

test('an open time dimension gets the window, and without a signature the unread tensors are the outputs', async () => {
  const model = { ...line([node('y', 'Relu', ['s'])], {}), input: [null, null, 3] };
  assert.match(await refusal(model), /RN164.*symbolic.*--window 128/);
  await agree(model, 'a window', { window: 31 });
  const bare = await refusal(
    model,
    ((tree: { signature?: unknown }) => {
      delete tree.signature;
    }) as never,
    { window: 31 },
  );
  assert.is(bare, 'read');
});

test('every operator with a rule was compared or is an alias of one that was', () => {
  const aliases =
    'FusedBatchNorm Div Snapshot StopGradient BatchMatMul Gather Size Cast BroadcastTo Min Sum Inv Softsign MirrorPad';
  const rest = [...rewrites.keys()].filter((op) => !seen.has(op) && !aliases.split(' ').includes(op));
  assert.equal(rest, []);
});

test.run();
