/**
 * Analytic means, symmetric activations, shared ranges and channel gains, each against an independent
 * computation.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasWeights } from '../../models/graph/channels.ts';
import { readModel } from '../../models/read/index.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { analyticMeans, clippedMean } from '../../quant/methods/analytic-means.ts';
import { channelGains } from '../../quant/methods/channel-gains.ts';
import { sharedRanges } from '../../quant/methods/shared-ranges.ts';
import { Histogram } from '../../quant/observers/histogram.ts';
import { minError } from '../../quant/observers/mse.ts';
import { quantize } from '../../quant/quantize.ts';
import { random } from '../property/random-network.ts';
import { classifier, noise, window } from './small-classifier.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);

test('the mean of a clipped normal variable equals its integral', () => {
  const end = fc.option(fc.double({ min: -4, max: 4, noNaN: true }), { nil: undefined });
  fc.assert(
    fc.property(
      fc.double({ min: -3, max: 3, noNaN: true }),
      fc.double({ min: 0.1, max: 3, noNaN: true }),
      end,
      end,
      (mean, deviation, a, b) => {
        const low = a ?? Number.NEGATIVE_INFINITY;
        const high = Math.max(low, b ?? Number.POSITIVE_INFINITY);
        let sum = 0;
        const steps = 4000;
        for (let i = 0; i < steps; i++) {
          const z = -8 + (16 * (i + 0.5)) / steps;
          sum += (Math.min(high, Math.max(low, mean + deviation * z)) * Math.exp((-z * z) / 2) * 16) / steps;
        }
        assert.ok(Math.abs(clippedMean(mean, deviation, [low, high]) - sum / Math.sqrt(2 * Math.PI)) < 1e-4);
      },
    ),
    { numRuns: 200, seed },
  );
});

test('the ONNX reader keeps the statistics of batch normalisation, and bias correction uses them', async () => {
  const rnd = random(seed);
  const floats = (...dims: number[]) => ({
    dims,
    floats: Array.from({ length: dims.reduce((p, d) => p * d, 1) }, () => 2 * rnd() - 1),
  });
  const bytes = writeModel({
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['a'] },
      { op: 'BatchNormalization', inputs: ['a', 's', 'b', 'm', 'v'], outputs: ['n'] },
      { op: 'Relu', inputs: ['n'], outputs: ['r'] },
      { op: 'Conv', inputs: ['r', 'u'], outputs: ['y'] },
    ],
    inputs: { x: [1, 2, 12] },
    outputs: ['y'],
    tensors: {
      w: floats(4, 2, 3),
      s: { dims: [4], floats: [0.5, -1, 2, 1] },
      b: { dims: [4], floats: [0.1, 0.2, -1, 3] },
      m: floats(4),
      v: { dims: [4], floats: [1, 2, 1, 3] },
      u: floats(3, 4, 1),
    },
  });
  const graph = await readModel(bytes);
  const first = graph.nodes.find(hasWeights);
  assert.equal(first?.attrs.moments, {
    mean: Float64Array.of(...new Float32Array([0.1, 0.2, -1, 3])),
    deviation: Float64Array.of(0.5, 1, 2, 1),
  });
  const means = analyticMeans(graph).get(first?.output as number);
  assert.ok(Math.abs((means?.[3] as number) - 3) < 1e-3 && Math.abs((means?.[2] as number) - 2 * 0.1978) < 1e-3, `${means}`);
  const signal = Float32Array.from({ length: 2 * 12 * 60 }, () => 3 * (rnd() + rnd() - 1));
  const how = { preset: 'good', noReport: true, biasCorrection: 'analytic' } as const;
  const result = quantize(graph, signal, { hop: 12, ...how });
  assert.is(result.calibration.analyticMeans, 1);
  assert.not.ok(
    result.graph.nodes.some((n) => 'moments' in n.attrs),
    'int8 graphs have no statistics',
  );
  assert.is(quantize(graph, signal, { hop: 12, ...how, biasCorrection: true }).calibration.analyticMeans, 0);
});

test('symmetric activations have zero point 0 unless the specification fixes it', () => {
  const { graph, report } = quantize(classifier(seed), noise(seed, 100 * window), { hop: window, activations: 'symmetric' });
  for (const node of graph.nodes)
    assert.is(graph.tensors[node.output]?.quant?.zeroPoint, node.op === 'softmax' ? -128 : 0, node.name);
  assert.ok(report.every((r) => r.sqnrDb > 15));
});

test('before a maximum pool the range is that of the output of the pool', () => {
  const graph = classifier(seed);
  const rnd = random(seed);
  const histograms = new Map(graph.tensors.map(({ id }) => [id, new Histogram()]));
  const [conv, pool] = graph.nodes;
  histograms.get(conv?.output as number)?.add(Float32Array.from({ length: 4000 }, () => -8 * rnd()));
  const out = histograms.get(pool?.output as number) as Histogram;
  out.add(Float32Array.from({ length: 4000 }, () => rnd() - 0.1));
  assert.equal(sharedRanges(graph, histograms).get(conv?.output as number), minError(out));
});

test('a merged histogram equals the histogram of all values', () => {
  const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 60 });
  fc.assert(
    fc.property(values, values, (a, b) => {
      const [left, right, both] = [new Histogram(), new Histogram(), new Histogram()];
      left.add(Float32Array.from(a));
      right.add(Float32Array.from(b));
      both.add(Float32Array.from([...a, ...b]));
      left.merge(right);
      assert.equal({ ...left }, { ...both });
    }),
    { numRuns: 200, seed },
  );
});

test('a channel gain is the power that an error of the channel causes after linear layers', () => {
  const graph = classifier(seed);
  const gains = channelGains(graph);
  const two = graph.nodes.find((n) => n.name === 'two');
  if (two?.op !== 'conv') throw new Error('the second convolution is missing');
  const input = two.inputs[0] as number;
  const mine = Array.from({ length: 6 }, (_, c) => {
    let power = 0;
    for (const [i, w] of two.attrs.weights.data.entries()) if (i % 6 === c) power += w * w;
    return power;
  });
  const mean = mine.reduce((a, b) => a + b, 0) / 6;
  // the tensor before the pool has the pool's gains, normalised
  for (const [c, g] of (gains.get(graph.nodes[0]?.output as number) as Float64Array).entries())
    assert.ok(Math.abs(g - (mine[c] as number) / mean) < 1e-9, `${c}`);
  assert.ok(gains.has(input));
});

test.run();
