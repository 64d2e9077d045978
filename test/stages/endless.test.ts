/**
 * Endless streams: RUNLET_ENDLESS_HOPS hops (default 200,000) of small networks in three modes of state equal
 * the reference at 1,000 positions.
 *
 * The signal is a hash of the frame's number, so that any window of it can be generated again. A streamed
 * output is compared with the extended window (stream) or with the windowed model (edge-exact). Positions:
 * the first, the last, around powers of two, and random ones.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession } from '../../host/session/index.ts';
import type { Graph, Ints } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { differing } from '../property/harness.ts';
import { random } from '../property/random-network.ts';
import { runExtended } from './extended.ts';
import { tinyEdge, tinyStream } from './tiny-networks.ts';

const hops = Number(process.env.RUNLET_ENDLESS_HOPS ?? 200_000);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const places = 1000;

/** Returns value i of the signal, int8: splitmix32 of its position. */
function valueAt(i: number): number {
  let x = (Math.imul(i | 0, 0x9e3779b9) + Math.imul(Math.floor(i / 2 ** 32), 0x85ebca6b) + seed) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) << 24 >> 24; // biome-ignore format: the last step of the hash
}

const valuesAt = (from: number, count: number): Int8Array => Int8Array.from({ length: count }, (_, i) => valueAt(from + i));

/** Returns the output numbers in [first, last] to compare. */
function sample(first: number, last: number): Set<number> {
  const chosen = new Set<number>();
  const add = (n: number) => n >= first && n <= last && chosen.add(n);
  for (let i = 0; i < 50; i++) {
    add(first + i);
    add(last - i);
  }
  for (let power = 1; power <= 2 * last; power *= 2) for (const near of [-1, 0, 1]) add(power + near);
  const rnd = random(seed + 7);
  while (chosen.size < Math.min(places, last - first + 1)) add(first + Math.floor(rnd() * (last - first + 1)));
  return chosen;
}

/** Returns the expected output n, computed only from the frames around window n. */
function expectedAt(quant: QuantPlan, n: number, channels: number): Ints[] {
  const { hop, window, leftContextFrames, delayFrames, alignment, mode } = quant.plan;
  if (mode === 'edge-exact') return runWindow(quant, valuesAt(n * hop * channels, window * channels)).outputs;
  const left = Math.ceil(leftContextFrames / hop);
  const frames = left * hop + window + Math.ceil(delayFrames / alignment) * alignment;
  return runExtended(quant, valuesAt((n - left) * hop * channels, frames * channels), left);
}

async function endless(graph: Graph, options: PlanOptions): Promise<void> {
  const quant = quantPlan(planStream(graph, options));
  const { plan } = quant;
  assert.is(plan.mode, options.mode);
  const session = await openSession((await build(quant)).wasm as BufferSource);
  const channels = session.manifest.inputs[0]?.elements ?? 0;
  const last = Math.floor((hops * plan.hop - plan.window - plan.delayFrames) / plan.hop);
  const chosen = sample(plan.warmUpHops, last);
  const frames = new Int8Array(plan.hop * channels);
  let [differs, compared, at] = [0, 0, 0];
  let [farthest, distinct]: [number, Set<string>] = [-1, new Set()];
  for (let hop = 0; hop < hops; hop++) {
    for (let i = 0; i < frames.length; i++) frames[i] = valueAt(at++);
    if (!session.pushInt8(frames)) continue;
    const n = session.outputIndex;
    if (!chosen.has(n)) continue;
    const got = session.outputRaw();
    differs += differing(expectedAt(quant, n, channels), [got]);
    distinct.add(String(got));
    compared++;
    farthest = n;
  }
  assert.is(differs, 0, 'differing bytes');
  assert.equal([compared, farthest], [chosen.size, last]);
  assert.is(session.outputsDue, last + 1 - plan.warmUpHops, 'every output was due');
  assert.is(session.framesPushed, hops * plan.hop);
  assert.ok(distinct.size > compared / 10, `${distinct.size} distinct outputs`);
  console.log(
    `  ${plan.mode}, hop ${plan.hop}: ${hops.toLocaleString('en')} hops, ${compared} outputs (${distinct.size} distinct) compared, the last is number ${farthest.toLocaleString('en')}, 0 bytes differ`,
  );
}

test('an endless stream with history, look-ahead and partial results equals the reference', () =>
  endless(tinyStream(), { hop: 12, mode: 'stream' }));

test('endless edge-exact with 4 phases equals the reference, at a hop that is not a multiple of the strides', () =>
  endless(tinyEdge(), { hop: 3, mode: 'edge-exact' }));

test('endless edge-exact with running sums modulo 2^32 equals the reference', () =>
  endless(tinyStream(), { hop: 5, mode: 'edge-exact' }));

test.run();
