/**
 * Pools in place of depthwise layers, layer by layer: what stays and why, clamps, padding, scales, and layers
 * over the whole window.
 *
 * Random networks are in test/property/swap-depthwise.test.ts.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type DepthwiseAttrs, kernelOfOne, noClamp, type PoolAttrs, type QuantParams } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { swapDepthwise } from '../../quant/swap-depthwise.ts';

const narrow: QuantParams = { scale: 0.25, zeroPoint: 3 };
const coarse: QuantParams = { scale: 0.5, zeroPoint: -7 };

/** Adds a depthwise layer with a kernel of 3 frames, unless told otherwise. */
function depthwise(b: GraphBuilder, x: number, name: string, given: Partial<DepthwiseAttrs> = {}, quant?: QuantParams): number {
  const attrs = { ...kernelOfOne, kernelT: 3, multiplier: 1, bias: null, clamp: noClamp, ...given };
  const length = attrs.kernelT * attrs.kernelF * b.shape(x).c * attrs.multiplier;
  const data = quant ? new Int8Array(length).fill(1) : new Float32Array(length).fill(1);
  const scales = quant && new Float64Array([0.01]);
  return b.node('depthwise', [x], { ...attrs, weights: { data, ...(scales && { scales }) } }, name, quant);
}

const cases: [name: string, attrs: Partial<DepthwiseAttrs>, why: RegExp | undefined][] = [
  ['multiplier', { multiplier: 2 }, /^a channel multiplier of 2;/],
  ['place', { kernelT: 1, strideT: 2 }, /^a kernel of one place;/],
  ['time', { dilationT: 4 }, /^a dilation of 4;/],
  ['rows', { kernelF: 2, dilationF: 2 }, /^a dilation of 2;/],
  ['before', { padT: [3, 0] }, /^places that cover only padding;/],
  ['after', { padT: [0, 3] }, /^places that cover only padding;/],
  ['row', { kernelF: 2, padF: [0, 2] }, /^places that cover only padding;/],
  ['plain', {}, undefined],
  ['one row', { dilationF: 3 }, undefined],
  ['one frame', { kernelT: 1, kernelF: 2, dilationT: 3 }, undefined],
  ['same', { padT: [2, 2], kernelF: 2, padF: [1, 1] }, undefined],
];

test('layers that no pool can replace are named with the reason; a dilation of an axis with one tap is none', () => {
  const b = new GraphBuilder('all');
  const x = b.input('x', { t: 30, f: 5, c: 2 });
  for (const [name, attrs] of cases) b.output(depthwise(b, x, name, attrs), name);
  const graph = b.build();
  for (const pool of ['maxpool', 'avgpool'] as const) {
    const { kept, replaced } = swapDepthwise(graph, pool);
    assert.equal([...kept.map(({ name }) => name), ...replaced], cases.map(([name]) => name)); // biome-ignore format: one line
    for (const [i, { why }] of kept.entries()) assert.match(why, cases[i]?.[2] as RegExp);
    assert.is(kept.length, 7);
  }
});

test('a pool keeps kernel, stride, padding and clamp, and has nothing else', () => {
  const b = new GraphBuilder('one');
  const geometry = { kernelT: 4, kernelF: 3, strideT: 2, strideF: 3, padT: [1, 2], padF: [0, 1] } as const;
  const clamp = [0, 6] as const;
  b.output(depthwise(b, b.input('x', { t: 30, f: 5, c: 2 }), 'layer', { ...geometry, clamp }), 'y');
  const { nodes } = swapDepthwise(b.build(), 'avgpool').graph;
  assert.equal(nodes, [{ op: 'avgpool', name: 'layer', inputs: [0], output: 1, attrs: { ...geometry, clamp } }]);
});

test('a layer over the whole window becomes a global pool, with the rule of its graph', () => {
  for (const [quant, rule] of [
    [narrow, 'avgpool'],
    [undefined, 'mean'],
  ] as const) {
    // biome-ignore format: one line
    const b = new GraphBuilder('whole');
    b.output(depthwise(b, b.input('x', { t: 30, f: 1, c: 2 }, { quant }), 'layer', { kernelT: 30 }, quant && coarse), 'y');
    const [average] = swapDepthwise(b.build(), 'avgpool').graph.nodes;
    assert.equal(average?.attrs, { overF: false, clamp: noClamp, rule });
    assert.is(average?.op, 'globalavg');
    assert.is(swapDepthwise(b.build(), 'maxpool').graph.nodes[0]?.op, 'globalmax');
  }
});

test('a pool has the scale of its input, and layers that move values pass it on up to the next scale', () => {
  const b = new GraphBuilder('scales');
  const x = b.input('x', { t: 30, f: 1, c: 2 }, { quant: narrow });
  const pool: PoolAttrs = { kernelT: 2, kernelF: 1, strideT: 1, strideF: 1, padT: [0, 0], padF: [0, 0], clamp: noClamp };
  const first = depthwise(b, x, 'first', {}, coarse);
  const moved = b.node('maxpool', [first], pool, 'moved', coarse);
  const same = b.node('activation', [moved], { fn: 'abs', clamp: noClamp }, 'same', coarse);
  const second = depthwise(b, same, 'second', { multiplier: 2 }, coarse);
  b.output(b.node('maxpool', [second], pool, 'after', coarse), 'y');
  const { graph } = swapDepthwise(b.build(), 'maxpool');
  assert.equal(graph.tensors.map(({ quant }) => quant), [narrow, narrow, narrow, coarse, coarse, coarse]); // biome-ignore format: one line
  assert.is(quantPlan(planStream(graph, { hop: 1 })).plan.graph.nodes.length, 5, 'no requantisation');
});

test('a layer between int8 and int16 stays', () => {
  const wide: QuantParams = { scale: 0.001, zeroPoint: 0, type: 'int16' };
  for (const [x, y, kept] of [
    [narrow, wide, 1],
    [wide, narrow, 1],
    [wide, wide, 0],
  ] as const) {
    // biome-ignore format: one line
    const b = new GraphBuilder('types');
    b.output(depthwise(b, b.input('x', { t: 30, f: 1, c: 2 }, { quant: x }), 'layer', {}, y), 'y');
    assert.is(swapDepthwise(b.build(), 'maxpool').kept.length, kept);
  }
});

test('in a model with its own state, earlier steps take the place of padding before a stream', () => {
  const b = new GraphBuilder('steps');
  b.stateful = true;
  const x = b.input('x', { t: 1, f: 1, c: 2 }, { quant: narrow });
  b.output(depthwise(b, x, 'layer', { padT: [2, 0] }, coarse), 'y');
  const { graph } = swapDepthwise(b.build(), 'avgpool');
  assert.equal(graph.nodes.map(({ op, inputs, output }) => [op, inputs, output]), [['history', [0], 2], ['avgpool', [2], 1]]); // biome-ignore format: one line
  const [rows, { padT }] = graph.nodes.map(({ attrs }) => attrs) as [object, PoolAttrs];
  assert.equal(rows, { before: 2, after: 0 });
  assert.equal(padT, [0, 0]);
  assert.equal(graph.tensors.map(({ quant }) => quant), [narrow, narrow, narrow]); // biome-ignore format: one line
});

test.run();
