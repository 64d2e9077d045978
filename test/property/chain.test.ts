/**
 * Chains of random networks: the output equals the second network applied to outputs of the first, byte for
 * byte in int8, and up to the rounding of a sum in float.
 *
 * Counts: RUNLET_NETWORKS chains (default 500), seed RUNLET_SEED (default 1). Chains that cannot be made are
 * counted.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { elementsOf, frameOf, type Graph, type Ints, noClamp, type Shape } from '../../models/graph/types.ts';
import { chainGraphs } from '../../models/stream/chain.ts';
import { planStream } from '../../models/stream/plan.ts';
import { totalStride } from '../../models/stream/timing.ts';
import { dequantise } from '../../quant/dequantise.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { runFloat } from '../graph/run-float.ts';
import { differing } from './harness.ts';
import { layerOf, makeNetwork, type NetworkSpec, networkOf, random } from './random-network.ts';
import { runStyles } from './styles.ts';

const runs = Number(process.env.RUNLET_NETWORKS ?? 500);
const seed = Number(process.env.RUNLET_SEED ?? 1);

const layers = layerOf(['conv', 'conv', 'depthwise', 'maxpool', 'avgpool', 'activation', 'layernorm', 'mul']);
/** First networks without padding, so that most of them can slide. */
const first = fc.record({ spec: networkOf(['conv']), layers: fc.array(layers, { maxLength: 5 }) }).map(
  ({ spec, layers }): NetworkSpec => ({
    ...spec,
    layers: layers.map((l) => ({ ...l, padding: 'valid' })),
    head: spec.head === 'none' ? 'dense' : spec.head,
    extraOutput: undefined,
  }),
);
const next = networkOf(['conv', 'maxpool', 'activation']).map(
  (spec): NetworkSpec => ({ ...spec, window: 1 + (spec.window % 9), layers: spec.layers.slice(0, 2), extraOutput: undefined }),
);
const links = fc.record({ first, next, steps: fc.integer({ min: 1, max: 3 }) });

/** A first network that never reads the last two of its four frames; its stride of three has no effect. */
const conv = { kind: 'conv', kernel: 2, stride: 3, dilation: 1, channels: 1, groups: 1, padding: 'valid', fn: 'tanh', relu: false } as const; // biome-ignore format: one line
const spec = { seed: 1, features: 1, channels: 1, layers: [conv], hopSteps: 1, micro: 1 } satisfies Partial<NetworkSpec>;
const unread: { first: NetworkSpec; next: NetworkSpec; steps: number } = {
  first: { ...spec, window: 4, head: 'dense' },
  next: { ...spec, window: 5, layers: [{ ...conv, kernel: 1, stride: 1 }], head: 'mean' },
  steps: 1,
};

const shapeOf = (graph: Graph, port: 'inputs' | 'outputs'): Shape => graph.tensors[graph[port][0]?.tensor ?? -1]?.shape as Shape;
const windowOf = (graph: Graph, data: Ints): Ints =>
  runWindow(quantPlan(planStream(graph, { hop: shapeOf(graph, 'inputs').t, mode: 'windowed' })), data).outputs[0] as Ints;

/** Converts bytes from one scale to another with a network that only rescales. */
function rescaled(from: Graph, into: Graph, data: Ints): Ints {
  const b = new GraphBuilder('scale');
  const [x, y] = [from.tensors[from.outputs[0]?.tensor ?? -1]?.quant, into.tensors[into.inputs[0]?.tensor ?? -1]?.quant];
  const input = b.input('x', { t: 1, f: 1, c: data.length }, { quant: x });
  b.output(b.node('activation', [input], { fn: 'identity', clamp: noClamp }, 'y', y), 'y');
  return windowOf(b.build(), data);
}

interface Link {
  a: Graph;
  b: Graph;
  step: number;
  chain: Graph;
}

/** Returns a chain of two networks, or the reason why it cannot be made. */
function chainOf(spec: { first: NetworkSpec; next: NetworkSpec; steps: number }): Link | string {
  const a = makeNetwork(spec.first);
  const { f, c } = shapeOf(a, 'outputs');
  const b = makeNetwork({ ...spec.next, features: f, channels: c });
  const step = spec.steps * totalStride(a);
  try {
    return { a, b, step, chain: chainGraphs(a, b, step) };
  } catch (error) {
    if (isRunletError(error) && error.code === 'RN210') return String(error.parts.why);
    throw error;
  }
}

const rowsOf = <A extends Ints | Float32Array>(graph: Graph, step: number, count: number, data: A): A[] => {
  const shape = shapeOf(graph, 'inputs');
  return Array.from({ length: count }, (_, i) => {
    const from = i * step * frameOf(shape);
    return data.subarray(from, from + elementsOf(shape)) as A;
  });
};

test(`int8 chains equal the second network applied to the first (${runs} chains, seed ${seed})`, async () => {
  let made = 0;
  const none = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(links, async (spec) => {
      const link = chainOf(spec);
      if (typeof link === 'string') {
        const kind = link.replace(/ \d+ /g, ' n ');
        none.set(kind, (none.get(kind) ?? 0) + 1);
        return;
      }
      const { a, b, step, chain } = link;
      const rnd = random(spec.first.seed);
      const { t, f, c } = shapeOf(chain, 'inputs');
      assert.is(t, shapeOf(a, 'inputs').t + (shapeOf(b, 'inputs').t - 1) * step);
      const signal = Int8Array.from({ length: (t + 2 * step) * f * c }, () => Math.floor(rnd() * 256) - 128);
      const data = signal.subarray(0, t * f * c);
      const rows = rowsOf<Ints>(a, step, shapeOf(b, 'inputs').t, data).map((one) => rescaled(a, b, windowOf(a, one)));
      const expected = windowOf(b, Int8Array.from(rows.flatMap((row) => [...row])));
      assert.is(differing([expected], [windowOf(chain, data)]), 0, 'the windowed chain');
      const quant = quantPlan(planStream(chain, { hop: step }));
      const streamed = [...runSignal(quant, signal)];
      if (streamed[0]?.index === 0) assert.is(differing([expected], streamed[0].outputs), 0, 'the streamed chain');
      if (made++ % 20 === 0) {
        const got: Ints[][] = [];
        for await (const output of runStyles(quant, signal, [3, 1], false)) got.push(output);
        assert.is(got.length, streamed.length);
        for (const [i, one] of streamed.entries()) assert.is(differing(one.outputs, got[i] ?? []), 0, 'the module');
      }
    }),
    { numRuns: runs, seed, examples: [[unread]] },
  );
  console.log(`chains made ${made}; none: ${[...none].map(([why, n]) => `${n} ${why}`).join('; ')}`);
  assert.ok(made > runs / 3, `${made} of ${runs}`);
});

test('float chains equal the second network applied to the first', () => {
  fc.assert(
    fc.property(links, (spec) => {
      const link = chainOf(spec);
      if (typeof link === 'string') return;
      const [a, b] = [dequantise(link.a), dequantise(link.b)];
      const chain = chainGraphs(a, b, link.step);
      const out = (graph: Graph, data: Float32Array) => runFloat(graph, [data])[graph.outputs[0]?.tensor ?? -1] as Float32Array;
      const rnd = random(spec.next.seed);
      const data = Float32Array.from({ length: elementsOf(shapeOf(chain, 'inputs')) }, () => rnd() * 4 - 2);
      const rows = rowsOf(a, link.step, shapeOf(b, 'inputs').t, data).map((one) => out(a, one));
      const expected = out(b, Float32Array.from(rows.flatMap((row) => [...row])));
      const got = out(chain, data);
      const largest = expected.reduce((most, y) => Math.max(most, Math.abs(y)), 1e-6);
      for (const [i, y] of expected.entries()) assert.ok(Math.abs(y - (got[i] as number)) <= 2e-5 * largest, `${y} ${got[i]}`);
    }),
    { numRuns: runs, seed, examples: [[unread]] },
  );
});

const relu = (name: string, shape: Shape, outputs = 1, quant = false): Graph => {
  const b = new GraphBuilder(name);
  const params = quant ? { scale: 0.1, zeroPoint: 0 } : undefined;
  const x = b.input('x', shape, { quant: params });
  for (let i = 0; i < outputs; i++)
    b.output(b.node('globalmax', [x], { overF: false, clamp: noClamp }, `y${i}`, params), `y${i}`);
  return b.build();
};

test('networks that cannot be chained are refused, and the message names the cause', () => {
  const first = relu('first', { t: 4, f: 1, c: 3 });
  const next = relu('next', { t: 2, f: 3, c: 1 });
  assert.is(shapeOf(chainGraphs(first, next), 'inputs').t, 5, 'a row of three channels matches a row of three features');
  const refused = (a: Graph, b: Graph, why: RegExp, step?: number) =>
    assert.throws(
      () => chainGraphs(a, b, step),
      (error: unknown) => isRunletError(error) && error.code === 'RN210' && why.test(error.message),
      `${why}`,
    );
  refused(first, relu('next', { t: 2, f: 1, c: 2 }), /its rows have 2 values, and first gives 3/);
  refused(relu('first', { t: 4, f: 1, c: 3 }, 2), next, /1 inputs and 2 outputs/);
  refused(relu('first', { t: 4, f: 1, c: 3 }, 1, true), next, /one of first and next is float/);
  refused({ ...first, stateful: true }, next, /state from step to step/);
  refused(first, relu('next', { t: 2 ** 22, f: 1, c: 3 }), /more than 16777216 values/, 64);
  const padded = new GraphBuilder('padded');
  const pool = { kernelT: 3, kernelF: 1, strideT: 2, strideF: 1, padT: [1, 1], padF: [0, 0], clamp: noClamp } as const;
  const strided = new GraphBuilder('strided');
  for (const [b, padT] of [
    [padded, [0, 1]],
    [strided, [0, 0]],
  ] as const) {
    const x = b.input('x', { t: 9, f: 1, c: 3 });
    const y = b.node('maxpool', [x], { ...pool, padT }, 'pool');
    b.output(b.node('globalmax', [y], { overF: false, clamp: noClamp }, 'y'), 'y');
  }
  refused(padded.build(), next, /pads each window by itself/);
  refused(strided.build(), next, /a row every 2 frames/, 3);
  const sequence = new GraphBuilder('sequence');
  sequence.output(sequence.node('maxpool', [sequence.input('x', { t: 9, f: 1, c: 3 })], { ...pool, padT: [0, 0] }, 'y'), 'y');
  refused(sequence.build(), next, /it gives 4 rows for a window/);
});

test.run();
