/**
 * f_EEG and f_ACC of the paper with random int8 weights: the streamed wasm equals the whole-signal reference,
 * and windows extended on both sides by the receptive field (fixed weights, signals from RUNLET_SEED). The
 * costs equal those of the specification.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { frameOf, type Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { differing, instantiate, poisonMemory, pushAll, untouchedPastEnd } from '../property/harness.ts';
import { random } from '../property/random-network.ts';
import { runExtended } from './extended.ts';
import { fAcc, fEeg } from './paper-networks.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);

async function check(name: string, graph: Graph, hop: number, hops: number) {
  const quant = quantPlan(planStream(graph, { hop, mode: 'stream' }));
  const { plan } = quant;
  const { wasm, memory } = await build(quant);
  const exports = instantiate(wasm);
  poisonMemory(exports, memory);
  exports.rn_reset();
  const rnd = random(seed + 7);
  const { c, f } = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape ?? { c: 0, f: 0 };
  const frame = frameOf({ t: 1, f, c });
  const frames = plan.window + plan.delayFrames + (plan.warmUpHops + hops - 1) * hop + 2 * plan.alignment;
  const signal = Int8Array.from({ length: frames * frame }, () => Math.floor(256 * rnd()) - 128);
  const expected = [...runSignal(quant, signal)];
  const got = [...pushAll(exports, quant, signal, [hop, 17, hop - 1])];
  assert.is(got.length, expected.length);
  assert.ok(got.length >= hops);
  let windowedEqual = 0;
  expected.forEach((e, i) => {
    assert.is(differing(e.outputs, got[i] ?? []), 0, `${name} output ${e.index}: wasm against the reference`);
    if (i > 1) return;
    assert.is(differing(runExtended(quant, signal, e.index), e.outputs), 0, `${name} output ${e.index}: extended window`);
    const window = signal.subarray(e.index * hop * frame, (e.index * hop + plan.window) * frame);
    if (differing(runWindow(quant, window).outputs, e.outputs) === 0) windowedEqual++;
  });
  assert.ok(untouchedPastEnd(exports, memory));
  // random heads may give the same output for every window; the embedding never does
  const values = new Set(got.map((outputs) => outputs.map((y) => y.join()).join(';')));
  if (plan.graph.outputs.length > 1) assert.ok(values.size > 1, 'the outputs are not all the same');
  console.log(
    `  ${name}: ${got.length} outputs equal, 2 of them against extended windows (${windowedEqual} equal the zero-padded window); state ${memory.state.bytes} B`,
  );
  return { plan, memory };
}

test('f_EEG at hop 256 of 1024 equals the reference, with the costs of the paper', async () => {
  const { plan } = await check('f_EEG', fEeg(1, true), 256, 4);
  assert.is(plan.delayFrames, 21, 'look-ahead, section 3.1');
  assert.is(plan.alignment, 64);
  assert.is(plan.macsPerWindow, 22_806_528 + 205_000, 'MACs per window: trunk and g, section 3.1');
});

test('f_ACC at hop 160 of 960 equals the reference, with the costs of the paper', async () => {
  const { plan } = await check('f_ACC', fAcc(1), 160, 3);
  assert.is(plan.delayFrames, 6, 'look-ahead, section 3.1');
  const fold = plan.steps.find((s) => s.kind === 'fold');
  assert.is(fold?.stateBytes, 6144, 'global average as 5 accumulators and a running total of 256 channels');
});

test('f_ACC with its embedding as a second output equals the reference in all 960 x 256 bytes of every window', async () => {
  await check('f_ACC embedding', fAcc(1, true), 160, 2);
});

test.run();
