/**
 * The demo's bundle in headless Chromium gives the same bytes as in Node, and passes its golden there.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession } from '../../host/session/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { readModel } from '../../models/read/index.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { random } from '../property/random-network.ts';
import { root } from '../shared.ts';
import { chromiumPath, runInChromium } from './page.ts';

const zoo = join(root, 'models/zoo/ppg-hr');
if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');

(chromiumPath ? test : test.skip)('the ppg-hr bundle: same file, same bytes in Node and in Chromium', async () => {
  const graph = await readModel(new Uint8Array(readFileSync(join(zoo, 'ppg-hr.onnx'))));
  const calibration = readNpy(new Uint8Array(readFileSync(join(zoo, 'calib.npy')))).data as Float32Array;
  const int8 = quantize(graph, { hop: 64 }, calibration, { noReport: true }).graph;
  const { wasm } = await build(quantPlan(int8, { hop: 64 }));
  const rnd = random(Number(process.env.RUNLET_SEED ?? 1));
  const frames = Int8Array.from({ length: 64 * 60 }, () => Math.floor(256 * rnd()) - 128);
  const session = await openSession(wasm as BufferSource);
  const here: number[][] = [];
  session.pushAll(frames, () => here.push([...session.outputRaw(0)]));
  const there = await runInChromium(wasm, frames);
  assert.equal(there.outputs, here);
  assert.ok(there.selfTest, 'golden in Chromium');
  assert.ok(new Set(here.map(String)).size > 1);
  console.log(`  ${here.length} outputs, 0 differing bytes in ${/Chrome\/[\d.]+/.exec(there.userAgent)?.[0]}`);
});

test.run();
