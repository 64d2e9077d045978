/**
 * Plans of every preference, on random networks: all outputs equal the windowed model, and each plan has the
 * cost that it declares.
 *
 * An eighth of RUNLET_NETWORKS networks (default 2,000), but at least 48; seed RUNLET_SEED (default 1). The
 * planner chooses the mode, or the mode is edge-exact. All run as layer tables.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { frameOf } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { workTolerance } from '../../models/stream/prefer.ts';
import { totalStride } from '../../models/stream/timing.ts';
import { preferences } from '../../models/stream/types.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { differing } from './harness.ts';
import { anyNetwork, makeNetwork, random } from './random-network.ts';
import { runStyles } from './styles.ts';

/** Number of networks: large enough that every mode is among their plans. */
const runs = Math.max(48, Math.ceil(Number(process.env.RUNLET_NETWORKS ?? 2000) / 8));
const seed = Number(process.env.RUNLET_SEED ?? 1);
/**
 * Any hop, a multiple of the total stride (without it mode stream is rare), or any hop in mode edge-exact.
 */
const kinds = fc.constantFrom('any' as const, 'aligned' as const, 'edge-exact' as const);

/** Runs a plan and returns the number of compared outputs. */
async function compared(quant: QuantPlan, hop: number, rnd: () => number): Promise<number> {
  const { plan } = quant;
  const frame = frameOf(plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
  const windows = 2 * Math.min(plan.period, 8) + 4;
  const signal = Int8Array.from({ length: (plan.window + (windows - 1) * hop) * frame }, () => Math.floor(rnd() * 256) - 128);
  let n = 0;
  for await (const got of runStyles(quant, signal, [1 + Math.floor(rnd() * hop), hop], false)) {
    const window = signal.subarray(n * hop * frame, (n * hop + plan.window) * frame);
    assert.is(differing(runWindow(quant, window).outputs, got), 0, `window ${n} at hop ${hop}, ${plan.options.prefer}`);
    n++;
  }
  assert.is(n, windows);
  return n;
}

test(`random networks: plans with any preference equal the windowed model (${runs} networks, seed ${seed})`, async () => {
  let outputs = 0;
  let apart = 0;
  const modes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(anyNetwork, fc.integer({ min: 1, max: 20 }), kinds, async (spec, anyHop, kind) => {
      const graph = makeNetwork(spec);
      const stride = kind === 'aligned' ? totalStride(graph) : 1;
      const hop = stride * (1 + (anyHop % Math.ceil((spec.window + 5) / stride)));
      const rnd = random(spec.seed ^ 0x33);
      const mode = kind === 'edge-exact' ? { mode: kind } : {};
      const [work, balanced, ram] = preferences.map((prefer) => quantPlan(planStream(graph, { hop, prefer, ...mode })));
      assert.ok(work && balanced && ram);
      for (const quant of [work, balanced, ram]) {
        modes.add(quant.plan.mode);
        assert.ok(quant.plan.steps.every((s) => s.exact));
        outputs += await compared(quant, hop, rnd);
      }
      assert.ok(work.plan.macsPerHop <= balanced.plan.macsPerHop);
      assert.ok(balanced.plan.macsPerHop <= (1 + workTolerance) * work.plan.macsPerHop);
      assert.ok(ram.plan.stateBytes <= balanced.plan.stateBytes);
      assert.ok(balanced.plan.stateBytes <= work.plan.stateBytes);
      assert.equal(quantPlan(planStream(graph, { hop, ...mode })).plan.stateBytes, balanced.plan.stateBytes);
      if (ram.plan.stateBytes < work.plan.stateBytes) apart++;
    }),
    { numRuns: runs, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' },
  );
  console.log(`  ${outputs} outputs equal in modes ${[...modes].join(', ')}; ${apart} networks have several plans`);
  assert.ok(modes.size === 3 && apart > runs / 4);
});

test.run();
