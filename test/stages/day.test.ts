/**
 * A long day of sound: RUNLET_SOUND_HOURS hours (default 0.02) at full speed through front end and network in
 * one module.
 *
 * The reference of the front end runs in parallel all the time. At sampled positions the network's reference
 * runs on the rows that an output depends on, and must give the module's bytes. The sound consists of
 * silence, noise, tones, clicks and full scale, one second each, in an order that does not repeat.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession } from '../../host/session/index.ts';
import { fitFrontEnd } from '../../models/frontend/fit.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { clockOf } from '../../models/graph/clock.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { FrontEndReference } from '../../quant/frontend/reference.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { makeNetwork, random } from '../property/random-network.ts';
import { sharedDir } from '../shared.ts';

const hours = Number(process.env.RUNLET_SOUND_HOURS ?? 0.02);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const places = 1000;
const rate = 16_000;

/** Returns one of the sounds of the day: one second of int16. */
function piece(n: number): Int16Array {
  const rnd = random(seed + 7919 * n);
  const level = [0, 40, 900, 6000, 32767][n % 5] as number;
  const kind = Math.floor(rnd() * 4);
  const step = (2 * Math.PI * (80 + 7000 * rnd())) / rate;
  return Int16Array.from({ length: rate }, (_, i) => {
    if (kind === 0) return level * (2 * rnd() - 1);
    if (kind === 1) return level * Math.sin(step * i);
    if (kind === 2) return i % 1777 === 0 ? level : 0;
    return level * Math.sin(step * i) * (0.5 + 0.5 * Math.sin(i / 900)) + 30 * rnd();
  });
}

const pieces = Array.from({ length: 97 }, (_, n) => piece(n));

/** Returns second `n` of the sound. The order of the pieces does not repeat. */
function second(n: number): Int16Array {
  const mixed = Math.imul(n ^ (n >>> 7) ^ seed, 0x9e3779b1) >>> 8;
  return pieces[mixed % pieces.length] as Int16Array;
}

/** A ring buffer of the newest feature rows. */
class Rows {
  count = 0;
  private readonly ring: Int8Array;
  private readonly kept: number;
  private readonly width: number;
  constructor(kept: number, width: number) {
    this.kept = kept;
    this.width = width;
    this.ring = new Int8Array(kept * width);
  }
  add(row: Int8Array): void {
    this.ring.set(row, (this.count++ % this.kept) * this.width);
  }
  between(from: number, to: number): Int8Array {
    assert.ok(from >= this.count - this.kept && to <= this.count);
    const out = new Int8Array((to - from) * this.width);
    for (let r = from; r < to; r++) {
      const at = (r % this.kept) * this.width;
      out.set(this.ring.subarray(at, at + this.width), (r - from) * this.width);
    }
    return out;
  }
}

async function day(name: string, quant: QuantPlan, stepMs: number): Promise<void> {
  const { hop, window, leftContextFrames, graph, delayFrames } = quant.plan;
  const stepSamples = (stepMs * rate) / 1000;
  const frontEnd = fitFrontEnd(graph, makeFrontEnd({ ...presetParameters('microwakeword'), stepSamples }));
  const { wasm } = await build(quant, { frontEnd });
  const session = await openSession(wasm as BufferSource);
  const reference = new FrontEndReference(frontEnd);
  // rows before a window that its output depends on, rounded up to whole hops
  const before = Math.ceil(leftContextFrames / hop) * hop;
  const rows = new Rows(before + delayFrames + 2 * hop + rate / stepSamples + window, frontEnd.channels);
  const seconds = Math.max(8, Math.round(hours * 3600));
  const rnd = random(seed + 3);
  const due = (seconds * rate) / stepSamples / hop;
  let [outputs, compared, bytes] = [0, 0, 0];
  const memory = wasm.length;
  const distinct = new Set<string>();
  for (let n = 0; n < seconds; n++) {
    const sound = second(n);
    reference.push(sound, () => rows.add(reference.row));
    session.pushAll(sound, (index) => {
      outputs++;
      const wanted = index < 10 || n >= seconds - 2 || rnd() < places / due;
      if (!wanted) return;
      const end = index * hop + window + delayFrames;
      const from = Math.max(0, index * hop - before);
      const results = [...runSignal(quant, rows.between(from, end), { warmUp: graph.stateful === true })];
      const expected = results.at(-1)?.outputs[0] as Int8Array;
      const got = session.outputRaw(0);
      assert.equal([...got], [...expected], `${name}: output ${index}, second ${n}`);
      distinct.add(got.join());
      compared++;
      bytes += got.length;
    });
  }
  assert.is(wasm.length, memory);
  assert.ok(outputs > 0.9 * due - 200 && compared >= Math.min(outputs, 12));
  assert.ok(distinct.size > 1, 'the outputs are not all equal');
  console.log(
    `  ${name}: ${(seconds / 3600).toFixed(2)} hours, ${outputs} outputs, ${compared} compared (${bytes} bytes), 0 differ`,
  );
}

test('a random network on features equals the reference', async () => {
  const conv = { kind: 'conv', kernel: 3, dilation: 1, groups: 1, fn: 'tanh', relu: true } as const;
  const graph = makeNetwork({
    ...{ seed: 5, window: 25, features: 1, channels: 40, head: 'globalavg', hopSteps: 1, micro: 1 },
    layers: [
      { ...conv, padding: 'valid', stride: 2, channels: 8 },
      { ...conv, padding: 'valid', stride: 1, channels: 6 },
    ],
  });
  await day('random network', quantPlan(planStream(graph, { hop: 2 })), 20);
});

const models: [string, number][] = [['models/mww/v2/okay_nabu/model.tflite', 10]];
for (const [path, stepMs] of models) {
  const file = join(sharedDir, path);
  (existsSync(file) ? test : test.skip)(`${path} equals the reference`, async () => {
    const graph = await readModel(new Uint8Array(readFileSync(file)));
    await day(path, quantPlan(planStream(graph, { hop: clockOf(graph).window })), stepMs);
  });
}

test.run();
