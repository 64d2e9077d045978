/**
 * Random networks with int16 in random places: streamed wasm equals the integer reference in every mode, and
 * the windowed model if the plan is exact.
 *
 * Counts: RUNLET_INT16 networks per mode (default 80; a quarter in approximate modes), seed RUNLET_SEED. All
 * run as layer tables. RUNLET_INT16_ASC of them (default 9) are also compiled, and both styles must agree in
 * every output and every byte of state. The targets take turns.
 */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { isRunletError } from '../../models/error.ts';
import { frameOf, type Graph, isInt16 } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import type { MacParams } from '../../quant/ops/op.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { compareModule } from '../ops/run-case.ts';
import { differing } from './harness.ts';
import { anyLayout } from './layouts.ts';
import { makeNetwork, type NetworkSpec, network, random } from './random-network.ts';
import { runStyles, spread } from './styles.ts';
import { randomFrames, widen } from './widen.ts';

const runs = Number(process.env.RUNLET_INT16 ?? 80);
const compiled = Math.min(runs, Number(process.env.RUNLET_INT16_ASC ?? 9));
const seed = Number(process.env.RUNLET_SEED ?? 1);

function planned(graph: Graph, options: PlanOptions): QuantPlan | undefined {
  try {
    return quantPlan(planStream(graph, options));
  } catch (error) {
    if (isRunletError(error) && ['RN201', 'RN206'].includes(error.code)) return undefined;
    throw error;
  }
}

/**
 * Plans mode stream at the smallest hop >= `spec.hopSteps` that the strides allow, if possible in micro-hops.
 */
function streamed(graph: Graph, spec: NetworkSpec): QuantPlan {
  for (let hop = spec.hopSteps; ; hop++) {
    const quant = planned(graph, { hop, mode: 'stream' });
    if (!quant) continue;
    const parts = hop / quant.plan.alignment;
    return quantPlan(planStream(graph, { hop, mode: 'stream', microHop: hop / (parts % spec.micro === 0 ? spec.micro : 1) }));
  }
}

const totals = { networks: 0, outputs: 0, windows: 0, int16Inputs: 0, int16Tensors: 0, ops: new Map<string, number>() };

function count({ plan: { graph } }: QuantPlan): void {
  totals.networks++;
  totals.int16Tensors += graph.tensors.filter((t) => isInt16(t.quant)).length;
  if (isInt16(graph.tensors[graph.inputs[0]?.tensor ?? -1]?.quant)) totals.int16Inputs++;
  for (const node of graph.nodes) {
    const [x, y] = [node.inputs[0] as number, node.output].map((id) => (isInt16(graph.tensors[id]?.quant) ? 's16' : 's8'));
    if (x === 's16' || y === 's16') totals.ops.set(`${node.op} ${x}-${y}`, (totals.ops.get(`${node.op} ${x}-${y}`) ?? 0) + 1);
  }
}

async function check(quant: QuantPlan, rnd: () => number, both: boolean): Promise<void> {
  const { plan } = quant;
  const frame = frameOf(plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
  const outputs = Math.min(plan.period, 6) + 5;
  const signal = randomFrames(plan.graph, plan.window + plan.delayFrames + (plan.warmUpHops + outputs - 1) * plan.hop, rnd);
  const expected = [...runSignal(quant, signal)];
  const exact = plan.mode !== 'misaligned' && plan.steps.every((s) => s.exact);
  let n = 0;
  for await (const got of runStyles(quant, signal, [1 + Math.floor(rnd() * plan.hop), plan.hop, 1], both)) {
    const e = expected[n++];
    const where = `output ${e?.index}, ${plan.mode} at hop ${plan.hop}`;
    assert.is(differing(e?.outputs ?? [], got), 0, where);
    if (!exact || !e) continue;
    const window = signal.subarray(e.index * plan.hop * frame, (e.index * plan.hop + plan.window) * frame);
    assert.is(differing(runWindow(quant, window).outputs, got), 0, `window of ${where}`);
    totals.windows++;
  }
  assert.is(n, outputs);
  totals.outputs += n;
  count(quant);
}

const modes: Record<
  string,
  { share: number; plan: (graph: Graph, spec: NetworkSpec, anyHop: number, rnd: () => number) => QuantPlan | undefined }
> = {
  stream: { share: 1, plan: (graph, spec) => streamed(graph, spec) },
  'edge-exact': { share: 1, plan: (graph, spec, anyHop, rnd) => anyLayout(graph, 1 + (anyHop % (spec.window + 5)), rnd).quant },
  windowed: {
    share: 1 / 4,
    plan: (graph, spec, anyHop) => quantPlan(planStream(graph, { hop: 1 + (anyHop % spec.window), mode: 'windowed' })),
  },
  misaligned: {
    share: 1 / 4,
    plan: (graph, spec, anyHop) => planned(graph, { hop: 1 + (anyHop % (spec.window + 5)), mode: 'misaligned' }),
  },
  approx: {
    share: 1 / 4,
    plan: (graph, { window }, anyHop) => {
      const divisors = Array.from({ length: window - 1 }, (_, i) => i + 1).filter((d) => window % d === 0);
      return planned(graph, { hop: divisors[anyHop % divisors.length] as number, mode: 'approx' });
    },
  },
};

for (const [mode, { share, plan }] of Object.entries(modes)) {
  const networks = Math.max(1, Math.floor(runs * share));
  test(`${networks} random networks with int16 tensors, ${mode}: wasm equals the reference (seed ${seed})`, async () => {
    const both = spread(compiled * share, networks);
    let i = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(network, fc.integer({ min: 1, max: 20 }), async (spec, anyHop) => {
        const rnd = random(spec.seed ^ 0x1616);
        const quant = plan(widen(makeNetwork(spec), rnd), spec, anyHop, rnd);
        if (quant) await check(quant, rnd, both(i++));
        else refused++;
      }),
      { numRuns: networks, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' },
    );
    if (refused > 0) console.log(`  ${refused} networks refused`);
  });
}

const few = Math.ceil(runs / 8);
test(`${few} random networks with int16 tensors, separate weights: wasm equals the reference (seed ${seed})`, async () => {
  let apart = 0;
  for (const [i, spec] of fc.sample(network, { numRuns: few, seed: seed + 1 }).entries()) {
    const rnd = random(spec.seed ^ 0x7171);
    const { quant } = anyLayout(widen(makeNetwork(spec), rnd, 0.8), 1 + (i % spec.window), rnd);
    const { plan } = quant;
    const signal = randomFrames(plan.graph, plan.window + 7 * plan.hop, rnd);
    const weights = i % 2 ? 'linear' : 'tile';
    const bundle = await build(quant, { target: 'native', style: 'table', kernels: 'every', weights });
    assert.is(compareModule(quant, bundle, signal).differing, 0, `network ${i}, ${weights}`);
    if (bundle.weights) apart++;
  }
  assert.ok(apart > few / 2);
});

test('negative control: a multiplier that is one step off gives other bytes', async () => {
  const graph = widen(
    makeNetwork({ ...(fc.sample(network, { numRuns: 1, seed: 5 })[0] as NetworkSpec), layers: [], head: 'dense' }),
    () => 0,
    1,
  );
  const quant = quantPlan(planStream(graph, { hop: 4, mode: 'windowed' }));
  const bundle = await build(quant, { target: 'native', style: 'table', kernels: 'every' });
  const signal = randomFrames(graph, quant.plan.window + 40, random(3));
  assert.is(compareModule(quant, bundle, signal).differing, 0);
  const [params] = [...quant.params.values()].filter((p): p is MacParams => 'multiplier' in p && p.types !== undefined);
  assert.ok(params);
  params.multiplier[0] = (params.multiplier[0] as number) * 1.05;
  assert.ok(compareModule(quant, bundle, signal).differing > 0);
});

test('many networks had int16 inputs, and some outputs were compared with the windowed model', () => {
  const { networks, outputs, windows, int16Inputs, int16Tensors, ops } = totals;
  console.log(
    `  ${networks} networks, ${int16Inputs} with int16 inputs, ${int16Tensors} int16 tensors; ${outputs} outputs equal, ${windows} also the windowed model's`,
  );
  console.log(
    `  ${[...ops]
      .sort()
      .map(([name, n]) => `${name} ${n}`)
      .join(', ')}`,
  );
  assert.ok(outputs >= runs && windows > 0 && int16Inputs > networks / 10);
});

test.run();
