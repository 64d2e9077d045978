/**
 * ppg-hr over many hops: the streamed wasm equals the reference in every output, extended windows in a
 * sample.
 *
 * RUNLET_PPG_HOPS hops (default 300). Half of the signal is recorded PPG after its front end, half is random.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { ppgFrontEnd } from '../../host/features/ppg.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignal } from '../../quant/report.ts';
import { differing, instantiate, poisonMemory, pushAll, untouchedPastEnd } from '../property/harness.ts';
import { random } from '../property/random-network.ts';
import { root } from '../shared.ts';
import { runExtended } from './extended.ts';

const hops = Number(process.env.RUNLET_PPG_HOPS ?? 300);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const zoo = join(root, 'models/zoo/ppg-hr');

test(`ppg-hr: ${hops} streamed hops equal the reference and extended windows`, async () => {
  const graph = await readModel(new Uint8Array(readFileSync(join(zoo, 'ppg-hr.onnx'))));
  const calibration = readNpy(new Uint8Array(readFileSync(join(zoo, 'calib.npy')))).data as Float32Array;
  const int8 = quantize(graph, calibration, { hop: 64, preset: 'fast', noReport: true }).graph;
  const quant = quantPlan(planStream(int8, { hop: 64 }));
  const { plan } = quant;
  assert.is(plan.mode, 'stream');
  const { wasm, memory } = await build(quant);
  const front = ppgFrontEnd({ sampleRateHz: 32 });
  const recorded = readFileSync(join(zoo, 'demo.csv'), 'utf8').trim().split('\n').slice(1);
  const real = Float32Array.from(recorded, (line) => front.push(Number(line.split(',')[1])));
  const stored = quantiseSignal(real, graphInput(int8));
  const rnd = random(seed + 99);
  const frames = plan.window + (plan.warmUpHops + hops - 1) * plan.hop;
  // the recording and noise alternate in stretches of odd length
  const signal = Int8Array.from({ length: frames }, (_, i) =>
    (i / 3333) & 1 ? Math.floor(256 * rnd()) - 128 : (stored[i % stored.length] as number),
  );
  const exports = instantiate(wasm);
  poisonMemory(exports, memory);
  exports.rn_reset();
  const got = pushAll(exports, quant, signal, [64, 64, 64, 1, 63, 10]);
  let compared = 0;
  let extended = 0;
  const every = Math.max(1, Math.floor(hops / 40));
  for (const e of runSignal(quant, signal)) {
    const wasmOut = got.next().value as Int8Array[];
    assert.is(differing(e.outputs, wasmOut), 0, `output ${e.index}`);
    compared++;
    if (compared % every !== 0) continue;
    assert.is(differing(runExtended(quant, signal, e.index), e.outputs), 0, `output ${e.index}: extended window`);
    extended++;
  }
  assert.is(compared, hops);
  assert.is(got.next().done, true);
  assert.ok(untouchedPastEnd(exports, memory));
  console.log(
    `  ${compared} outputs equal the reference, ${extended} of them checked against windows extended by ${plan.leftContextFrames} frames: 0 differing bytes`,
  );
});

const graphInput = (graph: Awaited<ReturnType<typeof readModel>>) =>
  graph.tensors[graph.inputs[0]?.tensor ?? -1]?.quant ?? { scale: 1, zeroPoint: 0 };

test('a stream with one frame less of context differs from the extended windows', async () => {
  const graph = await readModel(new Uint8Array(readFileSync(join(zoo, 'ppg-hr.onnx'))));
  const calibration = readNpy(new Uint8Array(readFileSync(join(zoo, 'calib.npy')))).data as Float32Array;
  const int8 = quantize(graph, calibration, { hop: 64, preset: 'fast', noReport: true }).graph;
  const quant = quantPlan(planStream(int8, { hop: 64 }));
  const rnd = random(5);
  const signal = Int8Array.from({ length: 64 * 40 }, () => Math.floor(256 * rnd()) - 128);
  const short = { ...quant, plan: { ...quant.plan, leftContextFrames: 128 } };
  let differ = 0;
  for (const e of runSignal(quant, signal)) differ += differing(runExtended(short, signal, e.index), e.outputs);
  assert.ok(differ > 0);
});

test.run();
