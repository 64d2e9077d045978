/**
 * npm run demo:ecg: beats and their kinds out of an ECG, from the ONNX file to beats as they come.
 *
 * In: models/zoo/ecg (float ONNX, calibration signal, two simulated minutes with their beats).  Out: plan, module, the trace with what was found below it,
 * beats against the script, what streaming saved. Writes out/ecg.wasm.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planStream } from '../../models/stream/plan.ts';
import { planSummary } from '../../models/stream/print.ts';
import { coloursFor, reportError } from '../cli/args.ts';
import { bundleFacts } from '../cli/bundle-facts.ts';
import { manifestFields } from '../cli/load.ts';
import { producer } from '../cli/producer.ts';
import { braillePlot } from '../report/sparkline.ts';
import { byteLines, workLine } from './cost.ts';
import { addBeats, beatsOf, classes, emptyTable, figuresOf, hop, kindWeights, rateHz, sampleOf } from './ecg-records.ts';
import { openInt8, readFloat, root, toInt8, zooArray, zooFile } from './zoo.ts';

const colour = coloursFor(process.stdout);
const say = (text = '') => process.stdout.write(`${text}\n`);
const step = (n: number, text: string) => say(`\n${colour.bold(`${n}. ${text}`)}`);
/** Characters and seconds of a line of the trace. */
const [columns, lineS] = [100, 10];

/** A line with the names of beats under their places. */
function marksLine(beats: readonly [sample: number, beatClass: number][], from: number): string {
  const line = new Array<string>(columns).fill(' ');
  for (const [sample, beatClass] of beats) {
    const at = Math.floor(((sample - from) / rateHz / lineS) * columns);
    if (at < 0 || at >= columns) continue;
    const name = classes[beatClass] as string;
    line[at] = name === 'V' ? colour.red(colour.bold(name)) : name === 'N' ? colour.dim(name) : colour.yellow(name);
  }
  return line.join('').trimEnd();
}

async function main(): Promise<void> {
  say(colour.bold('Runlet demo: beats out of an ECG, streamed in int8'));
  step(1, 'Read models/zoo/ecg/ecg.onnx and plan');
  const graph = await readFloat('ecg', 'ecg.onnx');
  for (const line of planSummary(planStream(graph, { hop }), rateHz)) say(`  ${line}`);

  step(2, 'Quantise with calib.npy and build one WebAssembly module');
  const int8 = toInt8(graph, hop, zooArray('ecg', 'calib.npy').data as Float32Array);
  const { session, bundle } = await openInt8(int8, { hop }, { target: 'interp', producer: producer(), ...manifestFields(graph) });
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(join(root, 'out/ecg.wasm'), bundle.wasm);
  say('  -> out/ecg.wasm');

  step(3, 'Stream demo.csv: two simulated minutes, ventricular beats (V) among normal ones (N)');
  const rows = readFileSync(zooFile('ecg', 'demo.csv'), 'utf8').trim().split('\n').slice(1);
  const values = rows.map((line) => line.split(',').map(Number));
  const signal = Float32Array.from(values, (v) => v[1] as number);
  const truth = values.flatMap((v, n): [number, number][] => ((v[2] as number) > 0 ? [[n, (v[2] as number) - 1]] : []));
  const scores: Float32Array[] = [];
  const began = performance.now();
  session.pushAll(signal, () => scores.push(Float32Array.from(session.output())));
  const beats = beatsOf(signal, scores, kindWeights());
  const spentMs = performance.now() - began;
  const found = beats.map((b): [number, number] => [sampleOf(b.answer), b.beatClass]);
  const lineSamples = lineS * rateHz;
  for (let from = 0; from < 6 * lineSamples; from += lineSamples) {
    say();
    const trace = braillePlot(signal.subarray(from, from + lineSamples), { columns, rows: 4 });
    trace.forEach((line, i) => {
      say(`  ${(i === 0 ? `${from / rateHz} s` : '').padStart(5)}  ${colour.cyan(line)}`);
    });
    const axis = (trace[0] as string).indexOf('│') + 1;
    say(`  found  ${' '.repeat(axis)}${marksLine(found, from)}`);
  }

  step(4, 'What it cost');
  const counts = emptyTable();
  addBeats(counts, beats, truth, scores.length);
  const { accuracy, sensitivity, precision } = figuresOf(counts);
  const facts = bundleFacts(bundle.wasm, bundle.manifest);
  const percent = (x: number | undefined) => (100 * (x ?? 0)).toFixed(1);
  const summary: [string, string][] = [
    [
      'beats',
      `${percent(accuracy)} % of ${counts
        .slice(0, 4)
        .flat()
        .reduce(
          (a, b) => a + b,
          0,
        )} are found as what they are; of V ${percent(sensitivity[2])} %, with a precision of ${percent(precision[2])} %`,
    ],
    workLine(facts),
    [
      'time',
      `${((1000 * spentMs) / scores.length).toFixed(0)} us a hop of ${((1000 * hop) / rateHz).toFixed(0)} ms (target interp, this machine)`,
    ],
    ...byteLines(facts),
  ];
  for (const [name, text] of summary) say(`  ${name.padEnd(11)} ${text}`);
  say('\n  models/zoo/ecg/card.md says how good the network is on people. Not a medical device.');
}

await main().catch((error) => reportError(error, false));
