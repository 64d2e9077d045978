/**
 * Streamed wasm equals the integer reference over the whole signal, and the windowed model if the plan is
 * exact, on random networks.
 *
 * Counts: RUNLET_STREAMS or RUNLET_NETWORKS networks per test (default 2,000), seed RUNLET_SEED (default 1).
 * All run as layer tables, which need no compiler. RUNLET_ASC of them (default 160) are also compiled, and
 * both styles must agree in every output and every byte of state.
 */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { frameOf, type Ints } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { differing } from './harness.ts';
import { anyLayout, kinds } from './layouts.ts';
import { anyNetwork, makeNetwork, type NetworkSpec, random } from './random-network.ts';
import { runStyles, spread } from './styles.ts';

const runs = Number(process.env.RUNLET_STREAMS ?? process.env.RUNLET_NETWORKS ?? 2000);
const compiled = Math.min(runs, Number(process.env.RUNLET_ASC ?? 160));
const both = spread(compiled, runs);
const seed = Number(process.env.RUNLET_SEED ?? 1);

/** Returns a plan for the spec, with the hop rounded up to the strides and a micro-hop that divides it. */
function planFor(spec: NetworkSpec) {
  const graph = makeNetwork(spec);
  const probe = quantPlan(planStream(graph, { hop: 2 ** 4 * 3 ** 4 * spec.window, mode: 'windowed' })).plan.graph;
  for (let hop = spec.hopSteps; ; hop++) {
    try {
      const aligned = quantPlan(planStream(probe, { hop, mode: 'stream' }));
      const p = aligned.plan.alignment;
      const parts = hop / p;
      const divisor = [spec.micro, 1].find((d) => parts % d === 0) ?? 1;
      return quantPlan(planStream(probe, { hop, mode: 'stream', microHop: hop / divisor }));
    } catch (error) {
      if (!isRunletError(error) || error.code !== 'RN201') throw error;
    }
  }
}

test(`random networks: streamed wasm equals the reference (${runs} networks, seed ${seed})`, async () => {
  let networks = 0;
  let outputs = 0;
  let windows = 0;
  let streamed = 0;
  await fc.assert(
    fc.asyncProperty(anyNetwork, async (spec) => {
      const quant = planFor(spec);
      const { plan } = quant;
      const rnd = random(spec.seed ^ 0x55aa);
      const frame = frameOf(plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
      const frames = plan.window + plan.delayFrames + (plan.warmUpHops + 6) * plan.hop;
      const signal = Int8Array.from({ length: frames * frame }, () => Math.floor(rnd() * 256) - 128);
      const chunks = Array.from({ length: 7 }, () => 1 + Math.floor(rnd() * plan.hop));
      const expected = [...runSignal(quant, signal)];
      const got: Ints[][] = [];
      for await (const output of runStyles(quant, signal, chunks, both(networks++))) got.push(output);
      assert.is(got.length, expected.length, 'number of outputs due');
      expected.forEach((e, i) => {
        assert.is(differing(e.outputs, got[i] ?? []), 0, `output ${e.index}`);
        if (!plan.steps.every((s) => s.exact)) return;
        const window = signal.subarray(e.index * plan.hop * frame, (e.index * plan.hop + plan.window) * frame);
        assert.is(differing(runWindow(quant, window).outputs, e.outputs), 0, `window ${e.index}`);
        windows++;
      });
      outputs += got.length;
      if (plan.steps.some((s) => s.section === 'trunk')) streamed++;
    }),
    { numRuns: runs, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' },
  );
  console.log(`  ${networks} networks as layer tables, ${compiled} of them compiled as well`);
  console.log(`  ${outputs} outputs equal, ${windows} of them checked against the windowed model; ${streamed} networks stream`);
  assert.ok(outputs >= runs && windows > 0 && streamed > runs / 3);
});

test(`random networks, any hop and padding: edge-exact wasm equals the windowed model (${runs} networks, seed ${seed})`, async () => {
  let networks = 0;
  let outputs = 0;
  let reused = 0;
  let unaligned = 0;
  const counts = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(anyNetwork, fc.integer({ min: 1, max: 20 }), async (spec, anyHop) => {
      const graph = makeNetwork(spec);
      const hop = 1 + (anyHop % (spec.window + 5));
      const rnd = random(spec.seed ^ 0x77);
      const { quant, kinds: found } = anyLayout(graph, hop, rnd);
      const { plan } = quant;
      const frame = frameOf(plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
      const windows = 2 * Math.min(plan.period, 8) + 4;
      const signal = Int8Array.from({ length: (plan.window + (windows - 1) * hop) * frame }, () => Math.floor(rnd() * 256) - 128);
      let n = 0;
      for await (const got of runStyles(quant, signal, [1 + Math.floor(rnd() * hop), hop], both(networks++))) {
        const window = signal.subarray(n * hop * frame, (n * hop + plan.window) * frame);
        assert.is(differing(runWindow(quant, window).outputs, got), 0, `window ${n} at hop ${hop}`);
        n++;
      }
      assert.is(n, windows);
      outputs += n;
      for (const kind of found) counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (plan.macsPerHop < plan.macsPerWindow) reused++;
      if (plan.phases > 1) unaligned++;
    }),
    { numRuns: runs, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' },
  );
  console.log(`  ${networks} networks as layer tables, ${compiled} of them compiled as well`);
  console.log(`  ${outputs} outputs equal; ${reused} networks reuse rows, ${unaligned} keep several phases`);
  console.log(`  ${kinds.map((kind) => `${kind} ${counts.get(kind) ?? 0}`).join(', ')}`);
  for (const kind of kinds) assert.ok(runs < 200 || (counts.get(kind) ?? 0) > 0, kind);
  assert.ok(reused > runs / 4 && unaligned > runs / 20);
});

const few = Math.max(1, Math.floor(runs / 8));
for (const mode of ['approx', 'misaligned'] as const) {
  test(`random networks: ${mode} wasm equals its reference (${few} networks, seed ${seed})`, async () => {
    let outputs = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(anyNetwork, fc.integer({ min: 1, max: 20 }), async (spec, anyHop) => {
        const graph = makeNetwork(spec);
        const { window } = spec;
        const divisors = Array.from({ length: window - 1 }, (_, i) => i + 1).filter((d) => window % d === 0);
        const hop = mode === 'approx' ? (divisors[anyHop % divisors.length] as number) : 1 + (anyHop % (window + 5));
        let quant: QuantPlan;
        try {
          quant = quantPlan(planStream(graph, { hop, mode }));
        } catch (error) {
          if (!isRunletError(error) || !['RN201', 'RN206'].includes(error.code)) throw error;
          refused++;
          return;
        }
        const { plan } = quant;
        const rnd = random(spec.seed ^ 0x99);
        const frame = frameOf(plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
        const frames = plan.window + plan.delayFrames + (plan.warmUpHops + 8) * hop;
        const signal = Int8Array.from({ length: frames * frame }, () => Math.floor(rnd() * 256) - 128);
        const expected = [...runSignal(quant, signal)];
        let n = 0;
        for await (const got of runStyles(quant, signal, [1 + Math.floor(rnd() * hop), hop], false)) {
          assert.is(differing(expected[n]?.outputs ?? [], got), 0, `output ${n} at hop ${hop}`);
          n++;
        }
        assert.is(n, expected.length);
        outputs += n;
      }),
      { numRuns: few, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' },
    );
    console.log(`  ${outputs} outputs equal, ${refused} networks refused`);
    assert.ok(outputs >= few);
  });
}

test.run();
