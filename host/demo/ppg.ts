/**
 * npm run demo:ppg: finds the heart rate in a PPG, from the ONNX file to an answer at every hop.
 *
 * In: models/zoo/ppg-hr (float ONNX, calibration signal, a simulated recording with its truth).  Out: plan,
 * quantisation of the layers, heart rate and truth over time, cost; out/ppg-hr.wasm and out/ppg-hr.svg.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, build } from '../../assembly/build.ts';
import { append, maxOf } from '../../models/lists.ts';
import { planSummary } from '../../models/report/print.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { coloursFor, reportError } from '../command/args.ts';
import { bundleFacts } from '../command/bundle-facts.ts';
import { manifestFields, planOptions } from '../command/load.ts';
import { producer } from '../command/producer.ts';
import { ppgFrontEnd } from '../features/ppg.ts';
import { plotRun } from '../report/plot.ts';
import { braillePlot } from '../report/sparkline.ts';
import { table } from '../report/table.ts';
import { openSession, type Session } from '../session/index.ts';
import { openSource } from '../sources/index.ts';
import { quantile } from '../statistics.ts';
import { byteLines, workLine } from './cost.ts';
import { readFloat, root, zooArray, zooFile } from './zoo.ts';

const colour = coloursFor(process.stdout);
const say = (text = '') => process.stdout.write(`${text}\n`);
const step = (n: number, text: string) => say(`\n${colour.bold(`${n}. ${text}`)}`);

/** Measures the median microseconds of a hop, streamed and windowed, alternately on the same frames. */
function timeHops(streamed: Session, windowed: Session, signal: Float32Array): [streamed: number, windowed: number] {
  const times: [number[], number[]] = [[], []];
  const sessions = [streamed, windowed];
  for (const s of sessions) s.reset();
  const { hop } = streamed;
  for (let at = 0; at + hop <= signal.length; at += hop) {
    const frames = signal.subarray(at, at + hop);
    sessions.forEach((session, i) => {
      const before = performance.now();
      session.push(frames);
      times[i]?.push(1000 * (performance.now() - before));
    });
  }
  return times.map((t) => quantile(t.slice(20), 0.5)) as [number, number];
}

/** Results of streaming a recording: one entry per output; `prepared` one per sample. */
interface Streamed {
  prepared: number[];
  /** End of each window in seconds. */
  times: number[];
  found: number[];
  truth: number[];
}

/** Formats a line of the table of answers. @param atSeconds end of the window */
function answerLine(atSeconds: number, bpm: number, real: number): string {
  const cells = [`${atSeconds.toFixed(0)} s`, bpm.toFixed(1), real.toFixed(1), (bpm - real).toFixed(1)];
  const bar = `${' '.repeat(Math.max(0, Math.round((bpm - 40) / 3)))}●`;
  return `  ${cells.map((cell) => cell.padStart(6)).join('  ')}   ${colour.cyan(bar)}`;
}

/** Streams demo.csv; prints every eighth answer. */
async function streamDemo(session: Session, rate: number): Promise<Streamed> {
  const source = await openSource(zooFile('ppg-hr', 'demo.csv'), { frameElements: 1, columns: ['ppg'], truth: 'bpm_true' });
  const frontEnd = ppgFrontEnd({ sampleRateHz: rate });
  const [prepared, times, found, truth]: [number[], number[], number[], number[]] = [[], [], [], []];
  say(`  ${'time'.padStart(6)}  ${'found'.padStart(6)}  ${'truth'.padStart(6)}  ${'error'.padStart(6)}   beats per minute`);
  for await (const chunk of source.frames) {
    const frames = chunk.map((sample) => frontEnd.push(sample));
    append(prepared, frames);
    session.pushAll(frames, (n) => {
      const end = n * session.hop + session.window;
      const bpm = session.output()[0] as number;
      const real = source.truth?.values[end - 1] ?? Number.NaN;
      times.push(end / rate);
      found.push(bpm);
      truth.push(real);
      if (found.length % 8 === 1) say(answerLine(end / rate, bpm, real));
    });
  }
  return { prepared, times, found, truth };
}

async function savePlot({ prepared, times, found, truth }: Streamed, rate: number): Promise<void> {
  const svg = await plotRun({
    title: 'ppg-hr on demo.csv: int8, streamed',
    input: [{ name: 'PPG after the front end', values: prepared }],
    inputRateHz: rate,
    outputs: [{ name: 'found', values: found }],
    truth: { name: 'truth', values: truth },
    times,
    unit: 'BPM',
  });
  writeFileSync(join(root, 'out/ppg-hr.svg'), svg);
}

/** Formats accuracy, work, time and memory of the run. */
function costLines({ found, truth }: Streamed, hopUs: number, windowUs: number, bundle: Bundle): [string, string][] {
  const errors = found.map((bpm, i) => Math.abs(bpm - (truth[i] as number)));
  const mae = errors.reduce((a, b) => a + b, 0) / errors.length;
  const facts = bundleFacts(bundle.wasm, bundle.manifest);
  return [
    ['accuracy', `mean absolute error ${mae.toFixed(2)} BPM over ${found.length} answers (largest ${maxOf(errors).toFixed(1)})`],
    workLine(facts),
    [
      'time',
      `${hopUs.toFixed(0)} us a hop, against ${windowUs.toFixed(0)} us for the whole window: ${(windowUs / hopUs).toFixed(2)} times faster (target interp, this machine)`,
    ],
    ...byteLines(facts),
  ];
}

async function main(): Promise<void> {
  say(colour.bold('Runlet demo: heart rate from a PPG, streamed in int8'));
  step(1, 'Read models/zoo/ppg-hr/ppg-hr.onnx and plan');
  const graph = await readFloat('ppg-hr', 'ppg-hr.onnx');
  const options = planOptions(graph, {});
  const fields = manifestFields(graph);
  const rate = fields.sampleRateHz ?? 32;
  for (const line of planSummary(planStream(graph, options), rate)) say(`  ${line}`);

  step(2, 'Quantise with calib.npy (9 minutes of simulated signal)');
  const calibration = zooArray('ppg-hr', 'calib.npy').data as Float32Array;
  const { graph: int8, report } = quantize(graph, calibration, options);
  const quant = quantPlan(planStream(int8, options));
  const rows = report.map((r) => [
    r.name,
    r.op,
    r.scale,
    r.zeroPoint,
    `${r.sqnrDb.toFixed(1)} dB`,
    `${(100 * r.clipped).toFixed(2)} %`,
  ]);
  say(table(rows, { head: ['tensor', 'op', 'scale', 'zero', 'SQNR', 'clipped'], colour: colour.isColorSupported, indent: 2 }));

  step(3, 'Build one WebAssembly module');
  const started = performance.now();
  const buildOptions = { producer: producer(), ...fields };
  const bundle = await build(quant, buildOptions);
  const buildSeconds = (performance.now() - started) / 1000;
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(join(root, 'out/ppg-hr.wasm'), bundle.wasm);
  say(`  built in ${buildSeconds.toFixed(1)} s -> out/ppg-hr.wasm`);

  step(4, 'Stream demo.csv: five minutes of simulated PPG with rest, exercise and recovery');
  const session = await openSession(bundle.wasm as BufferSource);
  const run = await streamDemo(session, rate);
  say('\n  heart rate found, beats per minute');
  for (const line of braillePlot(run.found, { columns: 70, rows: 6 })) say(`  ${line}`);
  await savePlot(run, rate);

  step(5, 'What it cost');
  const whole = await build(quantPlan(planStream(int8, { hop: options.hop, mode: 'windowed' })), buildOptions);
  const windowed = await openSession(whole.wasm as BufferSource);
  const [hopUs, windowUs] = timeHops(session, windowed, Float32Array.from(run.prepared));
  for (const [name, text] of costLines(run, hopUs, windowUs, bundle)) say(`  ${name.padEnd(11)} ${text}`);
  say(
    '\n  The plot is out/ppg-hr.svg. Run it yourself:  npx runlet run out/ppg-hr.wasm models/zoo/ppg-hr/demo.csv --truth bpm_true',
  );
}

await main().catch((error) => reportError(error, false));
