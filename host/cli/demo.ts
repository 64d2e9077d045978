/**
 * runlet demo: finds the beats in an ECG and their kinds, starting from an ONNX file.
 *
 * In: models/zoo/ecg (float ONNX, calibration signal, two simulated minutes with their beats).
 * Out: the trace with the found beats, a comparison with the true beats, and the work that streaming saves.
 * Writes out/ecg.wasm in the current folder.
 */
import { join, relative } from 'node:path';
import { planStream } from '../../models/stream/plan.ts';
import { bytesText } from '../bytes-text.ts';
import { coloursFor, printJson } from '../command/args.ts';
import { bundleFacts } from '../command/bundle-facts.ts';
import { jsonArg } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { defineVerb } from '../command/verb.ts';
import { compile } from '../compile.ts';
import {
  addBeats,
  beatsOf,
  classes,
  emptyTable,
  figuresOf,
  hop,
  kindWeights,
  rateHz,
  readDemo,
  sampleOf,
} from '../demo/ecg-records.ts';
import { readFloat, zooArray, zooFile } from '../demo/zoo.ts';
import { braillePlot } from '../report/sparkline.ts';
import { openSession } from '../session/index.ts';
import { writeOut } from './save.ts';

/** Seconds per line of the trace, and number of lines. */
const [lineS, lines] = [6, 2];

const count = (n: number) => n.toLocaleString('en');

type Found = [sample: number, beatClass: number][];

/** Returns the first sample of the stretch with the most ventricular beats. */
function mostVentricular(signal: Float32Array, found: Found): number {
  const samples = lines * lineS * rateHz;
  const starts = Array.from({ length: Math.floor(signal.length / samples) }, (_, n) => n * samples);
  const count = (from: number) => found.filter(([at, c]) => classes[c] === 'V' && at >= from && at < from + samples).length;
  return starts.reduce((best, from) => (count(from) > count(best) ? from : best), 0);
}

/** Draws the trace in two lines, and under each line the kinds of its beats. */
function traceText(signal: Float32Array, found: Found): string[] {
  const colour = coloursFor(process.stdout);
  const columns = Math.max(40, Math.min(100, (process.stdout.columns ?? 80) - 18));
  const samples = lineS * rateHz;
  const start = mostVentricular(signal, found);
  return Array.from({ length: lines }, (_, n) => start + n * samples).flatMap((from) => {
    const trace = braillePlot(signal.subarray(from, from + samples), { columns, rows: 4 });
    const axis = (trace[0] as string).indexOf('│') + 1;
    const marks = new Array<string>(columns).fill(' ');
    for (const [sample, beatClass] of found) {
      const at = Math.floor(((sample - from) / samples) * columns);
      const name = classes[beatClass] as string;
      if (at >= 0 && at < columns) marks[at] = name === 'V' ? colour.red(colour.bold(name)) : colour.dim(name);
    }
    return [
      ...trace.map((line, i) => `${(i === 0 ? `${from / rateHz} s` : '').padStart(5)} ${colour.cyan(line)}`),
      `found ${' '.repeat(axis)}${marks.join('').trimEnd()}`,
      '',
    ];
  });
}

async function measured() {
  const graph = await readFloat('ecg', 'ecg.onnx');
  const calibration = zooArray('ecg', 'calib.npy').data as Float32Array;
  // style table needs no compiler, so the demo starts quickly
  const bundle = await compile(graph, { hop, calibration, producer: producer() });
  const session = await openSession(bundle.wasm as BufferSource);
  const { signal, truth } = readDemo();
  const scores: Float32Array[] = [];
  const began = performance.now();
  session.pushAll(signal, () => scores.push(Float32Array.from(session.output())));
  const spentMs = performance.now() - began;
  const beats = beatsOf(signal, scores, kindWeights());
  const counts = emptyTable();
  addBeats(counts, beats, truth, scores.length);
  const judged = counts
    .slice(0, 4)
    .flat()
    .reduce((a, b) => a + b, 0);
  const right = classes.reduce((sum, _, c) => sum + (counts[c]?.[c] ?? 0), 0);
  return {
    plan: planStream(graph, { hop }),
    bundle,
    signal,
    found: beats.map((b): [number, number] => [sampleOf(b.answer), b.beatClass]),
    facts: bundleFacts(bundle.wasm, bundle.manifest),
    beats: { right, judged, ventricular: counts[2]?.reduce((a, b) => a + b, 0) ?? 0, ...figuresOf(counts) },
    answers: scores.length,
    microsecondsPerHop: (1000 * spentMs) / scores.length,
  };
}

export default defineVerb({
  examples: [['demo', 'finds beats in two simulated minutes of ECG, and shows the cost']],
  args: jsonArg,
  async run({ args }) {
    const { plan, bundle, signal, found, facts, beats, answers, microsecondsPerHop } = await measured();
    const output = join('out', 'ecg.wasm');
    await writeOut(output, bundle.wasm);
    if (args.json) return printJson({ output, beats, answers, microsecondsPerHop, ...facts });
    const colour = coloursFor(process.stdout);
    const say = (text = '') => process.stdout.write(`${text}\n`);
    const hopMs = (1000 * hop) / rateHz;
    say(colour.bold('Beats in an ECG, found by an int8 network that streams'));
    say(
      `The network looks at a window of ${(plan.window / rateHz).toFixed(1)} s every ${hopMs.toFixed(0)} ms.\n${lines * lineS} s of two simulated minutes:\n`,
    );
    for (const line of traceText(signal, found)) say(line);
    say(
      `${colour.dim('N')} is a normal beat, ${colour.red(colour.bold('V'))} a ventricular one. The network tells them apart.\n`,
    );
    const summary: [string, string][] = [
      [
        'beats',
        `${beats.right} of ${beats.judged} found with the right kind; ${beats.ventricular} of ${beats.judged} are ventricular`,
      ],
      [
        'work',
        `${count(facts.macsPerHop)} multiply-adds per answer instead of ${count(facts.macsPerWindow)}: ${(facts.macsPerWindow / facts.macsPerHop).toFixed(0)} times less`,
      ],
      ['time', `${microsecondsPerHop.toFixed(0)} us on this machine for each answer, which is due every ${hopMs.toFixed(0)} ms`],
      [
        'module',
        `${bytesText(facts.fileBytes)}, of which ${bytesText(facts.weightBytes)} are weights and ${bytesText(facts.codeBytes)} code`,
      ],
      ['memory', `${count(facts.memoryBytes)} bytes in total, known at build time`],
    ];
    for (const [name, text] of summary) say(`${name.padEnd(8)} ${text}`);
    say(`\nThe module is ${output}. To play the same signal on a web page:`);
    say(`  runlet page ${output} ${relative('.', zooFile('ecg', 'demo.csv'))}`);
    say('The network was trained on public and simulated recordings.');
    say('It is not a medical device.');
  },
});
