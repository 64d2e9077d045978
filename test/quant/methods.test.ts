/** Methods of quantisation: each has its documented effect, on random networks and against brute force. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasWeights, weightChannels } from '../../models/graph/channels.ts';
import type { Graph, Node } from '../../models/graph/types.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { biasShift } from '../../quant/methods/correct-bias.ts';
import { equalise } from '../../quant/methods/equalise.ts';
import { Gram } from '../../quant/methods/gram.ts';
import { roundTogether } from '../../quant/methods/round-weights.ts';
import { scaleGroups } from '../../quant/methods/scale-groups.ts';
import { quantize } from '../../quant/quantize.ts';
import { network as anyNetwork, makeNetwork, random } from '../property/random-network.ts';
import { channelStats, outputError } from './measures.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);

/** Random networks without `mul`: constant factors exist only in int8 files. */
const network = anyNetwork.map((spec) => ({ ...spec, layers: spec.layers.filter((l) => l.kind !== 'mul') }));

/** Converts an int8 network to real numbers: weights and biases times their scales, tensors without. */
function floatOf(int8: Graph): Graph {
  const nodes = int8.nodes.map((node): Node => {
    if (!hasWeights(node)) return node;
    const { weights, bias } = node.attrs;
    const x = int8.tensors[node.inputs[0] as number];
    const { output } = weightChannels(node, x?.shape.c ?? 1);
    const scale = (o: number) => weights.scales?.[weights.scales.length === 1 ? 0 : o] ?? 1;
    const data = Float32Array.from(weights.data, (q, i) => q * scale(output(i)));
    const real = bias && Float32Array.from(bias, (b, o) => b * scale(o) * (x?.quant?.scale ?? 1));
    return { ...node, attrs: { ...node.attrs, weights: { data }, bias: real } } as Node;
  });
  const tensors = int8.tensors.map(({ quant: _, ...t }) => t);
  return { ...int8, tensors, nodes, inputs: int8.inputs.map((p) => ({ ...p, hostType: 'float32' })) };
}

/**
 * Makes some channels of every layer much larger than others, and undoes this in the next layer, as training
 * sometimes does.
 */
function unbalanced(graph: Graph, rnd: () => number): Graph {
  const groups = scaleGroups(graph).map((group) => ({
    ...group,
    factor: Array.from({ length: group.channels }, () => 2 ** Math.round(8 * rnd() - 4)),
  }));
  const nodes = graph.nodes.map((node): Node => {
    if (!hasWeights(node)) return node;
    const up = groups.find((g) => g.writers.includes(node))?.factor;
    const down = groups.find((g) => g.readers.includes(node))?.factor;
    const { input, output } = weightChannels(node, graph.tensors[node.inputs[0] as number]?.shape.c ?? 1);
    const { weights, bias } = node.attrs;
    const data = Float32Array.from(weights.data, (w, i) => (w * (up?.[output(i)] ?? 1)) / (down?.[input(i)] ?? 1));
    const moved = bias && Float32Array.from(bias, (b, o) => b * (up?.[o] ?? 1));
    return { ...node, attrs: { ...node.attrs, weights: { data }, bias: moved } } as Node;
  });
  return { ...graph, nodes };
}

const signalFor = (graph: Graph, windows: number, rnd: () => number): Float32Array => {
  const { t, f, c } = graph.tensors[graph.inputs[0]?.tensor ?? 0]?.shape ?? { t: 1, f: 1, c: 1 };
  return Float32Array.from({ length: windows * t * f * c }, () => 4 * rnd() - 2);
};

function outputsOf(graph: Graph, signal: Float32Array): number[] {
  const plan = planStream(graph, { hop: graph.tensors[graph.inputs[0]?.tensor ?? 0]?.shape.t ?? 1, mode: 'windowed' });
  return [...executeStream(plan, floatBlock(plan, signal), floatRunner)].flatMap(({ outputs }) => outputs.flatMap((y) => [...y]));
}

test('equalisation changes no output of the float network, and reduces the expected error', () => {
  let changed = 0;
  fc.assert(
    fc.property(network, fc.integer({ min: 1, max: 1e9 }), (spec, weightSeed) => {
      const rnd = random(weightSeed);
      const graph = unbalanced(floatOf(makeNetwork(spec)), rnd);
      const signal = signalFor(graph, 3, rnd);
      const plan = planStream(graph, { hop: spec.window, mode: 'windowed' });
      const { graph: same, changes } = equalise(graph, channelStats(plan, signal));
      changed += changes.length;
      for (const { errorBefore, errorAfter } of changes) assert.ok(errorAfter < errorBefore, `${errorBefore} ${errorAfter}`);
      const [before, after] = [outputsOf(graph, signal), outputsOf(same, signal)];
      const largest = Math.max(1e-6, ...before.map(Math.abs));
      for (const [i, y] of before.entries())
        assert.ok(
          Math.abs(y - (after[i] as number)) <= 1e-4 * largest,
          `output ${i}: ${y} before, ${after[i]} after; ${JSON.stringify(changes)}`,
        );
    }),
    { numRuns: 150, seed },
  );
  assert.ok(changed > 20, `${changed} groups of tensors were scaled`);
});

test('rounding together is about as good as rounding to nearest or better, and never below the optimum', () => {
  const rnd = random(seed);
  const normal = () => rnd() + rnd() + rnd() - 1.5;
  let gain = 0;
  for (let n = 0; n < 40; n++) {
    const inputs = 6;
    const gram = new Gram(inputs);
    for (let i = 0; i < 100; i++) {
      const shared = 2 * normal();
      gram.add(Float64Array.from({ length: inputs }, () => shared + normal() / 2 + 1));
    }
    const covariance = gram.covariance();
    const w = Float64Array.from({ length: inputs }, normal);
    const scale = 1.5 / 10;
    const nearest = Int8Array.from(w, (v) => Math.round(v / scale));
    const found = outputError(w, roundTogether(w, covariance, scale), covariance, scale);
    const plain = outputError(w, nearest, covariance, scale);
    let optimum = Number.POSITIVE_INFINITY;
    for (let choice = 0; choice < 2 ** inputs; choice++) {
      const q = Int8Array.from(w, (v, k) => Math.floor(v / scale) + ((choice >> k) & 1));
      optimum = Math.min(optimum, outputError(w, q, covariance, scale));
    }
    assert.ok(found <= plain * 1.05 && found >= optimum - 1e-12, `${found} ${plain} ${optimum}`);
    gain += Math.log(plain / Math.max(found, 1e-12));
  }
  assert.ok(gain / 40 > 0.5, `mean gain ${Math.exp(gain / 40)}`);
});

test('bias correction removes the mean error of a layer', () => {
  const rnd = random(seed + 1);
  fc.assert(
    fc.property(network, (spec) => {
      const graph = floatOf(makeNetwork({ ...spec, head: 'dense' }));
      const signal = signalFor(graph, 3, rnd);
      const plan = planStream(graph, { hop: spec.window, mode: 'windowed' });
      const stats = channelStats(plan, signal);
      for (const node of graph.nodes) {
        if (!hasWeights(node)) continue;
        const x = stats.get(node.inputs[0] as number);
        if (!x) continue;
        const channels = weightChannels(node, x.channels);
        const int8 = {
          data: Int8Array.from(node.attrs.weights.data, (w) => Math.round(8 * w)),
          scales: new Float64Array(channels.outputs).fill(1 / 8),
        };
        const shift = biasShift(node.attrs.weights, int8, channels, (c) => x.mean(c));
        // independently computed for a frame that equals the mean
        const expected = new Float64Array(channels.outputs);
        for (const [i, w] of node.attrs.weights.data.entries())
          expected[channels.output(i)] =
            (expected[channels.output(i)] as number) + (w - (int8.data[i] as number) / 8) * x.mean(channels.input(i));
        assert.equal(shift, expected);
      }
    }),
    { numRuns: 20, seed },
  );
});

test('on average over unbalanced networks, good is better than fast and best about as good as good or better', () => {
  const rnd = random(seed + 2);
  const decibels = { fast: 0, good: 0, best: 0 };
  let networks = 0;
  for (const spec of fc.sample(network, { numRuns: 60, seed })) {
    const graph = unbalanced(floatOf(makeNetwork({ ...spec, head: 'globalavg+dense' })), rnd);
    const hop = spec.window;
    const signal = signalFor(graph, 16, rnd);
    const of = (preset: keyof typeof decibels) => {
      const { report } = quantize(graph, signal, { hop, mode: 'windowed', preset });
      return report.find((r) => r.tensor === graph.outputs[0]?.tensor)?.sqnrDb ?? 0;
    };
    const found = { fast: of('fast'), good: of('good'), best: of('best') };
    if (!Object.values(found).every((v) => Number.isFinite(v))) continue;
    networks++;
    for (const preset of ['fast', 'good', 'best'] as const) decibels[preset] += found[preset];
  }
  const mean = (preset: keyof typeof decibels) => decibels[preset] / networks;
  console.log(
    `signal to noise at the output of ${networks} networks: fast ${mean('fast').toFixed(1)}, good ${mean('good').toFixed(1)}, best ${mean('best').toFixed(1)} dB`,
  );
  assert.ok(networks > 30 && mean('good') > mean('fast') + 1 && mean('best') > mean('good') - 0.3);
});

test.run();
