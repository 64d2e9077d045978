/**
 * Modules with several inputs of different rates equal the integer reference, and the windowed model if the
 * plan is exact.
 *
 * Counts: a fifth of RUNLET_NETWORKS networks (default 500), seed RUNLET_SEED (default 1). Memory is poisoned
 * before every run. All run as layer tables, on the targets in turn. Two of seven are also compiled as calls
 * for another target, and compared at every output.
 */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { frameOf, type Graph, type Ints } from '../../models/graph/types.ts';
import type { Mode } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions, StreamPlan } from '../../models/stream/types.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { differing } from './harness.ts';
import { type InputsSpec, inputsNetwork, makeInputsNetwork } from './inputs-network.ts';
import { random } from './random-network.ts';
import { runStyles, spread } from './styles.ts';

const runs = Math.ceil(Number(process.env.RUNLET_NETWORKS ?? 500) / 5);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const limits = { numRuns: runs, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' };

/** Returns the number of elements per tick for each input. */
const tickElements = ({ graph, clock }: StreamPlan) =>
  graph.inputs.map((p, i) => (clock.rates[i] as number) * frameOf(graph.tensors[p.tensor]?.shape ?? { t: 0, f: 0, c: 0 }));

function signalsOf(plan: StreamPlan, ticks: number, rnd: () => number): Int8Array[] {
  return tickElements(plan).map((n) => Int8Array.from({ length: ticks * n }, () => Math.floor(rnd() * 256) - 128));
}

/** Returns ticks [from, to) of every input. */
const cut = (plan: StreamPlan, signals: Int8Array[], from: number, to: number) =>
  tickElements(plan).map((n, i) => (signals[i] as Int8Array).subarray(from * n, to * n));

/** Selects two of seven plans for compilation; over many networks, both plans are selected. */
const alsoCalls = spread(2, 7);
let plans = 0;

/**
 * Runs a plan's module in chunks of random ticks. Counts the outputs, and those that were also compared with
 * the windowed model.
 */
async function check(quant: QuantPlan, rnd: () => number): Promise<{ outputs: number; windows: number }> {
  const { plan } = quant;
  const outputs = Math.min(plan.period, 6) + 5;
  const signals = signalsOf(plan, plan.window + plan.delayFrames + (plan.warmUpHops + outputs - 1) * plan.hop, rnd);
  const expected = [...runSignal(quant, signals)];
  const chunks = Array.from({ length: 7 }, () => 1 + Math.floor(rnd() * plan.hop));
  const got: Ints[][] = [];
  for await (const due of runStyles(quant, signals, chunks, alsoCalls(plans++))) got.push(due);
  assert.is(got.length, outputs, `number of outputs due, ${plan.mode}`);
  assert.is(expected.length, outputs);
  let windows = 0;
  expected.forEach((e, i) => {
    assert.is(differing(e.outputs, got[i] ?? []), 0, `output ${e.index}, ${plan.mode} at hop ${plan.hop}`);
    if (!plan.steps.every((s) => s.exact) || plan.mode === 'misaligned') return;
    const window = cut(plan, signals, e.index * plan.hop, e.index * plan.hop + plan.window);
    assert.is(differing(runWindow(quant, window).outputs, e.outputs), 0, `window ${e.index}, ${plan.mode}`);
    windows++;
  });
  return { outputs, windows };
}

/** Returns the plan, or undefined if the planner refuses the hop with one of these codes. */
function planned(graph: Graph, options: PlanOptions, ...refusals: string[]): QuantPlan | undefined {
  try {
    return quantPlan(planStream(graph, options));
  } catch (error) {
    if (isRunletError(error) && refusals.includes(error.code)) return undefined;
    throw error;
  }
}

/** Plans mode stream at the spec's multiple of the alignment, in several micro-hops if they divide it. */
function streamed(graph: Graph, spec: InputsSpec): QuantPlan {
  for (let hop = 1; ; hop++) {
    const quant = planned(graph, { hop, mode: 'stream' }, 'RN201');
    if (!quant) continue;
    const parts = 1 + (spec.hop % 4);
    const micro = parts % spec.micro === 0 ? parts / spec.micro : parts;
    // at another hop, other layers are in the head, and the alignment may differ
    const more = planned(graph, { hop: hop * parts, mode: 'stream', microHop: hop * micro }, 'RN201');
    return more ?? quant;
  }
}

async function property(name: string, plans: (graph: Graph, spec: InputsSpec) => (QuantPlan | undefined)[]): Promise<void> {
  const total = { outputs: 0, windows: 0, plans: 0, streamed: 0, several: 0 };
  await fc.assert(
    fc.asyncProperty(inputsNetwork, async (spec) => {
      const rnd = random(spec.seed ^ 0x3c3c);
      for (const quant of plans(makeInputsNetwork(spec), spec)) {
        if (!quant) continue;
        const { outputs, windows } = await check(quant, rnd);
        total.outputs += outputs;
        total.windows += windows;
        total.plans++;
        if (quant.plan.steps.some((s) => s.section === 'trunk')) total.streamed++;
        if (quant.plan.clock.units > 1) total.several++;
      }
    }),
    limits,
  );
  console.log(
    `  ${name}: ${total.plans} plans, ${total.several} with different rates, ${total.streamed} keep rows; ${total.outputs} outputs equal, ${total.windows} of them checked against the windowed model`,
  );
  assert.ok(total.several > total.plans / 3);
  if (name !== 'approx, misaligned') assert.ok(total.windows > 0 && total.plans >= runs);
}

/** Plans any hop; edge-exact uses micro-hops if rows fit them. */
function plan(graph: Graph, spec: InputsSpec, mode: Mode): QuantPlan | undefined {
  const hop = 1 + (spec.hop % (spec.window + 3));
  const micro = mode === 'edge-exact' && hop % spec.micro === 0 ? hop / spec.micro : hop;
  const whole = mode === 'misaligned' ? { hop, mode } : { hop, mode, microHop: micro };
  return planned(graph, whole, 'RN201') ?? planned(graph, { hop, mode });
}

test(`several inputs equal the reference in mode stream (${runs} networks, seed ${seed})`, () =>
  property('stream', (graph, spec) => [streamed(graph, spec)]));

test(`several inputs equal the reference in modes windowed and edge-exact at any hop (${runs} networks, seed ${seed})`, () =>
  property('windowed, edge-exact', (graph, spec) => [plan(graph, spec, 'windowed'), plan(graph, spec, 'edge-exact')]));

test(`several inputs equal the reference in modes approx and misaligned (${runs} networks, seed ${seed})`, () =>
  property('approx, misaligned', (graph, spec) => [
    planned(
      graph,
      { hop: spec.window / (spec.window % 3 === 0 ? 3 : spec.window % 2 === 0 ? 2 : 1), mode: 'approx' },
      'RN201',
      'RN206',
    ),
    plan(graph, spec, 'misaligned'),
  ]));

test.run();
