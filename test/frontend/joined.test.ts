/**
 * A front end and a network in one module: in every mode and both styles the outputs equal those of the two
 * references in sequence.
 *
 * With ../shared/models: microWakeWord's models run on recorded sound, against TensorFlow Lite Micro's
 * outputs on the recordings' features.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession, readManifest, selfTest } from '../../host/session/index.ts';
import { isRunletError } from '../../models/error.ts';
import { fitFrontEnd } from '../../models/frontend/fit.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { clockOf } from '../../models/graph/clock.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { makeNetwork, type NetworkSpec } from '../property/random-network.ts';
import { shared } from '../shared.ts';
import { generator, int8Of, madeSignals, wavSamples } from './signals.ts';

const micro = presetParameters('micro');

/** Returns a small front end with the number of channels of the networks below. */
const small = (channels: number): FrontEnd =>
  makeFrontEnd({
    ...micro,
    name: 'small',
    windowSamples: 96,
    stepSamples: 40,
    channels,
    lowerHz: 200,
    upperHz: 7000,
    pcan: false,
    log: { scaleShift: 4 },
    output: { ...micro.output, multiply: 1, add: 0, divide: 1, scale: 0.06 },
  });

const conv = { kind: 'conv', kernel: 3, stride: 1, dilation: 1, channels: 3, groups: 1, fn: 'tanh', relu: true } as const;
const spec = (padding: 'same' | 'causal' | 'valid', window: number, stride = 1): NetworkSpec => ({
  ...{ seed: 5, window, features: 1, channels: 2, head: 'globalavg', hopSteps: 1, micro: 1 },
  layers: [
    { ...conv, padding, stride },
    { ...conv, padding, kernel: 4 },
  ],
});

const networks: [name: string, graph: Graph, options: PlanOptions][] = [
  ['edge-exact', makeNetwork(spec('same', 20)), { hop: 5, mode: 'edge-exact' }],
  ['partial results', makeNetwork(spec('causal', 24)), { hop: 8, mode: 'stream', microHop: 4 }],
  ['hop 1', makeNetwork(spec('valid', 16)), { hop: 1 }],
  ['windowed', makeNetwork(spec('same', 12)), { hop: 7, mode: 'windowed' }],
  ['misaligned', makeNetwork(spec('valid', 20, 2)), { hop: 3, mode: 'misaligned' }],
];

for (const [name, graph, options] of networks)
  test(`${name}: both styles equal the references for pieces of any length, pass the self-test and exchange snapshots`, async () => {
    const quant = quantPlan(planStream(graph, options));
    const given = small(2);
    const frontEnd = fitFrontEnd(graph, given);
    assert.ok(frontEnd.remap, "the network's scale differs");
    const samples = (madeSignals().bursts as Int16Array).subarray(0, 8000);
    const expected = [...runSignal(quant, featureRows(frontEnd, samples))].map(({ outputs }) => outputs.map((o) => [...o]));
    assert.ok(expected.length > 10 && new Set(expected.map(String)).size > 3);
    const sessions = [];
    for (const style of ['calls', 'table'] as const) {
      const { wasm, manifest } = await build(quant, { style, frontEnd: given });
      const { hop, window } = manifest;
      assert.equal([hop, window], [quant.plan.hop * 40, (quant.plan.window - 1) * 40 + 96]);
      assert.equal(readManifest(wasm), manifest);
      const session = await openSession(wasm as BufferSource);
      assert.ok((await selfTest(session)).ok, `${style}: golden`);
      for (let round = 0; round < 2; round++) {
        session.reset();
        const next = generator(round + 3);
        const found: number[][][] = [];
        for (let at = 0; at < samples.length; ) {
          const count = Math.min(samples.length - at, 1 + (next() % hop));
          if (session.push(samples.subarray(at, at + count)))
            found.push(expected[0]?.map((_, i) => [...session.outputRaw(i)]) ?? []);
          at += count;
          const left = (quant.plan.delayFrames + quant.plan.warmUpHops * quant.plan.hop) * 40 + window - at;
          if (left > 0) assert.is(found.length, 0);
        }
        assert.equal(found, expected, style);
      }
      sessions.push(session);
    }
    const [calls, table] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
    assert.is(calls.manifest.stateDigest, table.manifest.stateDigest);
    calls.reset();
    calls.pushAll(samples.subarray(0, 5001), () => {});
    table.restore(calls.snapshot());
    const rest = [calls, table].map((session) => {
      const found: number[] = [];
      session.pushAll(samples.subarray(5001), () => found.push(...session.outputRaw()));
      return found;
    });
    assert.equal(rest[0], rest[1]);
    assert.equal(calls.snapshot(), table.snapshot());
  });

test('a front end that does not fit is refused, and nearly equal scales are not remapped', () => {
  const refused = (graph: Graph, frontEnd: FrontEnd): string => {
    try {
      fitFrontEnd(graph, frontEnd);
      return 'accepted';
    } catch (error) {
      return isRunletError(error) ? `${error.code} ${error.parts.why}` : String(error);
    }
  };
  const graph = makeNetwork(spec('valid', 16));
  assert.match(refused(graph, small(3)), /RN507 a frame is \[1\]\[2\], and a row has 3/);
  const withScale = (scale: number, zeroPoint: number, hostType: 'int8' | 'float32' = 'int8'): Graph => ({
    ...graph,
    inputs: graph.inputs.map((p) => ({ ...p, hostType })),
    tensors: graph.tensors.map((t, i) => (i === graph.inputs[0]?.tensor ? { ...t, quant: { scale, zeroPoint } } : t)),
  });
  const frontEnd = small(2);
  const { scale } = frontEnd.output;
  assert.match(refused(withScale(scale * 60, 0), frontEnd), /RN507 only \d of the 256 values of a feature stay distinct/);
  assert.is(fitFrontEnd(withScale(scale * 1.003, -128), frontEnd).remap, undefined);
  assert.ok(fitFrontEnd(withScale(scale * 1.003, -128, 'float32'), frontEnd).remap);
  assert.ok(fitFrontEnd(withScale(scale, -127), frontEnd).remap);
  const doubled = fitFrontEnd(withScale(scale * 2, -128), frontEnd).remap as Int8Array;
  assert.equal([doubled[0], doubled[1], doubled[2], doubled[255]], [-128, -127, -127, 0]);
});

const models = shared('models', 'mww');
const audio = shared('audio');
if (models && audio)
  for (const model of ['v2/okay_nabu', 'v2/hey_jarvis', 'v2/vad', 'v1/okay_nabu'])
    test(`${model} on sound gives the outputs for the recorded features`, async () => {
      const bytes = new Uint8Array(readFileSync(join(models, model, 'model.tflite')));
      const graph = await readModel(bytes);
      const quant = quantPlan(planStream(graph, { hop: clockOf(graph).window }));
      // recordings of audio/ with recorded features
      const runs = readdirSync(audio)
        .filter((f) => f.endsWith('.features-10ms.s8'))
        .map((f) => f.replace('.features-10ms.s8', ''));
      let outputs = 0;
      for (const style of ['calls', 'table'] as const) {
        const sessions = new Map<number, Awaited<ReturnType<typeof openSession>>>();
        for (const name of runs) {
          const folder = join(models, model);
          const file = readdirSync(folder).find((f) => f === `audio_${name}.in0.npy`);
          if (!file) continue;
          const [x, want] = [int8Of(join(folder, file)), int8Of(join(folder, file.replace('in0', 'out0')))];
          // finds the step of the run by its features
          const step = [160, 320].find((s) => {
            const ms = s / 16;
            const rows = int8Of(join(audio, `${name}.features-${ms}ms.s8`));
            return x.length <= rows.length && x.every((v, i) => v === rows[i]);
          });
          assert.ok(step, `${file}: features of 10 or 20 ms`);
          const session =
            sessions.get(step) ??
            (await openSession(
              (
                await build(quant, { style, frontEnd: makeFrontEnd({ ...micro, stepSamples: step }) })
              ).wasm as BufferSource,
            ));
          sessions.set(step, session);
          session.reset();
          const found: number[] = [];
          session.pushAll(wavSamples(join(audio, `${name}.wav`)), () => found.push(...session.outputRaw()));
          const shift = session.manifest.outputs[0]?.hostType === 'uint8' ? 128 : 0;
          assert.ok(found.length >= want.length);
          assert.equal(
            found.slice(0, want.length).map((v) => (v + shift) & 255),
            Array.from(want, (v) => v & 255),
            `${name}, ${style}`,
          );
          outputs += want.length;
        }
      }
      assert.ok(outputs > 0, 'a recording was run');
      console.log(`  ${model}: ${outputs} outputs from sound, 0 differ`);
    });

test.run();
