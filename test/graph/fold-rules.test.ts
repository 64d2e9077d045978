/**
 * foldGraph at the limits of its rules: a graph that only looks like a rule must compute the same before and
 * after folding.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { foldGraph } from '../../models/graph/fold.ts';
import { type Clamp, type Graph, kernelOfOne, noClamp } from '../../models/graph/types.ts';
import { runFloat } from './run-float.ts';

const relu: Clamp = [0, Number.POSITIVE_INFINITY];
const outputsOf = (graph: Graph): number[] => {
  const [port] = graph.inputs as [Graph['inputs'][number]];
  const { t, f, c } = graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 };
  const x = Float32Array.from({ length: t * f * c }, (_, i) => 5 * Math.sin(1.7 * i));
  const values = runFloat(graph, [x]);
  return graph.outputs.flatMap(({ tensor }) => [...(values[tensor] as Float32Array)]);
};
/** Builds a graph on [8][1][2], compares its outputs before and after folding, and returns its operators. */
function same(about: string, build: (b: GraphBuilder, x: number) => number): string[] {
  const b = new GraphBuilder(about);
  b.output(build(b, b.input('x', { t: 8, f: 1, c: 2 })), 'y');
  const graph = b.build();
  const folded = foldGraph(graph);
  const [before, after] = [outputsOf(graph), outputsOf(folded)];
  assert.is(after.length, before.length);
  for (const [i, y] of before.entries())
    assert.ok(Math.abs((after[i] as number) - y) < 1e-4, `${about}, ${i}: ${after[i]} for ${y}`);
  return folded.nodes.map(({ op }) => op);
}
const scale = (factor: number[], offset: number[], clamp: Clamp = noClamp) => ({
  ...kernelOfOne,
  multiplier: 1,
  weights: { data: Float32Array.from(factor) },
  bias: Float32Array.from(offset),
  clamp,
});
const conv = (clamp: Clamp) => ({
  ...kernelOfOne,
  groups: 1,
  outChannels: 2,
  weights: { data: Float32Array.of(1, 0.5, -0.25, 1) },
  bias: Float32Array.of(0.1, -0.2),
  clamp,
});

test('only a positive scale that is equal for all channels folds through a clamp', () => {
  const through = (factor: number[]) =>
    same(`${factor}`, (b, x) => b.node('depthwise', [b.node('conv', [x], conv(relu), 'conv')], scale(factor, [0, 0]), 'scale'));
  assert.equal(through([2, 2]), ['conv']);
  assert.equal(through([-2, -2]), ['conv', 'depthwise']);
  same('two factors through relu6', (b, x) =>
    b.node('depthwise', [b.node('conv', [x], conv([0, 3]), 'conv')], scale([2, 3], [0, 0]), 'scale'),
  );
});

test('only the gate x * clamp(x + 3, 0, 6) / 6 becomes hardswish', () => {
  const gated = (a: number, b0: number, high: number) =>
    same(`gate ${a} ${b0} ${high}`, (b, x) => {
      const gate = b.node('depthwise', [x], scale([a, a], [b0, b0], [0, high]), 'gate');
      return b.node('mul', [x, gate], { clamp: noClamp }, 'mul');
    });
  assert.ok(gated(1 / 6, 0.5, 1).includes('activation'));
  for (const [a, b0, high] of [[1 / 6, 0.4, 1], [1 / 6, 0.6, 1], [0.2, 0.5, 1], [1 / 6, 0.5, 0.9], [1 / 6, 0, 1]] as const) assert.ok(gated(a, b0, high).includes('mul'), `${a} ${b0} ${high}`); // biome-ignore format: a table
});

test('a pool over the whole window becomes a global one only without padding', () => {
  for (const op of ['avgpool', 'maxpool'] as const) {
    const pool = (padT: [number, number]) =>
      same(`${op} ${padT}`, (b, x) => b.node(op, [x], { kernelT: 8, kernelF: 1, strideT: 4, strideF: 1, padT, padF: [0, 0], clamp: noClamp }, 'pool')); // biome-ignore format: one line
    assert.equal(pool([0, 0]), [op === 'avgpool' ? 'globalavg' : 'globalmax']);
    assert.equal(pool([3, 0]), [op]);
    assert.equal(pool([0, 3]), [op]);
  }
});

test.run();
