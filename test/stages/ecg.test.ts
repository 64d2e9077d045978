/**
 * The zoo's ecg: the scores of PyTorch, the beats of the demo, and the streamed module against the int8
 * reference.
 *
 * With the records (shared/data/mitdb-mlii): 30 minutes through the compiled module. Every output is compared
 * with the reference over the whole signal, and every RUNLET_ECG_EVERY-th (default 250) also with the
 * reference on its window. The beats of both must be equal.
 */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addBeats,
  beatsOf,
  emptyTable,
  figuresOf,
  hop,
  kindWeights,
  readRecords,
  sampleOf,
  window,
} from '../../host/demo/ecg-records.ts';
import { floatScores, moduleScores, openInt8, readFloat, toInt8, zooArray, zooFile } from '../../host/demo/zoo.ts';
import { dequantiseValue } from '../../host/session/quantise.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { quantiseSignal } from '../../quant/report.ts';
import { differing } from '../property/harness.ts';
import { shared } from '../shared.ts';

const every = Number(process.env.RUNLET_ECG_EVERY ?? 250);
const calibration = () => zooArray('ecg', 'calib.npy').data as Float32Array;
const none = { scale: 1, zeroPoint: 0 };

test('ecg.onnx gives the scores of PyTorch on its golden windows, and streams exactly', async () => {
  const graph = await readFloat('ecg', 'ecg.onnx');
  const windows = zooArray('ecg', 'golden-in.npy').data as Float32Array;
  const expected = zooArray('ecg', 'golden-out.npy').data as Float32Array;
  const found: number[] = [];
  for (let n = 0; n < 8; n++) {
    const [scores] = floatScores(graph, hop, windows.slice(n * window, (n + 1) * window));
    found.push(...(scores as Float32Array));
  }
  assert.is(found.length, 40);
  assert.ok(Math.max(...found.map((v, i) => Math.abs(v - (expected[i] as number)))) < 1e-4);
  const plan = planStream(graph, { hop });
  assert.equal([plan.mode, plan.warmUpHops, plan.leftContextFrames, plan.delayFrames], ['stream', 0, 0, 0]);
});

test('demo.csv: the simulated beats are found', async () => {
  const int8 = toInt8(await readFloat('ecg', 'ecg.onnx'), hop, calibration());
  const { session } = await openInt8(int8, { hop });
  const rows = readFileSync(zooFile('ecg', 'demo.csv'), 'utf8').trim().split('\n').slice(1);
  const values = rows.map((line) => line.split(',').map(Number));
  const marks = values.flatMap((v, n): [number, number][] => ((v[2] as number) > 0 ? [[n, (v[2] as number) - 1]] : []));
  const signal = Float32Array.from(values, (v) => v[1] as number);
  const scores = moduleScores(session, signal);
  const counts = emptyTable();
  addBeats(counts, beatsOf(signal, scores, kindWeights()), marks, scores.length);
  const { accuracy, sensitivity, precision } = figuresOf(counts);
  assert.ok(accuracy > 0.97, `${accuracy}`);
  assert.ok((sensitivity[2] as number) > 0.9 && (precision[2] as number) > 0.9, `${sensitivity} ${precision}`);
});

test('on a record of 30 minutes the module gives the bytes and the beats of the windowed int8 model', async () => {
  const folder = shared('data', 'mitdb-mlii');
  if (!folder) return;
  const record = readRecords(folder).find((r) => r.name === '119');
  assert.ok(record && record.signal.length === 325000);
  const { signal, marks, fold } = record;
  const int8 = toInt8(await readFloat('ecg', `folds/fold-${fold}.onnx`), hop, calibration());
  const quant = quantPlan(planStream(int8, { hop }));
  const windowed = quantPlan(planStream(int8, { hop, mode: 'windowed' }));
  const stored = quantiseSignal(signal, int8.tensors[int8.inputs[0]?.tensor ?? -1]?.quant ?? none);
  const { session } = await openInt8(int8, { hop });
  const got: Int8Array[] = [];
  session.pushAll(stored, () => got.push((session.outputRaw() as Int8Array).slice()));
  assert.is(got.length, Math.floor((signal.length - window) / hop) + 1);
  let [outputs, windows, differ] = [0, 0, 0];
  const expected: Int8Array[] = [];
  for (const { index, outputs: reference } of runSignal(quant, stored)) {
    differ += differing(reference, [got[index] as Int8Array]);
    expected.push(reference[0] as Int8Array);
    outputs++;
    if (index % every !== 0) continue;
    differ += differing(runWindow(windowed, stored.slice(index * hop, index * hop + window)).outputs, [got[index] as Int8Array]);
    windows++;
  }
  assert.is(outputs, got.length);
  const q = int8.tensors[int8.outputs[0]?.tensor ?? -1]?.quant ?? none;
  const real = (raw: Int8Array[]) => raw.map((s) => Float32Array.from(s, (v) => dequantiseValue(v, q.scale, q.zeroPoint)));
  const beats = beatsOf(signal, real(got), kindWeights(fold));
  assert.equal(beats, beatsOf(signal, real(expected), kindWeights(fold)));
  const counts = emptyTable();
  addBeats(counts, beats, marks, got.length);
  const { sensitivity, precision } = figuresOf(counts);
  console.log(
    `  ${outputs} outputs, ${windows} of them compared with windows: ${differ} bytes differ; ${beats.length} beats, V sensitivity ${(100 * (sensitivity[2] as number)).toFixed(1)} %, precision ${(100 * (precision[2] as number)).toFixed(1)} %`,
  );
  assert.is(differ, 0);
  assert.ok(beats.length > 1900 && sampleOf(beats.at(-1)?.answer ?? 0) > 320000);
  assert.ok((sensitivity[2] as number) > 0.9 && (precision[2] as number) > 0.9);
});

test.run();
