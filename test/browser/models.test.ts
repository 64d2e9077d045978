/**
 * The reference models in headless Chromium: every output byte of TensorFlow Lite Micro's reference kernels,
 * windowed, step by step and from sound.
 *
 * Runs `rand`, `walk`, `edge`, and recorded speech for stateful models. Float inputs and outputs are
 * quantised here; these outputs are compared with Node's, which stages/models compares with the reference.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import { type Target, targets } from '../../assembly/emit/target.ts';
import { asHost, windowToFrames } from '../../host/cli/rows.ts';
import { type Frames, openSession, type Session } from '../../host/session/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { clockOf } from '../../models/graph/clock.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { readFrontEnd } from '../../models/read/tflite/signal/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runnable } from '../relaxed/dot-product.ts';
import { shared, todays } from '../shared.ts';
import { type BrowserJob, chromiumPath, runInChromium } from './page.ts';

const folder = shared('models');
if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = folder && chromiumPath ? test : test.skip;

const names = folder
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((f) => f.endsWith('model.tflite'))
      .map((f) => f.replace(/.model\.tflite$/, ''))
      .sort()
  : [];

async function moduleOf(bytes: Uint8Array, target: Target): Promise<Uint8Array> {
  const frontEnd = readFrontEnd(bytes, { name: 'model' });
  if (frontEnd) return (await buildFrontEnd(frontEnd)).wasm;
  const graph = readTflite(bytes); // either of an image's two dimensions may be time: the first is taken
  const hop = clockOf(graph).window;
  return (await build(quantPlan(planStream(graph, graph.stateful ? { hop } : { hop, mode: 'windowed' })), { target })).wasm;
}

/** Returns frames in the module's order and type, one row of the file after the other. */
function stored(session: Session, x: Frames): Int8Array | Int16Array {
  const port = session.manifest.inputs[0] as Session['manifest']['inputs'][number];
  const per = port.elements * session.window;
  const rows = Array.from({ length: x.length / per }, (_, i) => {
    const row = (x as Int8Array).subarray(i * per, (i + 1) * per);
    return port.order[0] === 't' || port.hostType === 'int16' ? row : windowToFrames(row, port);
  });
  if (port.hostType === 'int16') return x as Int16Array;
  const values = rows.flatMap((row) => [...row]);
  if (port.hostType !== 'float32') return Int8Array.from(values);
  const steps = (v: number) => Math.round(Math.fround(v / port.scale)) + port.zeroPoint;
  return Int8Array.from(values, (v) => Math.max(-128, Math.min(127, steps(v))));
}

for (const name of todays(names)) {
  only(`${name}: every run gives the reference's bytes`, async () => {
    const at = (file: string) => join(folder as string, name, file);
    const bytes = new Uint8Array(readFileSync(at('model.tflite')));
    const wasm = await moduleOf(bytes, 'interp');
    const session = await openSession(wasm as BufferSource);
    const port = session.manifest.outputs[0] as Session['manifest']['outputs'][number];
    const input = session.manifest.inputs[0]?.hostType ?? 'int8';
    const runs = readdirSync(at('')).flatMap((f) => /^(.*)\.in0\.npy$/.exec(f)?.[1] ?? []);
    const jobs: BrowserJob[] = [];
    const wanted: number[][][] = [];
    for (const run of runs) {
      assert.ok(existsSync(at(`${run}.out0.npy`)));
      const frames = stored(session, asHost(readNpy(new Uint8Array(readFileSync(at(`${run}.in0.npy`)))).data, input, run));
      jobs.push({ frames });
      const own: number[][] = [];
      session.reset();
      session.pushAll(frames, () => own.push([...session.outputRaw(0)]));
      const y = readNpy(new Uint8Array(readFileSync(at(`${run}.out0.npy`)))).data;
      const shift = port.hostType === 'uint8' ? 128 : 0;
      const rows = Array.from({ length: y.length / port.elements }, (_, i) =>
        [...y.subarray(i * port.elements, (i + 1) * port.elements)].map((v) => v - shift),
      );
      wanted.push(port.hostType === 'float32' ? own : rows);
    }
    const count = wanted.reduce((sum, rows) => sum + rows.length, 0);
    for (const target of targets) {
      const there = await runInChromium(target === 'interp' ? wasm : runnable(await moduleOf(bytes, target)), jobs);
      assert.ok(there.selfTest, 'golden in Chromium');
      for (const [i, run] of runs.entries()) assert.equal(there.runs[i]?.outputs, wanted[i], `${run}, ${target}`);
      console.log(
        `  ${name}, ${target}: ${count} outputs of ${runs.length} runs, 0 differing bytes in ${/Chrome\/\d+/.exec(there.userAgent)?.[0]}`,
      );
    }
  });
}

test.run();
