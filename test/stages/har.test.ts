/**
 * The zoo's har: the scores of PyTorch, the outputs for the demos, and streamed modules against windows of
 * the int8 reference (every RUNLET_HAR_EVERY-th output, default 5).
 *
 * With the recordings (shared/data/har-uji): accuracy on the held-out subjects of fold 0, and the same bytes
 * over their streams.
 */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Device, frameOf, hop, readSubjects, window } from '../../host/demo/har-recordings.ts';
import { confusionOf, floatScores, moduleScores, openInt8, readFloat, toInt8, zooArray, zooFile } from '../../host/demo/zoo.ts';
import { maxOf } from '../../models/lists.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { quantiseSignal } from '../../quant/report.ts';
import { differing } from '../property/harness.ts';
import { shared } from '../shared.ts';

const axes = 6;
const every = Number(process.env.RUNLET_HAR_EVERY ?? 5);
const calibration = (device: Device) => zooArray('har', `calib-${device}.npy`).data as Float32Array;
const share = (counts: number[][]) =>
  counts.reduce((sum, row, i) => sum + (row[i] as number), 0) / counts.flat().reduce((a, b) => a + b, 0);

/** Returns the output bytes of a streamed module, and those of the int8 reference for each window. */
async function bytesOf(graph: Awaited<ReturnType<typeof readFloat>>, device: Device, signal: Float32Array) {
  const int8 = toInt8(graph, hop, calibration(device));
  const { session } = await openInt8(int8, { hop });
  const stored = quantiseSignal(signal, int8.tensors[int8.inputs[0]?.tensor ?? -1]?.quant ?? { scale: 1, zeroPoint: 0 });
  const windowed = quantPlan(planStream(int8, { hop, mode: 'windowed' }));
  let [answers, differ] = [0, 0];
  session.pushAll(stored, (n) => {
    if (answers++ % every !== 0) return;
    const own = stored.slice(n * hop * axes, (n * hop + window) * axes);
    differ += differing(runWindow(windowed, own).outputs, [session.outputRaw() as Int8Array]);
  });
  assert.is(answers, Math.floor((signal.length / axes - window) / hop) + 1);
  return { answers, differ, session };
}

/**
 * The networks. least: the accuracy of the committed network of fold 0 (npm run eval:har) minus half a
 * percentage point.
 */
const networks: { name: string; device: Device; least: number }[] = [
  { name: 'watch', device: 'watch', least: 0.925 },
  { name: 'phone', device: 'phone', least: 0.915 },
  { name: 'watch-small', device: 'watch', least: 0.9173 },
  { name: 'watch-tiny', device: 'watch', least: 0.9046 },
];

for (const { name, device, least } of networks) {
  test(`har-${name}.onnx gives the scores of PyTorch on its golden windows, and streams exactly`, async () => {
    const graph = await readFloat('har', `har-${name}.onnx`);
    const windows = zooArray('har', `golden-in-${device}.npy`).data as Float32Array;
    const expected = zooArray('har', `golden-out-${name}.npy`).data as Float32Array;
    const found = floatScores(graph, window, windows).flatMap((s) => [...s]);
    assert.is(found.length, 40);
    assert.ok(maxOf(found.map((v, i) => Math.abs(v - (expected[i] as number)))) < 1e-4);
    const plan = planStream(graph, { hop });
    assert.equal([plan.mode, plan.warmUpHops, plan.leftContextFrames, plan.delayFrames], ['stream', 0, 0, 0]);
  });

  test(`har-${name}, demo-${device}.csv: the stream equals windows of the reference, and nine of ten outputs are the simulated activity`, async () => {
    const graph = await readFloat('har', `har-${name}.onnx`);
    const rows = readFileSync(zooFile('har', `demo-${device}.csv`), 'utf8')
      .trim()
      .split('\n')
      .slice(1);
    const values = rows.map((line) => line.split(',').map(Number));
    const signal = Float32Array.from(values.flatMap((v) => v.slice(1, 7)));
    const { differ, session } = await bytesOf(graph, device, signal);
    assert.is(differ, 0);
    const counts = confusionOf(moduleScores(session, signal), (n) => values[frameOf(n)]?.[7] as number, 5);
    assert.ok(share(counts) > 0.9, `${share(counts)}`);
  });

  test(`har-${name}: the stream of held-out subjects equals the reference, with the accuracy of the card`, async () => {
    const folder = shared('data', 'har-uji');
    if (!folder) return;
    const graph = await readFloat('har', `folds/${name}-0.onnx`);
    const kept = readSubjects(folder, device).filter((s) => s.fold === 0);
    assert.equal(
      kept.map((s) => s.name),
      ['s01', 's07', 's12', 's18'],
    );
    let [right, float, all, differ] = [0, 0, 0, 0];
    for (const { signal, labels } of kept) {
      const labelOf = (n: number) => labels[frameOf(n)] as number;
      const found = await bytesOf(graph, device, signal);
      differ += found.differ;
      all += found.answers;
      right += found.answers * share(confusionOf(moduleScores(found.session, signal), labelOf, 5));
      float += found.answers * share(confusionOf(floatScores(graph, hop, signal), labelOf, 5));
    }
    console.log(
      `  ${all} answers: float ${((100 * float) / all).toFixed(2)} %, int8 ${((100 * right) / all).toFixed(2)} %; ${differ} bytes differ`,
    );
    assert.is(differ, 0);
    assert.ok(right / all > least, `${right / all}`);
    assert.ok(Math.abs(right - float) / all < 0.01);
  });
}

test.run();
