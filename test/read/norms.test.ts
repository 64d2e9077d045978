/**
 * Layer normalisation in files: the operators of ONNX, and the single operators that PyTorch, Keras and
 * RMSNorm write, in ONNX and TensorFlow Lite. Each pattern becomes one node with the right values. A pattern
 * that only looks similar does not.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import type { Graph, NodeOf } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { type ModelOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { runFloat } from '../graph/run-float.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError, seededNormal } from './onnx-oracle.ts';
import { writeTflite } from './tflite-model.ts';

type Node = ModelOf['nodes'][number];
const normOf = (graph: Graph): NodeOf<'layernorm'> => graph.nodes.find((n) => n.op === 'layernorm') as NodeOf<'layernorm'>;
const runtime = await loadRuntime();

/** Converts lines `result = Op operands` to one node each. */
const nodesOf = (text: string): Node[] =>
  text
    .trim()
    .split('\n')
    .map((line) => {
      const [result = '', op = '', ...inputs] = line.trim().split(/[ =]+/);
      const mean = op === 'ReduceMean' ? { attributes: { axes: [-1], keepdims: 1 } } : {};
      return { op, inputs, outputs: [result], ...mean };
    });

const heads = {
  centred: 'm = ReduceMean x\n d = Sub x m\n q = Pow d two\n v = ReduceMean q\n e = Add v eps\n',
  twice: 'm = ReduceMean x\n d = Sub x m\n d2 = Sub x m\n q = Mul d2 d2\n v = ReduceMean q\n e = Add eps v\n',
  moments: 'm = ReduceMean x\n s = Mul x x\n n = ReduceMean s\n mm = Mul m m\n v = Sub n mm\n e = Add v eps\n',
  backwards: 'm = ReduceMean x\n d = Sub m x\n q = Pow d two\n v = ReduceMean q\n e = Add v eps\n',
  rms: 's = Pow x two\n v = ReduceMean s\n e = Add v eps\n',
};
const spellings: Record<string, string> = {
  'PyTorch: a division by the root': `${heads.centred} r = Sqrt e\n n2 = Div d r\n g2 = Mul n2 g\n y = Add g2 b`,
  'two differences, factors first': `${heads.twice} r = Sqrt e\n n2 = Div d r\n g2 = Mul g n2\n y = Add b g2`,
  'the inverse root by Pow': `${heads.centred} i = Pow e minus\n n2 = Mul i d\n g2 = Mul n2 g\n y = Add g2 b`,
  'the inverse root by Reciprocal': `${heads.centred} r = Sqrt e\n i = Reciprocal r\n n2 = Mul d i\n g2 = Mul n2 g\n y = Add g2 b`,
  'the inverse root by a division': `${heads.centred} r = Sqrt e\n i = Div one r\n n2 = Mul d i\n g2 = Mul n2 g\n y = Add g2 b`,
  'Keras: gamma divided by the root first': `${heads.centred} r = Sqrt e\n i = Div g r\n p = Mul x i\n o = Mul m i\n s2 = Sub b o\n y = Add p s2`,
  'mean of squares minus square of mean': `${heads.moments} r = Sqrt e\n i = Reciprocal r\n d = Sub x m\n n2 = Mul d i\n g2 = Mul n2 g\n y = Add g2 b`,
  'mean minus value': `${heads.backwards} r = Sqrt e\n n2 = Div d r\n n3 = Neg n2\n g2 = Mul n3 g\n y = Add g2 b`,
  'without gamma and beta': `${heads.centred} r = Sqrt e\n y = Div d r`,
  RMSNorm: `${heads.rms} r = Sqrt e\n n2 = Div x r\n y = Mul n2 g`,
  'RMSNorm, gamma first': `${heads.rms} r = Sqrt e\n i = Reciprocal r\n h = Mul g i\n y = Mul x h`,
};
/** Returns seeded normal values. */
const numbers = (count: number, seed: number): number[] => Array.from({ length: count }, seededNormal(seed));
const tensors: Record<string, TensorOf> = {
  g: { dims: [6], floats: numbers(6, 2) },
  b: { dims: [6], floats: numbers(6, 3) },
  two: { dims: [], floats: [2] },
  one: { dims: [1], floats: [1] },
  minus: { dims: [], floats: [-0.5] },
  eps: { dims: [], floats: [0.01] },
};
const file = (nodes: Node[]) => {
  const used = new Set(nodes.flatMap((n) => n.inputs));
  const own = Object.fromEntries(Object.entries(tensors).filter(([name]) => used.has(name)));
  return writeModel({ nodes, inputs: { x: [1, 5, 6] }, outputs: ['y'], tensors: own, opset: 17 });
};
const read = (nodes: Node[]) => readOnnx(file(nodes), { timeAxis: 1 });

for (const [name, text] of Object.entries(spellings)) {
  test(`ONNX, ${name}: becomes one node that agrees with onnxruntime`, async () => {
    const nodes = nodesOf(text);
    const graph = read(nodes);
    assert.equal(
      graph.nodes.map((n) => n.op),
      ['layernorm'],
    );
    const { attrs } = normOf(graph);
    assert.is(attrs.centre, !name.startsWith('RMS'));
    assert.ok(Math.abs(attrs.epsilon - 0.01) < 1e-8);
    if (!runtime) return;
    const inputs = randomInputs(graph, 5);
    const [theirs] = await oracle(runtime, file(nodes), graph, inputs);
    assert.ok(relativeError(ownOutputs(graph, inputs)[0] as Float32Array, theirs as Float32Array) < 1e-5);
  });
}

test('a pattern that only looks like a normalisation is not read as one, and computes what the file computes', async () => {
  const { centred } = heads;
  const ends = ' r = Sqrt e\n n2 = Div d r\n g2 = Mul n2 g\n y = Add g2 b';
  const wrong: Record<string, string> = {
    'the variance of another value': `x2 = Tanh x\n${centred.replace('m = ReduceMean x', 'm = ReduceMean x2')}${ends}`,
    'the cube': `three = Identity eps\n${centred.replace('Pow d two', 'Pow d eps')}${ends}`,
    'the mean is added': `${centred.replace('d = Sub x m', 'd = Add x m')}${ends}`,
    'the sum of mean and squares': `${heads.moments.replace('Sub n mm', 'Add n mm')} r = Sqrt e\n d = Sub x m\n n2 = Div d r\n y = Add n2 b`,
    'the root of the root': `${centred} r0 = Sqrt e\n r = Sqrt r0\n n2 = Div d r\n y = Add n2 b`,
    'gamma on one side only': `${centred} r = Sqrt e\n i = Reciprocal r\n h = Mul i g\n p = Mul x h\n o = Mul m i\n y = Sub p o`,
  };
  for (const [about, text] of Object.entries(wrong)) {
    const nodes = nodesOf(text);
    let graph: Graph;
    try {
      graph = read(nodes);
    } catch (error) {
      assert.ok(isRunletError(error), about);
      continue;
    }
    assert.not.ok(
      graph.nodes.some((n) => n.op === 'layernorm' && n.attrs.centre),
      about,
    );
    if (!runtime) continue;
    const inputs = randomInputs(graph, 5);
    const [theirs] = await oracle(runtime, file(nodes), graph, inputs);
    // the cube can give roots of negative numbers, which are NaN
    if (!theirs?.every(Number.isFinite)) continue;
    assert.ok(relativeError(ownOutputs(graph, inputs)[0] as Float32Array, theirs) < 1e-5, about);
  }
});

test('an intermediate value with another reader keeps its meaning', () => {
  const text = `${heads.rms} r = Sqrt e\n n2 = Div x r\n g2 = Mul n2 g\n t = Tanh n2\n y = Add g2 t`;
  assert.equal(
    read(nodesOf(text))
      .nodes.map((n) => n.op)
      .sort(),
    ['activation', 'add', 'layernorm', 'layernorm'],
  );
});

test('LayerNormalization, RMSNormalization and SimplifiedLayerNormalization are read, over channels or features and channels', async () => {
  const dims = [1, 3, 8, 4];
  const of = (op: string, axis: number, shape: number[], bias = true): Uint8Array =>
    writeModel({
      nodes: [
        { op: 'Transpose', inputs: ['x'], outputs: ['t'], attributes: { perm: [0, 2, 3, 1] } },
        { op, inputs: bias ? ['t', 's', 'o'] : ['t', 's'], outputs: ['n'], attributes: { axis, epsilon: { float: 1e-3 } } },
        { op: 'Transpose', inputs: ['n'], outputs: ['y'], attributes: { perm: [0, 3, 1, 2] } },
      ],
      inputs: { x: dims },
      outputs: ['y'],
      tensors: {
        s: {
          dims: shape,
          floats: numbers(
            shape.reduce((a, b) => a * b, 1),
            4,
          ),
        },
        ...(bias && {
          o: {
            dims: shape,
            floats: numbers(
              shape.reduce((a, b) => a * b, 1),
              5,
            ),
          },
        }),
      },
      opset: 17,
    });
  for (const [axis, shape, over] of [
    [-1, [3], 'c'],
    [2, [4, 3], 'fc'],
    [-2, [4, 3], 'fc'],
    [1, [8, 4, 3], undefined],
  ] as const) {
    const bytes = of('LayerNormalization', axis, [...shape]);
    const graph = readOnnx(bytes, { timeAxis: 2 });
    if (over) assert.equal([normOf(graph).attrs.over, normOf(graph).attrs.gamma.length], [over, shape.length === 1 ? 3 : 12]);
    if (!runtime) continue;
    const inputs = randomInputs(graph, 7);
    const [theirs] = await oracle(runtime, bytes, graph, inputs);
    assert.ok(relativeError(ownOutputs(graph, inputs)[0] as Float32Array, theirs as Float32Array) < 1e-5, `axis ${axis}`);
  }
  for (const op of ['RMSNormalization', 'SimplifiedLayerNormalization'])
    assert.is(normOf(readOnnx(of(op, -1, [3], false), { timeAxis: 2 })).attrs.centre, false);
});

const codes = { ADD: 0, MUL: 18, MEAN: 40, SUB: 41, SQUARE: 75, RSQRT: 76, SQUARED_DIFFERENCE: 99, TANH: 28 } as const;
type Line = [op: keyof typeof codes, result: string, ...inputs: string[]];

/** Returns the graph of these operators on x [1, 5, 6]; the last ADD may have a fused ReLU. */
function tfliteOf(lines: Line[], relu = 0, clamped = ''): Graph {
  const shapes = (name: string) => (/^[mvei]/.test(name) ? [1, 5, 1] : [1, 5, 6]);
  const results = Object.fromEntries(lines.map(([, result]) => [result, { shape: shapes(result) }]));
  return readTflite(
    writeTflite({
      tensors: {
        x: { shape: [1, 5, 6] },
        last: { shape: [1], ints: [2] },
        eps: { shape: [], floats: [0.01] },
        g: { shape: [6], floats: numbers(6, 2) },
        b: { shape: [6], floats: numbers(6, 3) },
        ...results,
      },
      operators: lines.map(([op, result, ...inputs]) => ({
        code: codes[op],
        inputs,
        outputs: [result],
        ...(op === 'MEAN' && { options: { kind: 27, int8: { 0: 1 } } }),
        ...(op === 'ADD' && result === 'y' && { options: { kind: 11, int8: { 0: relu } } }),
        ...(op === 'ADD' && result === clamped && { options: { kind: 11, int8: { 0: 1 } } }),
      })),
      inputs: ['x'],
      outputs: ['y'],
    }),
    { timeAxis: 1 },
  );
}

const inTflite: Record<string, Line[]> = {
  'Keras: gamma divided by the root': [
    ['MEAN', 'm', 'x', 'last'],
    ['SQUARED_DIFFERENCE', 'q', 'x', 'm'],
    ['MEAN', 'v', 'q', 'last'],
    ['ADD', 'e', 'v', 'eps'],
    ['RSQRT', 'i', 'e'],
    ['MUL', 'h', 'i', 'g'],
    ['MUL', 'p', 'x', 'h'],
    ['MUL', 'o', 'm', 'h'],
    ['SUB', 's', 'b', 'o'],
    ['ADD', 'y', 'p', 's'],
  ],
  'PyTorch, converted': [
    ['MEAN', 'm', 'x', 'last'],
    ['SUB', 'd', 'x', 'm'],
    ['MUL', 'q', 'd', 'd'],
    ['MEAN', 'v', 'q', 'last'],
    ['ADD', 'e', 'v', 'eps'],
    ['RSQRT', 'i', 'e'],
    ['MUL', 'n', 'd', 'i'],
    ['MUL', 's', 'n', 'g'],
    ['ADD', 'y', 's', 'b'],
  ],
};

for (const [name, lines] of Object.entries(inTflite)) {
  test(`TensorFlow Lite, ${name}: becomes one node with the values of the formula`, () => {
    for (const relu of [0, 1]) {
      const graph = tfliteOf(lines, relu);
      assert.equal(
        graph.nodes.map((n) => n.op),
        ['layernorm'],
      );
      assert.equal(
        normOf(graph).attrs.clamp,
        relu ? [0, Number.POSITIVE_INFINITY] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      );
      const x = Float32Array.from(numbers(30, 9));
      const y = runFloat(graph, [x])[graph.outputs[0]?.tensor ?? -1] as Float32Array;
      const [g, b] = [numbers(6, 2), numbers(6, 3)];
      for (let t = 0; t < 5; t++) {
        const row = [...x.subarray(6 * t, 6 * t + 6)];
        const mean = row.reduce((p, v) => p + v) / 6;
        const variance = row.reduce((p, v) => p + (v - mean) ** 2, 0) / 6;
        row.forEach((v, c) => {
          const value = ((v - mean) / Math.sqrt(variance + 0.01)) * (g[c] as number) + (b[c] as number);
          const wanted = relu ? Math.max(0, value) : value;
          assert.ok(Math.abs((y[6 * t + c] as number) - wanted) < 1e-5, `frame ${t}, channel ${c}`);
        });
      }
    }
  });
}

test('TensorFlow Lite: no operator after a clamp is fused', () => {
  const inner = (inTflite['PyTorch, converted'] as Line[]).map(
    ([op, result, ...inputs]): Line => [op, result === 'y' ? 'z' : result, ...inputs],
  );
  const graph = tfliteOf([...inner, ['ADD', 'y', 'z', 'b']], 0);
  assert.equal(
    graph.nodes.map((n) => n.op),
    ['layernorm'],
  );
  const clamped = tfliteOf([...inner, ['MUL', 'y', 'z', 'g']], 0, 'z');
  assert.equal(
    clamped.nodes.map((n) => n.op),
    ['layernorm', 'depthwise'],
  );
});

test.run();
