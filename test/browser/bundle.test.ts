/**
 * The demo's bundle in headless Chromium gives the same bytes as in Node, passes its self-test there, and
 * continues from a snapshot of the other engine, in both directions. Also built edge-exact at a hop that its
 * strides do not divide.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession } from '../../host/session/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { random } from '../property/random-network.ts';
import { root } from '../shared.ts';
import { chromiumPath, runInChromium } from './page.ts';

const zoo = join(root, 'models/zoo/ppg-hr');
if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');

const only = chromiumPath ? test : test.skip;

async function bundleAt(hop: number): Promise<Uint8Array> {
  const graph = await readModel(new Uint8Array(readFileSync(join(zoo, 'ppg-hr.onnx'))));
  const calibration = readNpy(new Uint8Array(readFileSync(join(zoo, 'calib.npy')))).data as Float32Array;
  const int8 = quantize(graph, calibration, { hop: 64, preset: 'fast', noReport: true }).graph;
  return (await build(quantPlan(planStream(int8, { hop })))).wasm;
}

function noise(length: number): Int8Array {
  const rnd = random(Number(process.env.RUNLET_SEED ?? 1));
  return Int8Array.from({ length }, () => Math.floor(256 * rnd()) - 128);
}

const engine = (userAgent: string) => /Chrome\/[\d.]+/.exec(userAgent)?.[0];

only('the ppg-hr bundle gives the same bytes in Node and in Chromium', async () => {
  const wasm = await bundleAt(64);
  const frames = noise(64 * 60);
  const session = await openSession(wasm as BufferSource);
  const here: number[][] = [];
  session.pushAll(frames, () => here.push([...session.outputRaw(0)]));
  const there = await runInChromium(wasm, [{ frames }]);
  assert.equal(there.runs[0]?.outputs, here);
  assert.ok(there.selfTest, 'golden in Chromium');
  assert.ok(new Set(here.map(String)).size > 1);
  console.log(`  ${here.length} outputs, 0 differing bytes in ${engine(there.userAgent)}`);
});

for (const [hop, mode] of [[64, 'stream'], [50, 'edge-exact']] as const) // biome-ignore format: one line
  only(`ppg-hr at hop ${hop}, ${mode}: a snapshot goes from Node to Chromium and back`, async () => {
    const wasm = await bundleAt(hop);
    const session = await openSession(wasm as BufferSource);
    assert.is(session.manifest.mode, mode);
    const cut = 576 + 30 * hop + 17; // after the warm-up and all phases, 17 frames into a hop
    const frames = noise(cut + 40 * hop);
    const [head, tail] = [frames.slice(0, cut), frames.slice(cut)];
    session.pushAll(head, () => {});
    const middle = session.snapshot();
    const expected: [number, number[]][] = [];
    session.pushAll(tail, (n) => expected.push([n, [...session.outputRaw(0)]]));
    const end = session.snapshot();
    assert.ok(expected.length >= 20 && new Set(expected.map(String)).size === expected.length);

    const { runs, userAgent } = await runInChromium(wasm, [{ frames: tail, snapshot: middle }, { frames: head }]);
    const [onward, begun] = runs as [(typeof runs)[0], (typeof runs)[0]];
    assert.equal(onward.indexes.map((n, i) => [n, onward.outputs[i]]), expected, 'Node, then Chromium'); // biome-ignore format: one line
    assert.equal(onward.snapshot, end, 'the state at the end');
    assert.equal(begun.snapshot, middle, 'the snapshot that Chromium takes');

    const fresh = await openSession(wasm as BufferSource);
    fresh.restore(begun.snapshot);
    const back: [number, number[]][] = [];
    fresh.pushAll(tail, (n) => back.push([n, [...fresh.outputRaw(0)]]));
    assert.equal(back, expected, 'Chromium, then Node');
    assert.equal(fresh.snapshot(), end);
    console.log(
      `  hop ${hop}, ${mode}: ${expected.length} outputs each way after a snapshot of ${middle.length} bytes, 0 differing bytes in ${engine(userAgent)}`,
    );
  });

test.run();
