/**
 * diagnose finds the layer and the step that a test made bad, and its loss per layer equals that of a run
 * with only this layer rounded.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { hasWeights, withWeights } from '../../models/graph/channels.ts';
import { type Graph, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { dequantise } from '../../quant/dequantise.ts';
import { adviceFor } from '../../quant/diagnose/advice.ts';
import { aloneNoise } from '../../quant/diagnose/alone.ts';
import { diagnose, type LayerDiagnosis, worstLayers } from '../../quant/diagnose/diagnose.ts';
import { noiseOf, rounded } from '../../quant/methods/sensitivity.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { random } from '../property/random-network.ts';
import { classifier, noise } from './small-classifier.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const graph = classifier(seed);
const signal = noise(seed, 16 * 40);
const options = { hop: 4 };
const good = quantize(graph, signal, { ...options, noReport: true });
const layer = (list: readonly LayerDiagnosis[], tensor: number | undefined) =>
  list.find((l) => l.tensor === tensor) as LayerDiagnosis;
const outputOf = (name: string, of: Graph = graph) => of.nodes.find((n) => n.name === name)?.output as number;

test('every layer is listed, float and int8 count the same values, and an exact plan streams without loss', () => {
  const found = diagnose(planStream(good.float, options), quantPlan(planStream(good.graph, options)), signal);
  assert.is(found.layers.length, graph.nodes.length + 1);
  assert.is(found.output.floatStreamedDb, Number.POSITIVE_INFINITY);
  assert.is(found.output.int8StreamedDb, found.output.int8WindowedDb);
  for (const l of found.layers) {
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    assert.is(sum(l.histogram.float), sum(l.histogram.int8));
    assert.is(l.floatStreamedDb, Number.POSITIVE_INFINITY);
    assert.ok(Math.abs(l.int8WindowedDb - (l.int8StreamedDb as number)) < 1e-9);
    assert.ok(l.int8WindowedDb > 15 && l.biasShare >= 0 && l.biasShare <= 1);
  }
  assert.not(layer(found.layers, graph.outputs[0]?.tensor).mayBeInt16);
});

test('the loss of one layer equals that of the whole network with only this layer rounded', () => {
  const plan = planStream(good.float, options);
  const cuts = [[signal.slice(0, 3 * 32)], [signal.slice(3 * 64, 3 * 96)]];
  const found = aloneNoise(plan, good.graph, cuts);
  const stored = new Map(dequantise(good.graph).nodes.map((n) => [n.output, n]));
  const run = (tensor?: number) =>
    cuts.flatMap((cut) => {
      const q = (id: number) => good.graph.tensors[id]?.quant as QuantParams;
      const blocks = floatBlocks(plan, cut).map((b) => (tensor !== undefined && tensor === plan.graph.inputs[0]?.tensor ? { ...b, data: rounded(b.data, q(tensor)) } : b)); // biome-ignore format: one line
      return [
        ...executeStream(plan, blocks, (node, xs, out, strideT) =>
          node.output === tensor
            ? rounded(floatRunner(stored.get(node.output) ?? node, xs, out, strideT), q(tensor))
            : floatRunner(node, xs, out, strideT),
        ),
      ].flatMap((w) => w.outputs);
    });
  assert.is(found.size, graph.nodes.length + 1);
  for (const [tensor, alone] of found) assert.is(alone, noiseOf(run(), run(tensor)), `tensor ${tensor}`);
  assert.ok([...found.values()].filter((n) => n > 0).length >= 5);
});

test('coarse steps, coarse weights, a shifted mean and a narrow range are found in the right layer', () => {
  const first = outputOf('one');
  const second = outputOf('two');
  const tensors = (change: (q: QuantParams, id: number) => QuantParams): Graph => ({
    ...good.graph,
    tensors: good.graph.tensors.map((t) => ({ ...t, quant: change(t.quant as QuantParams, t.id) })),
  });
  const coarse = diagnose(planStream(good.float, options), quantPlan(planStream(tensors((q, id) => (id === second ? { scale: 16 * q.scale, zeroPoint: 0 } : q)), options)), signal); // biome-ignore format: one line
  assert.is(worstLayers(coarse, 1)[0]?.tensor, second);
  assert.ok(layer(coarse.layers, first).int8WindowedDb > layer(coarse.layers, second).int8WindowedDb + 10);

  const nodes = (change: (w: Int8Array, b: Int32Array) => [Int8Array, Int32Array]): Graph => ({
    ...good.graph,
    nodes: good.graph.nodes.map((n) => {
      if (n.name !== 'two' || !hasWeights(n)) return n;
      const [data, bias] = change(n.attrs.weights.data as Int8Array, n.attrs.bias as Int32Array);
      return withWeights(n, { ...n.attrs.weights, data }, bias);
    }),
  });
  const blunt = diagnose(planStream(good.float, options), quantPlan(planStream(nodes((w, b) => [w.map((v) => 32 * Math.round(v / 32)), b]), options)), signal); // biome-ignore format: one line
  const found = layer(blunt.layers, second);
  assert.is(worstLayers(blunt, 1)[0]?.tensor, second);
  assert.ok((found.weights?.sqnrDb ?? 99) < 25);
  const advised = (methods: Parameters<typeof adviceFor>[1]) => adviceFor(found, methods, blunt).map((a) => a.option);
  assert.ok(advised({ ...good.methods, weightScales: 'per-tensor' }).includes('--weight-scales per-channel'));
  assert.ok(advised({ ...good.methods, equalise: false }).includes('--equalise on'));
  assert.ok(advised(good.methods).includes('--weight-rounding together'));

  const shifted = diagnose(
    planStream(good.float, options),
    quantPlan(
      planStream(
        nodes((w, b) => [w, b.map((v) => v + 2000)]),
        options,
      ),
    ),
    signal,
  );
  const moved = layer(shifted.layers, second);
  assert.ok(moved.biasShare > 0.9 && moved.biasSteps > 2, `${moved.biasShare}, ${moved.biasSteps} steps`);
  const without = adviceFor(moved, { ...good.methods, biasCorrection: false }, shifted).map((a) => a.option);
  assert.ok(without.includes('--bias-correction on'));

  const narrow = quantize(graph, signal, { ...options, observer: 'percentile', percentile: 80, noReport: true });
  const cut = diagnose(planStream(narrow.float, options), quantPlan(planStream(narrow.graph, options)), signal);
  const clipped = layer(cut.layers, graph.inputs[0]?.tensor);
  assert.ok(clipped.clipped > 0.02);
  assert.is(adviceFor(clipped, narrow.methods, cut)[0]?.option, '--observer minmax');
});

/** Returns two padded layers. Streaming changes the rows at a window's edges. */
function padded(): Graph {
  const rnd = random(seed);
  const b = new GraphBuilder('padded');
  const attrs = (channels: number) => ({
    kernelT: 5,
    kernelF: 1,
    strideT: 1,
    strideF: 1,
    dilationT: 1,
    dilationF: 1,
    padT: [4, 0] as const,
    padF: [0, 0] as const,
    groups: 1,
    outChannels: 4,
    weights: { data: Float32Array.from({ length: 20 * channels }, () => 2 * rnd() - 1) },
    bias: null,
    clamp: noClamp,
  });
  const x = b.input('x', { t: 16, f: 1, c: 3 });
  const one = b.node('conv', [x], attrs(3), 'one');
  b.output(b.node('conv', [one], attrs(4), 'two'), 'y');
  return b.build();
}

test('for a model with padding, streaming is the step that loses, and the advice is edge-exact', () => {
  const model = padded();
  const streamed = { hop: 4, mode: 'stream' } as const;
  const made = quantize(model, signal, { ...streamed, noReport: true });
  const found = diagnose(planStream(made.float, streamed), quantPlan(planStream(made.graph, streamed)), signal);
  const { floatStreamedDb = Infinity, int8StreamedDb = 0, int8WindowedDb, totalDb } = found.output;
  assert.ok(floatStreamedDb < 20 && int8StreamedDb > 25 && int8WindowedDb > 25, `${floatStreamedDb}, ${int8StreamedDb}, ${int8WindowedDb}`); // biome-ignore format: one line
  assert.ok(Math.abs(totalDb - floatStreamedDb) < 1);
  assert.is(adviceFor(layer(found.layers, outputOf('two', model)), made.methods, found)[0]?.option, '--mode edge-exact');
  const exact = diagnose(planStream(made.float, { hop: 4 }), quantPlan(planStream(made.graph, { hop: 4 })), signal);
  assert.is(exact.mode, 'edge-exact');
  assert.not(exact.streaming);
  assert.ok(exact.output.totalDb > 25);
});

test.run();
