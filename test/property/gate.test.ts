/**
 * A gated stream gives the bytes of a session that never sleeps, on random networks in all modes, with random
 * gates and pieces of any length; it runs no frame more, and keeps no frame more than it needs.
 *
 * Counts: RUNLET_GATES networks (default 160), seed RUNLET_SEED (default 1). All run as layer tables.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { GatedStream } from '../../host/session/gated-stream.ts';
import { openSession, type Session, type Stored } from '../../host/session/index.ts';
import { isRunletError } from '../../models/error.ts';
import { carries } from '../../models/graph/recurrent.ts';
import { frameOf, type Graph } from '../../models/graph/types.ts';
import { type Mode, modes } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { quantPlan } from '../../quant/plan.ts';
import { codeOf } from '../host/helpers.ts';
import { inputsNetwork, makeInputsNetwork } from './inputs-network.ts';
import { anyNetwork, makeNetwork, random } from './random-network.ts';
import { recurrentNetwork } from './recurrent-network.ts';

const runs = Number(process.env.RUNLET_GATES ?? 160);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const limits = { numRuns: runs, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' };

type Signals = Int8Array[];

/** Returns values per tick of each input. */
const ticksOf = ({ graph, clock }: StreamPlan): number[] =>
  graph.inputs.map((p, i) => (clock.rates[i] as number) * frameOf(graph.tensors[p.tensor]?.shape ?? { t: 0, f: 0, c: 0 }));

const cut = (signals: Signals, ticks: number[], from: number, to: number): Signals =>
  signals.map((signal, i) => signal.subarray(from * (ticks[i] as number), to * (ticks[i] as number)));

const bytesOf = (session: Session): string =>
  session.manifest.outputs.map((_, i) => Buffer.from(session.outputRaw(i).slice().buffer).toString('hex')).join(' ');

/** Returns a gate that is open and closed in turn, for random numbers of frames. */
function gateOf(frames: number, longest: number, rnd: () => number): boolean[] {
  const gate: boolean[] = [];
  for (let open = rnd() < 0.5; gate.length < frames; open = !open)
    gate.push(...new Array<boolean>(1 + Math.floor(rnd() * rnd() * longest)).fill(open));
  return gate;
}

interface Found {
  wanted: number;
  skippedFrames: number;
  midHop: number;
  preRolled: number;
}

/** Runs the network twice, with and without a gate, and compares. */
async function check(plan: StreamPlan, wasm: Uint8Array, rnd: () => number): Promise<Found> {
  const [always, other] = [await openSession(wasm as BufferSource), await openSession(wasm as BufferSource)];
  const { manifest } = always;
  const ticks = ticksOf(plan);
  const preRoll = Math.floor(rnd() * 3);
  const stream = new GatedStream(other, preRoll);
  const frames = 3 * stream.keptFrames + 12 * plan.hop;
  const signals = ticks.map((n) => Int8Array.from({ length: frames * n }, () => Math.floor(rnd() * 256) - 128));
  const expected = new Map<number, string>();
  always.pushAll(signals as Stored[], (index) => expected.set(index, bytesOf(always)));

  const gate = gateOf(frames, 2 * stream.keptFrames, rnd);
  const dueAt = (n: number) => n * plan.hop + manifest.window + manifest.delayFrames;
  const wanted = [...expected.keys()].filter((n) => gate[dueAt(n) - 1]);
  const got = new Map<number, string>();
  const found: Found = { wanted: wanted.length, skippedFrames: 0, midHop: 0, preRolled: 0 };
  let latest = -1;
  for (let at = 0, take = 0; at < frames; at += take) {
    take = Math.min(frames - at, 1 + Math.floor(rnd() * 2.5 * plan.hop));
    stream.push(
      cut(signals, ticks, at, at + take),
      () => gate[stream.clock.framesPushed - 1] === true,
      (index, early) => {
        assert.ok(index > latest, `output ${index} follows ${latest}`);
        latest = index;
        assert.is(early, gate[dueAt(index) - 1] === false, `output ${index} is early if it was not wanted`);
        got.set(index, bytesOf(other));
      },
    );
  }
  for (const [index, bytes] of got) assert.is(bytes, expected.get(index), `output ${index}, ${plan.mode}, hop ${plan.hop}`);
  for (const n of wanted) {
    assert.ok(got.has(n), `output ${n} was wanted`);
    // after a sleep, the outputs just before the wanted one are computed too
    for (let k = 1; k <= preRoll && expected.has(n - k); k++, found.preRolled++) assert.ok(got.has(n - k), `pre-roll of ${n}`);
  }
  const { count } = stream;
  assert.is(count.wanted, wanted.length);
  assert.is(count.unwanted, expected.size - wanted.length);
  assert.ok(count.framesRun <= frames);
  assert.ok(count.longestCatchUp <= Math.max(0, stream.keptFrames - plan.hop));
  found.skippedFrames = frames - count.framesRun;
  for (let n = 1; n < frames; n++) if (gate[n] && !gate[n - 1] && n % plan.hop) found.midHop++;
  return found;
}

const plans: Partial<Record<Mode, number>> = {};
const sums: Found = { wanted: 0, skippedFrames: 0, midHop: 0, preRolled: 0 };

/** Plans the graph in the mode and checks it. @returns whether the mode exists for this graph and hop */
async function checkIn(graph: Graph, hop: number, mode: Mode, rnd: () => number): Promise<boolean> {
  let quant: ReturnType<typeof quantPlan>;
  try {
    quant = quantPlan(planStream(graph, { hop, mode }));
  } catch (error) {
    if (isRunletError(error) && /^RN20/.test(error.code)) return false;
    throw error;
  }
  // a session opens only modules whose micro-hop is at most a hop
  if (quant.plan.microHop > hop) return false;
  const { wasm, manifest } = await build(quant, { style: 'table', kernels: 'every' });
  if (manifest.carriesState) {
    assert.ok(quant.plan.graph.nodes.some(carries));
    const session = await openSession(wasm as BufferSource);
    assert.is(await codeOf(() => new GatedStream(session)), 'RN777');
    return true;
  }
  const found = await check(quant.plan, wasm, rnd);
  for (const key of Object.keys(sums) as (keyof Found)[]) sums[key] += found[key];
  plans[mode] = (plans[mode] ?? 0) + 1;
  return true;
}

test(`random networks in all modes: 0 differing bytes (${runs} networks, seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(anyNetwork, fc.integer({ min: 1, max: 20 }), async (spec, anyHop) => {
      const graph = makeNetwork(spec);
      const rnd = random(spec.seed ^ 0x6a7e);
      const hop = 1 + (anyHop % (spec.window + 5));
      const first = Math.floor(rnd() * modes.length);
      for (let i = 0; i < modes.length; i++)
        if (await checkIn(graph, hop, modes[(first + i) % modes.length] as Mode, rnd)) return;
    }),
    limits,
  );
  console.log(`  ${JSON.stringify(plans)} ${JSON.stringify(sums)}`);
  for (const mode of modes) assert.ok(runs < 160 || (plans[mode] ?? 0) > 0, mode);
  for (const [what, number] of Object.entries(sums)) assert.ok(number > runs / 10, what);
});

const few = Math.ceil(runs / 8);

test(`networks with several inputs: 0 differing bytes (${few} networks, seed ${seed})`, async () => {
  let checked = 0;
  await fc.assert(
    fc.asyncProperty(inputsNetwork, fc.integer({ min: 1, max: 20 }), async (spec, hop) => {
      const graph = makeInputsNetwork(spec);
      for (const mode of ['edge-exact', 'windowed'] as const)
        if (await checkIn(graph, hop, mode, random(spec.seed))) {
          checked++;
          return;
        }
    }),
    { ...limits, numRuns: few },
  );
  assert.ok(checked > few / 2, `${checked}`);
});

test(`recurrent networks sleep if each window begins anew, and are refused if a state is carried (${few} networks)`, async () => {
  const before = { ...plans };
  let carried = 0;
  await fc.assert(
    fc.asyncProperty(recurrentNetwork, fc.integer({ min: 1, max: 8 }), async (spec, hop) => {
      const graph = makeNetwork(spec);
      const rnd = random(spec.seed);
      await checkIn(graph, hop, 'windowed', rnd);
      const stream = plans.stream;
      if ((await checkIn(graph, hop, 'stream', rnd)) && plans.stream === stream) carried++;
    }),
    { ...limits, numRuns: few },
  );
  assert.ok((plans.windowed ?? 0) > (before.windowed ?? 0) && carried > 0, `${carried}`);
});

test.run();
