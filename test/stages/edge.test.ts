/**
 * edge-exact on real networks and on the paper's: every window equals the windowed model at any hop, and the
 * work equals the counts of the proof.
 *
 * Real models: TensorFlow Lite Micro's sliding-window runs at hops 1, 2, 3 and 5. Paper shapes: zero-padded,
 * at aligned and unaligned hops.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { compareStream } from '../../host/cli/compare.ts';
import { openSession } from '../../host/session/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { frameOf, type Graph } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { preferences } from '../../models/stream/types.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { differing, instantiate, poisonMemory, pushAll, untouchedPastEnd } from '../property/harness.ts';
import { random } from '../property/random-network.ts';
import { shared, todays } from '../shared.ts';
import { fAcc, fEeg, fPpg, fullyConvolutional } from './paper-networks.ts';

const folder = shared('models');
const bytes = (...parts: string[]) => new Uint8Array(readFileSync(join(...parts)));

interface Counts {
  /**
   * Ratio of the window's MACs to those of hop 1, including the first-layer shortcut: edge-exact proof,
   * section 3.
   */
  times: number;
  /** MACs per hop at hops 1, 2, 3 and 5: section 3. */
  macs: number[];
  /**
   * Bytes of state at the same hops: section 4, the largest of the methods with these MACs (keep, fork, fork
   * + fold).
   */
  state: number[];
}

const models: Record<string, Counts> = {
  'mlperf-tiny/kws_ref_model': {
    times: 2.55,
    macs: [1_105_408, 1_105_408, 1_317_888, 1_530_368],
    state: [35_674, 18_010, 15_642, 27_930],
  },
  'mltk/keyword_spotting_on_off': {
    times: 3.29,
    macs: [86_912, 86_912, 144_512, 202_112],
    state: [8_640, 4_416, 4_032, 3_136],
  },
  'misc/heartbeats_quantized': { times: 4.85, macs: [19_715, 19_730, 21_745, 23_775], state: [4_897, 2_452, 4_897, 4_897] },
  'tflm/micro_speech_quantized': { times: 11.6, macs: [92_800, 92_800, 118_400, 144_000], state: [1_144, 760, 632, 520] },
};

for (const [model, counts] of todays(Object.entries(models))) {
  (folder ? test : test.skip)(`${model}: sliding windows at hops 1, 2, 3 and 5 equal the recorded runs`, async () => {
    const at = join(folder as string, model);
    const frame = model.includes('heartbeats') ? 1 : undefined;
    const graph = readTflite(bytes(at, 'model.tflite'), { frame });
    for (const [i, hop] of [1, 2, 3, 5].entries()) {
      const quant = quantPlan(planStream(graph, { hop, prefer: 'work' }));
      const { plan } = quant;
      assert.ok(plan.macsPerHop <= (counts.macs[i] as number), `${plan.macsPerHop} MACs at hop ${hop}`);
      const times = Math.round((100 * plan.macsPerWindow) / plan.macsPerHop) / 100;
      if (hop === 1) assert.ok(times >= counts.times, `${times} times fewer MACs`);
      // the proof's figures do not include the partial sums of the first layer
      const sums = plan.steps.reduce((n, s) => n + (s.kind === 'taps' ? (s.taps?.stateBytes ?? 0) : 0), 0);
      const state = plan.steps.reduce((n, s) => n + s.stateBytes, 0) - sums;
      assert.ok(state <= (counts.state[i] as number), `${state} bytes of state at hop ${hop}`);
      const taken = quantPlan(planStream(graph, { hop }));
      assert.ok(taken.plan.stateBytes <= plan.stateBytes && taken.plan.macsPerHop <= 1.1 * plan.macsPerHop);
      const isSame = taken.plan.stateBytes === plan.stateBytes && taken.plan.macsPerHop === plan.macsPerHop;
      const compared = await slid(quant, at);
      if (!isSame) assert.is(await slid(taken, at), compared);
      console.log(
        `  ${model} hop ${hop}: ${plan.mode}, 0 of ${compared} outputs differ, ${plan.macsPerHop} MACs, ${state} B of state and ${sums} B of tap sums; by default ${taken.plan.macsPerHop} MACs, ${taken.plan.stateBytes} B`,
      );
    }
  });
}

/** Runs two signals, checks all outputs against TensorFlow Lite Micro, and returns their number. */
async function slid(quant: QuantPlan, at: string): Promise<number> {
  const session = await openSession((await build(quant)).wasm as BufferSource);
  let compared = 0;
  for (const run of ['slide_rand', 'slide_walk']) {
    const result = compareStream(session, readNpy(bytes(at, `${run}.seq.npy`)), readNpy(bytes(at, `${run}.winout.npy`)), 1);
    assert.is(result.differing, 0, `${run} at hop ${quant.plan.hop}`);
    assert.ok(result.rows > 0);
    compared += result.outputs;
  }
  return compared;
}

(folder ? test : test.skip)('keyword spotting at hop 1: a tenth more work saves most of the state', () => {
  const graph = readTflite(bytes(folder as string, 'mlperf-tiny/kws_ref_model', 'model.tflite'));
  const [work, balanced, ram] = preferences.map((prefer) => planStream(graph, { hop: 1, prefer }));
  assert.ok(work && balanced && ram);
  assert.is(work.macsPerHop, 1_041_408);
  assert.ok(balanced.stateBytes <= 18_000 && work.stateBytes > 3 * balanced.stateBytes, `${balanced.stateBytes} bytes`);
  assert.ok(balanced.macsPerHop <= 1.1 * work.macsPerHop, `${balanced.macsPerHop} MACs`);
  assert.ok(ram.stateBytes < balanced.stateBytes);
  assert.is(planStream(graph, { hop: 1 }).stateBytes, balanced.stateBytes);
});

async function paper(name: string, graph: Graph, hop: number, windows: number, minRatio = 1) {
  const prefer = minRatio > 1 ? 'work' : 'balanced';
  const quant = quantPlan(planStream(graph, { hop, mode: 'edge-exact', prefer }));
  const { plan } = quant;
  if (minRatio > 1) assert.is(quantPlan(planStream(graph, { hop })).plan.mode, 'edge-exact');
  const { wasm, memory } = await build(quant);
  const exports = instantiate(wasm);
  poisonMemory(exports, memory);
  exports.rn_reset();
  const frame = frameOf(graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
  const rnd = random(hop);
  const signal = Int8Array.from({ length: (plan.window + (windows - 1) * hop) * frame }, () => Math.floor(256 * rnd()) - 128);
  let n = 0;
  let checked = 0;
  for (const got of pushAll(exports, quant, signal, [hop])) {
    // the first and the last windows, and some in between
    if (n < 3 || n % 7 === 0 || n >= windows - 3) {
      const window = signal.subarray(n * hop * frame, (n * hop + plan.window) * frame);
      assert.is(differing(runWindow(quant, window).outputs, got), 0, `${name} window ${n} at hop ${hop}`);
      checked++;
    }
    n++;
  }
  assert.is(n, windows);
  assert.ok(untouchedPastEnd(exports, memory));
  const ratio = plan.macsPerWindow / plan.macsPerHop;
  assert.ok(ratio >= minRatio, `${ratio} times less work`);
  console.log(
    `  ${name} hop ${hop}: ${plan.phases} phases, ${checked} windows equal, ${ratio.toFixed(2)} times less work, state ${memory.state.bytes} B`,
  );
  return quant;
}

test('f_PPG, zero-padded, equals the windowed model at hops 64, 250, 159, 63 and 60, also with its embedding as an output', async () => {
  await paper('f_PPG', fPpg(1), 64, 10, 1.6);
  await paper('f_PPG', fPpg(2, true), 64, 6, 1.6);
  await paper('f_PPG', fPpg(3, true), 250, 4);
  await paper('f_PPG', fPpg(4, true), 159, 6);
  await paper('f_PPG', fPpg(5, true), 63, 20);
  await paper('f_PPG', fPpg(6, true), 60, 8);
});

test('in a fully convolutional network the work and the buffers of a hop do not depend on the window', async () => {
  const [short, long] = await Promise.all(
    [960, 1920].map(async (window) => {
      const quant = quantPlan(planStream(fullyConvolutional(window), { hop: 160 }));
      return { plan: quant.plan, ...(await build(quant)) };
    }),
  );
  assert.ok(short && long);
  assert.is(long.plan.macsPerHop, short.plan.macsPerHop);
  assert.is(long.memory.scratch.bytes, short.memory.scratch.bytes);
  const queue = (b: typeof long) => b.plan.layout?.choice.ahead ?? 0;
  assert.is(queue(long) - queue(short), 6, 'waiting windows: one per hop of the window');
  assert.is(long.memory.state.bytes - short.memory.state.bytes, 6 * 32 * 4, 'one accumulator per waiting window');
});

test('f_EEG, zero-padded, equals the windowed model at hops 256, 250, 159, 63 and 60', async () => {
  await paper('f_EEG', fEeg(1), 256, 9, 3.6);
  await paper('f_EEG', fEeg(2), 250, 10);
  await paper('f_EEG', fEeg(3), 159, 12);
  await paper('f_EEG', fEeg(4), 63, 20);
  await paper('f_EEG', fEeg(5), 60, 20);
});

test('f_ACC, zero-padded, equals the windowed model at hops 160, 250, 159, 63 and 60, also with its embedding as an output', async () => {
  const { plan } = await paper('f_ACC', fAcc(1), 160, 8, 5.5);
  assert.is(
    plan.steps.find(({ kind }) => kind === 'fold')?.stateBytes,
    6144,
    'the head: 5 accumulators and a running total of 256 channels',
  );
  await paper('f_ACC', fAcc(2, true), 160, 3, 5.5);
  await paper('f_ACC', fAcc(3, true), 159, 3);
  await paper('f_ACC', fAcc(4), 250, 4);
  await paper('f_ACC', fAcc(5), 63, 6);
  await paper('f_ACC', fAcc(6), 60, 6);
});

test.run();
