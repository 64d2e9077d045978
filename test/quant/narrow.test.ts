/**
 * Ranges that are narrowed by their effect on the model's outputs (quant/methods/narrow-ranges.ts), and the
 * kept float runs that are used for this.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Graph, kernelOfOne, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { executeStream, type RunNode } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { dequantise } from '../../quant/dequantise.ts';
import { KeptRuns } from '../../quant/methods/kept-runs.ts';
import { rounded } from '../../quant/methods/sensitivity.ts';
import { quantPlan } from '../../quant/plan.ts';
import { presets } from '../../quant/presets.ts';
import { quantize } from '../../quant/quantize.ts';
import { layerReport } from '../../quant/report.ts';
import { makeNetwork, network, random } from '../property/random-network.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const options = { hop: 16, mode: 'windowed' } as const;

/** Returns a sensor signal within 0.3 with outliers: one value in 200 is up to 8. */
function strokes(length: number, from: number): Float32Array {
  const rnd = random(from);
  return Float32Array.from({ length }, () => (rnd() < 0.005 ? 16 : 0.6) * (rnd() - 0.5));
}

/** Returns a network that clamps its input to [-limit, limit]: outliers count with 100, not with 0.5. */
function sensor(limit: number): Graph {
  const rnd = random(5);
  const weights = (n: number) => ({ data: Float32Array.from({ length: n }, () => rnd() - 0.5) });
  const b = new GraphBuilder('sensor');
  const x = b.input('signal', { t: 16, f: 1, c: 1 });
  const bounded = b.node(
    'depthwise',
    [x],
    { ...kernelOfOne, multiplier: 1, weights: { data: Float32Array.of(1) }, bias: new Float32Array(1), clamp: [-limit, limit] },
    'bound',
  );
  const conv = {
    ...kernelOfOne,
    kernelT: 3,
    groups: 1,
    outChannels: 4,
    weights: weights(12),
    bias: new Float32Array(4),
    clamp: noClamp,
  };
  const y = b.node('conv', [bounded], conv, 'conv');
  b.output(
    b.node('dense', [y], { units: 2, weights: weights(2 * 14 * 4), bias: new Float32Array(2), clamp: noClamp }, 'dense'),
    'y',
  );
  return b.build();
}

/** Returns the outputs of the whole network over a signal, with the tensors of `quant` rounded. */
function runRounded(plan: StreamPlan, signals: readonly Float32Array[], quant: ReadonlyMap<number, QuantParams>): Float32Array[] {
  const round = (id: number, values: Float32Array) => {
    const q = quant.get(id);
    return q ? rounded(values, q) : values;
  };
  const run: RunNode<Float32Array> = (node, ...at) => round(node.output, floatRunner(node, ...at));
  const inputs = floatBlocks(plan, signals);
  const blocks = inputs.map((block, i) => ({ ...block, data: round(plan.graph.inputs[i]?.tensor ?? -1, block.data) }));
  return [...executeStream(plan, blocks, run)].flatMap((window) => window.outputs);
}

/** Returns the dB at the output on a signal that was not used for calibration, and the input's range. */
function outputDb(graph: Graph, narrow: 'none' | 'inputs' | 'all', calibration: Float32Array) {
  const { graph: int8, float, ranges } = quantize(graph, calibration, { ...options, narrow, noReport: true });
  const rows = layerReport(planStream(float, options), quantPlan(planStream(int8, options)), strokes(16 * 300, 99), 300);
  return { db: rows.find((r) => r.tensor === int8.outputs[0]?.tensor)?.sqnrDb ?? 0, range: ranges.get(0) as [number, number] };
}

test('a kept run gives the outputs of the whole network with the same tensors rounded', () => {
  fc.assert(
    fc.property(network, fc.integer(), (spec, choose) => {
      const int8 = makeNetwork(spec);
      const plan = planStream(dequantise(int8), { hop: spec.hopSteps });
      const rnd = random(choose);
      const ticks = plan.window + plan.delayFrames + (plan.warmUpHops + 2) * plan.hop;
      const signals = plan.graph.inputs.map(({ tensor }, i) => {
        const { f, c } = plan.graph.tensors[tensor]?.shape ?? { f: 1, c: 1 };
        return Float32Array.from({ length: ticks * (plan.clock.rates[i] as number) * f * c }, () => 4 * (rnd() - 0.5));
      });
      const ids = plan.graph.tensors.filter(() => rnd() < 0.3).map((t) => t.id);
      const quant = new Map(ids.map((id) => [id, { scale: 0.05, zeroPoint: 3 }]));
      const runs = new KeptRuns(plan, [signals, signals]);
      const round = (values: Float32Array) => rounded(values, { scale: 0.05, zeroPoint: 3 });
      const again = runs.again(ids, { input: round, node: (...of) => round(floatRunner(...of)) });
      const whole = runRounded(plan, signals, quant);
      assert.equal(runs.exact, [...runRounded(plan, signals, new Map()), ...runRounded(plan, signals, new Map())]);
      assert.equal(again, [...whole, ...whole]);
    }),
    { numRuns: 100, seed },
  );
});

test('outliers without effect on the outputs are clipped, and the output improves on other data', () => {
  const calibration = strokes(16 * 200, 1);
  const [none, inputs] = [outputDb(sensor(0.5), 'none', calibration), outputDb(sensor(0.5), 'inputs', calibration)];
  assert.ok(none.range[1] > 4, `without narrowing the range ends at ${none.range[1]}`);
  assert.ok(inputs.range[1] < 0.6 * none.range[1], `with narrowing it ends at ${inputs.range[1]}`);
  assert.ok(inputs.db > none.db + 3, `${none.db} to ${inputs.db} dB`);
});

test('outliers that affect the outputs are kept', () => {
  const calibration = strokes(16 * 200, 1);
  const [none, all] = [outputDb(sensor(100), 'none', calibration), outputDb(sensor(100), 'all', calibration)];
  assert.equal(all.range, none.range);
  assert.equal(all.db, none.db);
});

test('before a softmax, scores far below the largest are clipped, and the largest never are', () => {
  const b = new GraphBuilder('scores');
  const x = b.input('x', { t: 1, f: 1, c: 3 });
  const weights = { data: Float32Array.of(6, 0, 0, 0, 6, 0, 0, 0, -90) };
  const logits = b.node('dense', [x], { units: 3, weights, bias: new Float32Array(3), clamp: noClamp }, 'dense');
  b.output(b.node('softmax', [logits], { beta: 1 }, 'softmax'), 'y');
  const rnd = random(3);
  const signal = Float32Array.from({ length: 900 }, () => rnd());
  const made = (narrow: 'none' | 'inputs') => {
    const { graph, ranges } = quantize(b.build(), signal, { hop: 1, mode: 'windowed', observer: 'mse', narrow, noReport: true });
    const plan = (of: Graph) => planStream(of, { hop: 1, mode: 'windowed' });
    const db = layerReport(plan(b.build()), quantPlan(plan(graph)), signal, 300).find((r) => r.op === 'softmax')?.sqnrDb ?? 0;
    return { db, range: ranges.get(logits) as [number, number] };
  };
  const [none, inputs] = [made('none'), made('inputs')];
  assert.ok(none.range[0] < -80 && inputs.range[0] > -40, `from ${none.range[0]} to ${inputs.range[0]}`);
  assert.ok(none.range[1] > 5.5 && inputs.range[1] > 5.5, `${none.range[1]} and ${inputs.range[1]}`);
  assert.ok(inputs.db > none.db + 3, `${none.db} to ${inputs.db} dB`);
});

test('narrowing does not change the ranges of outputs or of other observers', () => {
  const calibration = strokes(16 * 200, 1);
  const of = (observer: 'mse' | 'minmax', narrow: 'none' | 'all') =>
    quantize(sensor(0.5), calibration, { ...options, observer, narrow, noReport: true }).graph;
  const output = sensor(0.5).outputs[0]?.tensor ?? -1;
  assert.equal(of('mse', 'all').tensors[output]?.quant, of('mse', 'none').tensors[output]?.quant);
  assert.equal(of('minmax', 'all'), of('minmax', 'none'));
  assert.equal(
    [presets.fast, presets.good, presets.best].map((p) => p.narrow),
    ['none', 'inputs', 'all'],
  );
});

test.run();
