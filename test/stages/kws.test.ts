/**
 * The zoo's kws in all sizes: the scores of PyTorch, the rows of the front end, and the streamed module
 * against the reference on every output of the demo's minute.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { foldsOf } from '../../host/demo/kws-clips.ts';
import { count, detect } from '../../host/demo/kws-detect.ts';
import { channels, frontEnd, hop, readFloat, readWav, realRows, rows, sizes, toInt8, zoo } from '../../host/demo/kws-model.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { differing, instantiate, poisonMemory, pushAll, untouchedPastEnd } from '../property/harness.ts';

const npy = (name: string) => readNpy(new Uint8Array(readFileSync(join(zoo, name)))).data;
const signal = featureRows(frontEnd, readWav(join(zoo, 'demo.wav')));

for (const size of sizes)
  test(`kws${size}.onnx gives the scores of PyTorch on its golden windows`, async () => {
    const graph = await readFloat(`kws${size}.onnx`);
    const stored = npy('golden-in.npy') as Int8Array;
    const expected = npy(`golden-out${size}.npy`) as Float32Array;
    const plan = planStream(graph, { hop: rows, mode: 'windowed' });
    const found = [...executeStream(plan, floatBlock(plan, realRows(stored)), floatRunner)];
    assert.is(found.length, 8);
    const worst = Math.max(
      ...found.flatMap(({ outputs }, n) =>
        Array.from(outputs[0] ?? [], (v, i) => Math.abs(v - (expected[12 * n + i] as number))),
      ),
    );
    assert.ok(worst < 1e-4, `${worst}`);
  });

test('the training recipe and the front end compute the same rows of demo.wav', () => {
  const expected = npy('golden-rows.npy') as Int8Array;
  const pcm = readWav(join(zoo, 'demo.wav')).subarray(
    0,
    (expected.length / channels - 1) * frontEnd.stepSamples + frontEnd.windowSamples,
  );
  assert.equal(featureRows(frontEnd, pcm), expected);
});

test('the plan is mode stream and exact, and the input has the zero point of the front end and steps that are no wider', async () => {
  const graph = await readFloat('kws.onnx');
  const plan = planStream(graph, { hop });
  assert.is(plan.mode, 'stream');
  assert.is(plan.warmUpHops, 0);
  assert.is(plan.leftContextFrames + plan.delayFrames, 0);
  const int8 = toInt8(graph);
  const { scale, zeroPoint } = int8.tensors[int8.inputs[0]?.tensor ?? -1]?.quant ?? {};
  assert.is(zeroPoint, frontEnd.output.zeroPoint);
  assert.ok((scale as number) > 0 && (scale as number) <= frontEnd.output.scale, `${scale}`);
});

for (const size of sizes)
  test(`kws${size}, demo.wav: the stream, the reference and single windows give the same bytes`, async () => {
    const int8 = toInt8(await readFloat(`kws${size}.onnx`));
    const quant = quantPlan(planStream(int8, { hop }));
    const windowed = quantPlan(planStream(int8, { hop, mode: 'windowed' }));
    const { wasm, memory } = await build(quant);
    const exports = instantiate(wasm);
    poisonMemory(exports, memory);
    exports.rn_reset();
    const got = pushAll(exports, quant, signal, [2, 2, 1, 1, 2, 1]);
    let compared = 0;
    for (const { index, outputs } of runSignal(quant, signal)) {
      assert.is(differing(outputs, got.next().value as Int8Array[]), 0, `output ${index}`);
      if (index % 50 === 0) {
        const from = index * hop * channels;
        assert.is(
          differing(outputs, runWindow(windowed, signal.slice(from, from + rows * channels)).outputs),
          0,
          `window ${index}`,
        );
      }
      compared++;
    }
    assert.is(compared, Math.floor((signal.length / channels - rows) / hop) + 1);
    assert.is(got.next().done, true);
    assert.ok(untouchedPastEnd(exports, memory));
  });

test('folds: no speaker is in two, the sizes are similar, and the order is that of the speakers’ digests', () => {
  const speakers = Array.from({ length: 400 }, (_, i) => `speaker${i % 90}`);
  const where = foldsOf(speakers);
  assert.is(where.size, 90);
  const filled = [0, 1, 2, 3, 4].map((f) => speakers.filter((s) => where.get(s) === f).length);
  assert.ok(Math.max(...filled) - Math.min(...filled) <= 5, `${filled}`);
  assert.equal(foldsOf([...speakers].reverse()), where);
});

test('hits and false accepts are decided by label and time, and a detection counts once', () => {
  const words = [
    { word: 'yes', start: 1, end: 1.5 },
    { word: 'no', start: 3, end: 3.4 },
  ];
  const at = (label: string, s: number) => ({ label, timeMs: 1000 * s, probability: 0.9 });
  const result = count(words, [at('yes', 1.6), at('yes', 1.7), at('no', 2.9), at('go', 3.5)]);
  assert.is(result.hits, 1);
  assert.equal(result.missed, [words[1]]);
  assert.equal(
    result.falseAccepts.map((d) => [d.label, d.timeMs]),
    [
      ['yes', 1700],
      ['no', 2900],
      ['go', 3500],
    ],
  );
});

test('scores give no detection below the cutoff, and one if the mean is above it', async () => {
  const { manifest } = await build(quantPlan(planStream(toInt8(await readFloat('kws.onnx')), { hop })));
  const quiet = Float32Array.from({ length: 12 }, (_, i) => (i === 0 ? 1 : 0));
  const yes = Float32Array.from({ length: 12 }, (_, i) => (i === 2 ? 1 : 0));
  const rule = { cutoff: 0.8, slidingWindow: 4, refractoryMs: 1000 };
  assert.equal(detect(manifest, new Array(50).fill(quiet), rule), []);
  const heard = detect(manifest, [...new Array(20).fill(quiet), ...new Array(8).fill(yes), ...new Array(20).fill(quiet)], rule);
  assert.equal(
    heard.map((d) => d.label),
    ['yes'],
  );
});

test.run();
