/**
 * foldGraph keeps the meaning: for random graphs around every rule, the float outputs before and after agree
 * within 1e-5 of the largest.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { thenClamp } from '../../models/graph/clamp.ts';
import { foldGraph } from '../../models/graph/fold.ts';
import {
  type Clamp,
  type ConvAttrs,
  type DepthwiseAttrs,
  elementsOf,
  type Graph,
  noClamp,
  type PoolAttrs,
} from '../../models/graph/types.ts';
import { relativeError, seededNormal } from '../read/onnx-oracle.ts';
import { printGraph } from './print-graph.ts';
import { runFloat } from './run-float.ts';

const relu: Clamp = [0, Number.POSITIVE_INFINITY];

/** Seeded random parameters. */
class Random {
  readonly normal: () => number;

  constructor(seed: number) {
    this.normal = seededNormal(seed);
  }

  below(n: number): number {
    return Math.floor(Math.abs(this.normal() * 1000)) % n;
  }

  values(count: number, positive = false): Float32Array {
    return Float32Array.from({ length: count }, () => (positive ? 0.2 + Math.abs(this.normal()) : this.normal()));
  }

  sliding(padded: boolean): Omit<ConvAttrs, 'groups' | 'outChannels' | 'weights' | 'bias'> {
    const pad = (): [number, number] => (padded ? [this.below(3), this.below(3)] : [0, 0]);
    const [strideT, dilationT] = [1 + this.below(2), 1 + this.below(2)];
    return { kernelT: 3, kernelF: 2, strideT, strideF: 1, dilationT, dilationF: 1, padT: pad(), padF: pad(), clamp: noClamp };
  }

  conv(c: number, outChannels: number, groups: number, padded: boolean): ConvAttrs {
    const weights = { data: this.values((outChannels * 6 * c) / groups) };
    return { ...this.sliding(padded), groups, outChannels, weights, bias: this.below(2) ? this.values(outChannels) : null };
  }

  depthwise(c: number, multiplier: number, padded: boolean): DepthwiseAttrs {
    return {
      ...this.sliding(padded),
      multiplier,
      weights: { data: this.values(6 * c * multiplier) },
      bias: this.values(c * multiplier),
    };
  }

  scale(c: number, options: { offset?: boolean; positive?: boolean } = {}): DepthwiseAttrs {
    return {
      ...{ kernelT: 1, kernelF: 1, strideT: 1, strideF: 1, dilationT: 1, dilationF: 1, padT: [0, 0], padF: [0, 0] },
      multiplier: 1,
      weights: { data: this.values(c, options.positive) },
      bias: options.offset === false ? null : this.values(c),
      clamp: noClamp,
    };
  }
}

/** Runs the original and the folded graph on one random window, and returns the folded graph. */
function same(graph: Graph, seed: number): Graph {
  const folded = foldGraph(graph);
  const random = new Random(seed + 1000);
  const inputs = graph.inputs.map((port) => random.values(elementsOf(graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 })));
  const before = runFloat(graph, inputs);
  const after = runFloat(folded, inputs);
  for (const [i, port] of graph.outputs.entries()) {
    const own = after[folded.outputs[i]?.tensor ?? -1] ?? new Float32Array(0);
    const error = relativeError(own, before[port.tensor] as Float32Array);
    assert.ok(error < 1e-5, `seed ${seed}: off by ${error}\n${printGraph(folded)}`);
  }
  folded.tensors.forEach((tensor, id) => {
    assert.is(tensor.id, id);
  });
  assert.is(folded.tensors.length, new Set([...folded.nodes.map((n) => n.output), ...folded.inputs.map((p) => p.tensor)]).size);
  return folded;
}

const ops = (graph: Graph): string => graph.nodes.map((node) => node.op).join(' ');

function build(body: (b: GraphBuilder, x: number, random: Random) => number | number[], seed: number): Graph {
  const b = new GraphBuilder('test');
  const x = b.input('x', { t: 14, f: 5, c: 4 });
  for (const [i, y] of [body(b, x, new Random(seed))].flat().entries()) b.output(y, `y${i}`);
  return b.build();
}

/** Rule name -> [operators expected after folding, graph]. */
const rules: Record<string, [string, (b: GraphBuilder, x: number, r: Random) => number | number[]]> = {
  'scale after conv': [
    'conv',
    (b, x, r) => b.node('depthwise', [b.node('conv', [x], r.conv(4, 6, 2, true), 'a')], r.scale(6), 's'),
  ],
  'scale after depthwise': [
    'depthwise',
    (b, x, r) => b.node('depthwise', [b.node('depthwise', [x], r.depthwise(4, 2, true), 'a')], r.scale(8), 's'),
  ],
  'scale after dense': [
    'dense',
    (b, x, r) => {
      const dense = b.node('dense', [x], { units: 3, weights: { data: r.values(3 * 280) }, bias: null, clamp: noClamp }, 'd');
      return b.node('depthwise', [dense], { ...r.scale(3), clamp: relu }, 's');
    },
  ],
  'scale before a valid conv': [
    'conv',
    (b, x, r) => b.node('conv', [b.node('depthwise', [x], r.scale(4), 's')], r.conv(4, 6, 2, false), 'c'),
  ],
  'scale before a padded conv': [
    'depthwise conv',
    (b, x, r) => b.node('conv', [b.node('depthwise', [x], r.scale(4), 's')], { ...r.conv(4, 6, 1, true), padT: [1, 0] }, 'c'),
  ],
  'scale without offset before a padded conv': [
    'conv',
    (b, x, r) => b.node('conv', [b.node('depthwise', [x], r.scale(4, { offset: false }), 's')], r.conv(4, 6, 2, true), 'c'),
  ],
  'scale before depthwise': [
    'depthwise',
    (b, x, r) => b.node('depthwise', [b.node('depthwise', [x], r.scale(4), 's')], r.depthwise(4, 3, false), 'd'),
  ],
  'scale before dense': [
    'dense',
    (b, x, r) =>
      b.node(
        'dense',
        [b.node('depthwise', [x], r.scale(4), 's')],
        { units: 2, weights: { data: r.values(560) }, bias: r.values(2), clamp: relu },
        'd',
      ),
  ],
  'three scales': ['depthwise', (b, x, r) => ['p', 'q', 's'].reduce((y, name) => b.node('depthwise', [y], r.scale(4), name), x)],
  'several clamps after a conv': [
    'conv',
    (b, x, r) => {
      let y = b.node('conv', [x], r.conv(4, 3, 1, true), 'c');
      for (const clamp of [
        [0, 6],
        [1, 9],
        [-3, 2],
      ] as Clamp[])
        y = b.node('activation', [y], { fn: 'identity', clamp }, 'k');
      return y;
    },
  ],
  'relu then a positive scale': [
    'conv',
    (b, x, r) =>
      b.node(
        'depthwise',
        [b.node('conv', [x], { ...r.conv(4, 3, 1, true), clamp: relu }, 'c')],
        r.scale(3, { offset: false, positive: true }),
        's',
      ),
  ],
  'relu then any scale': [
    'conv depthwise',
    (b, x, r) => b.node('depthwise', [b.node('conv', [x], { ...r.conv(4, 3, 1, true), clamp: relu }, 'c')], r.scale(3), 's'),
  ],
  'two readers keep the producer': [
    'conv activation depthwise',
    (b, x, r) => {
      const c = b.node('conv', [x], r.conv(4, 3, 1, true), 'c');
      return [b.node('activation', [c], { fn: 'identity', clamp: relu }, 'k'), b.node('depthwise', [c], r.scale(3), 's')];
    },
  ],
  'an output keeps the producer': [
    'conv depthwise',
    (b, x, r) => {
      const c = b.node('conv', [x], r.conv(4, 3, 1, true), 'c');
      return [c, b.node('depthwise', [c], r.scale(3), 's')];
    },
  ],
  'an identity is removed': [
    'conv',
    (b, x, r) => b.node('activation', [b.node('conv', [x], r.conv(4, 3, 1, true), 'c')], { fn: 'identity', clamp: noClamp }, 'i'),
  ],
  'hard swish, divided by six': [
    'conv activation',
    (b, x, r) => {
      const c = b.node('conv', [x], r.conv(4, 3, 1, true), 'c');
      const shifted = b.node('depthwise', [c], constant(3, 1, 3), 'a');
      const gate = b.node('activation', [shifted], { fn: 'identity', clamp: [0, 6] }, 'k');
      return b.node('depthwise', [b.node('mul', [c, gate], { clamp: noClamp }, 'm')], constant(3, 1 / 6, 0), 'd');
    },
  ],
  'hard swish by hard sigmoid': [
    'conv activation',
    (b, x, r) => {
      const c = b.node('conv', [x], r.conv(4, 3, 1, true), 'c');
      const gate = b.node('depthwise', [c], { ...constant(3, 1 / 6, 0.5), clamp: [0, 1] }, 'h');
      return b.node('mul', [gate, c], { clamp: [-1, 2] }, 'm');
    },
  ],
  'a gate that is not hard swish': [
    'conv depthwise mul',
    (b, x, r) => {
      const c = b.node('conv', [x], r.conv(4, 3, 1, true), 'c');
      return b.node(
        'mul',
        [c, b.node('depthwise', [c], { ...constant(3, 0.2, 0.5), clamp: [0, 1] }, 'h')],
        { clamp: noClamp },
        'm',
      );
    },
  ],
  'average over the window': ['globalavg', (b, x) => b.node('avgpool', [x], pool(14, 5), 'p')],
  'average over time only': ['globalavg', (b, x) => b.node('avgpool', [x], pool(14, 1), 'p')],
  'maximum over the window': ['globalmax', (b, x) => b.node('maxpool', [x], { ...pool(14, 5), clamp: relu }, 'p')],
  'a pool over part of the rows stays': ['maxpool', (b, x) => b.node('maxpool', [x], pool(14, 2), 'p')],
  'a clamp after an addition': [
    'add',
    (b, x) => b.node('activation', [b.node('add', [x, x], { clamp: noClamp }, 'a')], { fn: 'identity', clamp: relu }, 'k'),
  ],
  'a crop that only pools read': [
    'avgpool maxpool maxpool',
    (b, x, r) => {
      const crop = b.node('history', [x], { before: -r.below(4), after: -1 - r.below(4) }, 'crop');
      const mean = b.node('globalavg', [crop], { overF: true, clamp: noClamp, rule: 'mean' }, 'mean');
      const most = b.node('globalmax', [crop], { overF: false, clamp: relu }, 'most');
      return [mean, most, b.node('maxpool', [crop], pool(3, 2), 'pool')];
    },
  ],
  'a crop that a pool and another layer read': [
    'history globalavg activation',
    (b, x) => {
      const crop = b.node('history', [x], { before: -2, after: -3 }, 'crop');
      const mean = b.node('globalavg', [crop], { overF: true, clamp: noClamp, rule: 'mean' }, 'mean');
      return [mean, b.node('activation', [crop], { fn: 'tanh', clamp: noClamp }, 'tanh')];
    },
  ],
  'a crop before a pool that pads time': [
    'history maxpool',
    (b, x) => {
      const crop = b.node('history', [x], { before: -2, after: -3 }, 'crop');
      return b.node('maxpool', [crop], { ...pool(3, 1), padT: [1, 1] }, 'pool');
    },
  ],
};

function constant(c: number, factor: number, offset: number): DepthwiseAttrs {
  const base = new Random(0).scale(c);
  return { ...base, weights: { data: new Float32Array(c).fill(factor) }, bias: new Float32Array(c).fill(offset) };
}

const pool = (kernelT: number, kernelF: number): PoolAttrs => ({
  kernelT,
  kernelF,
  strideT: 2,
  strideF: 1,
  padT: [0, 0],
  padF: [0, 0],
  clamp: noClamp,
});

for (const [name, [expected, body]] of Object.entries(rules)) {
  test(`folds with the same outputs: ${name}`, () => {
    for (let seed = 0; seed < 20; seed++) {
      const graph = build(body, seed);
      const nodes = ops(graph);
      assert.is(ops(same(graph, seed)), expected);
      assert.is(ops(graph), nodes, 'the argument is not changed');
    }
  });
}

test('folding random chains of layers keeps their outputs', () => {
  for (let seed = 0; seed < 200; seed++) {
    const graph = build((b, x, r) => {
      let y = x;
      for (let i = 0; i < 7; i++) {
        const { c } = b.shape(y);
        const name = `n${i}`;
        const kind = r.below(7);
        if (kind <= 1) y = b.node('depthwise', [y], r.scale(c, { offset: r.below(2) === 0, positive: r.below(2) === 0 }), name);
        else if (kind === 2)
          y = b.node('activation', [y], { fn: 'identity', clamp: [r.below(2) ? 0 : -1, 1 + r.below(3)] }, name);
        else if (kind === 3) y = b.node('activation', [y], { fn: 'tanh', clamp: noClamp }, name);
        else if (kind === 4) y = b.node('add', [y, b.node('depthwise', [y], r.scale(c), `${name}s`)], { clamp: noClamp }, name);
        else if (b.shape(y).t > 5 && b.shape(y).f > 1) {
          y =
            kind === 5
              ? b.node('conv', [y], r.conv(c, 4, 1, r.below(2) === 0), name)
              : b.node('depthwise', [y], r.depthwise(c, 1, r.below(2) === 0), name);
        }
      }
      return b.node('activation', [y], { fn: 'identity', clamp: relu }, 'end');
    }, seed);
    same(graph, seed);
  }
});

test('a crop stays in a model that carries a state', () => {
  const graph = build((b, x) => {
    const crop = b.node('history', [x], { before: -2, after: 0 }, 'crop');
    return b.node('globalavg', [crop], { overF: true, clamp: noClamp, rule: 'mean' }, 'mean');
  }, 1);
  assert.is(ops(foldGraph({ ...graph, stateful: true })), 'history globalavg');
});

test('clamps compose in order', () => {
  assert.equal([...thenClamp([0, 6], [-1, 3])], [0, 3]);
  assert.equal([...thenClamp([0, 1], [2, 3])], [2, 2]);
  assert.equal([...thenClamp(noClamp, relu)], [0, Number.POSITIVE_INFINITY]);
});

test('an int8 graph is not folded', () => {
  const b = new GraphBuilder('int8');
  const quant = { scale: 0.1, zeroPoint: 0 };
  const x = b.input('x', { t: 4, f: 1, c: 2 }, { quant });
  const y = b.node('activation', [x], { fn: 'identity', clamp: noClamp }, 'requantise', { scale: 0.2, zeroPoint: 1 });
  b.output(y, 'y');
  assert.is(ops(foldGraph(b.build())), 'activation');
});

test('the printed table names operators, kernels and clamps', () => {
  const text = printGraph(
    foldGraph(build((b, x, r) => b.node('conv', [x], { ...r.conv(4, 6, 2, true), clamp: [0, 6], padT: [2, 0] }, 'first'), 1)),
  );
  for (const part of [/first/, /k3x2/, /relu6/, /g2/, /p2,0/]) assert.match(text, part);
});

test.run();
