/**
 * npm run demo:kws: detects ten words in a minute of sound, from the ONNX file to live detections.
 *
 * In: models/zoo/kws (float ONNX, calibration rows, a synthesised minute with its script).  Out: plan,
 * module, detections next to the script, cost; out/kws.wasm and out/kws.svg. On a terminal a live line shows
 * the newest scores.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../assembly/build.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planSummary } from '../../models/report/print.ts';
import { planStream } from '../../models/stream/plan.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { quantPlan } from '../../quant/plan.ts';
import { coloursFor, reportError } from '../command/args.ts';
import { bundleFacts } from '../command/bundle-facts.ts';
import { manifestFields } from '../command/load.ts';
import { producer } from '../command/producer.ts';
import { sparkline } from '../report/sparkline.ts';
import { type Detection, LabelDetector, openSession, type Session } from '../session/index.ts';
import { quantile } from '../statistics.ts';
import { byteLines, workLine } from './cost.ts';
import { highest } from './kws-accuracy.ts';
import { labels } from './kws-clips.ts';
import { count, latest, type Word } from './kws-detect.ts';
import {
  channels,
  endSample,
  frontEnd,
  hop,
  hopSeconds,
  openSound,
  rateHz,
  readFloat,
  readWav,
  root,
  toInt8,
  zoo,
} from './kws-model.ts';
import { plotKws } from './kws-plot.ts';

const colour = coloursFor(process.stdout);
const say = (text = '') => process.stdout.write(`${text}\n`);
const step = (n: number, text: string) => say(`\n${colour.bold(`${n}. ${text}`)}`);
const seconds = (s: number) => `${s.toFixed(2)} s`.padStart(8);

/** Overwrites the live line on stderr, if that is a terminal. */
const live = (text: string) => process.stderr.isTTY && process.stderr.write(`\r\x1b[2K${text}`);

interface Script {
  words: (Word & { voice: string })[];
  distractors: { text: string; start: number; end: number }[];
  sentences: { text: string; start: number; end: number }[];
}

/** Describes the entry of the script at a time. */
function saidAt(script: Script, at: number): string {
  const word = script.words.find((w) => at >= w.start && at <= w.end + latest);
  if (word) return `said ${word.word} from ${word.start.toFixed(2)} to ${word.end.toFixed(2)} s, voice ${word.voice}`;
  const other = [...script.distractors, ...script.sentences].find((o) => at >= o.start && at <= o.end + latest);
  return other ? `said: ${other.text}` : 'nothing is said';
}

/** Measures the median microseconds of a hop of the network without the front end. */
async function timeHops(int8: Graph, mode: 'stream' | 'windowed', rows: Int8Array): Promise<number> {
  const session = await openSession((await build(quantPlan(planStream(int8, { hop, mode })))).wasm as BufferSource);
  const times: number[] = [];
  for (let at = 0; at + hop * channels <= rows.length; at += hop * channels) {
    const before = performance.now();
    session.push(rows.subarray(at, at + hop * channels));
    times.push(1000 * (performance.now() - before));
  }
  return quantile(times.slice(50), 0.5);
}

/** Results of streaming the sound: one entry per output; `hopUs` one per hop of the front end. */
interface Streamed {
  /** End of each output's window in seconds. */
  times: number[];
  scores: Float32Array[];
  heard: Detection[];
  /** Microseconds of each push, including the front end. */
  hopUs: number[];
}

/** Streams the sound; prints each detection with the script's entry. */
function streamDemo(session: Session, detector: LabelDetector, pcm: Int16Array, script: Script): Streamed {
  const [times, scores, heard, hopUs]: [number[], Float32Array[], Detection[], number[]] = [[], [], [], []];
  for (let at = 0; at < pcm.length; at += session.hop) {
    const before = performance.now();
    const due = session.push(pcm.subarray(at, at + session.hop));
    hopUs.push(1000 * (performance.now() - before));
    if (!due) continue;
    const values = session.output().slice();
    const when = endSample(session.outputIndex) / rateHz;
    times.push(when);
    scores.push(values);
    if (scores.length % 12 === 0) live(`${seconds(when)}  ${sparkline(values, labels.length)}  ${labels[highest(values)]}`);
    const detection = detector.push(values, 1000 * when);
    if (!detection) continue;
    heard.push(detection);
    live('');
    say(heardLine(detection, when, script));
  }
  live('');
  return { times, scores, heard, hopUs };
}

/** Formats a detection with the script's entry. @param when its time in seconds */
function heardLine({ label, probability }: Detection, when: number, script: Script): string {
  const right = script.words.some((w) => w.word === label && when >= w.start && when <= w.end + latest);
  const mark = right ? colour.green('heard') : colour.red('heard');
  return `  ${seconds(when)}  ${mark} ${colour.bold(label.padEnd(6))} ${probability.toFixed(2)}   ${saidAt(script, when)}`;
}

function accuracyText({ hits, missed, falseAccepts }: ReturnType<typeof count>, script: Script, samples: number): string {
  const distractors = script.distractors.length + script.sentences.length;
  return `${hits} of ${script.words.length} words heard, ${missed.length} missed, ${falseAccepts.length} false accepts in ${(samples / rateHz).toFixed(0)} s (with ${distractors} other words and sentences)`;
}

/** Describes the times of the network's hop and whole window, and of a hop with the front end. */
async function timeText(int8: Graph, pcm: Int16Array, hopUs: readonly number[]): Promise<string> {
  const rows = featureRows(frontEnd, pcm.subarray(0, 10 * rateHz));
  const [network, window] = await Promise.all([timeHops(int8, 'stream', rows), timeHops(int8, 'windowed', rows)]);
  const all = quantile(hopUs.slice(50), 0.5);
  return `${network.toFixed(0)} us a hop of ${(1000 * hopSeconds).toFixed(0)} ms, against ${window.toFixed(0)} us for the whole window: ${(window / network).toFixed(2)} times faster (target interp, this machine); ${all.toFixed(0)} us with the front end`;
}

async function main(): Promise<void> {
  say(colour.bold('Runlet demo: detecting ten words in a minute of sound, streamed in int8'));
  step(1, 'Read models/zoo/kws/kws.onnx and plan');
  const graph = await readFloat('kws.onnx');
  for (const line of planSummary(planStream(graph, { hop }), 50)) say(`  ${line}`);

  step(2, 'Quantise with calib.npy and build one WebAssembly module, the front end inside');
  const started = performance.now();
  const int8 = toInt8(graph);
  const { bundle, session } = await openSound(int8, { producer: producer(), ...manifestFields(graph) });
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(join(root, 'out/kws.wasm'), bundle.wasm);
  say(`  ${((performance.now() - started) / 1000).toFixed(1)} s -> out/kws.wasm`);

  step(3, 'Stream demo.wav: a minute of sentences and words, all of them synthesised');
  const pcm = readWav(join(zoo, 'demo.wav'));
  const script = JSON.parse(readFileSync(join(zoo, 'demo.json'), 'utf8')) as Script;
  const detector = new LabelDetector(bundle.manifest, 1000 * hopSeconds);
  const { times, scores, heard, hopUs } = streamDemo(session, detector, pcm, script);
  const result = count(script.words, heard);
  for (const { word, start } of result.missed) say(`  ${seconds(start)}  ${colour.red('missed')} ${word}`);
  const [title, wrong] = ['kws on demo.wav: int8, streamed', new Set(result.falseAccepts)];
  const svg = await plotKws({ title, pcm, rateHz, times, scores, labels, words: script.words, heard, wrong });
  writeFileSync(join(root, 'out/kws.svg'), svg);

  step(4, 'What it cost');
  const time = await timeText(int8, pcm, hopUs);
  const facts = bundleFacts(bundle.wasm, bundle.manifest);
  const summary: [string, string][] = [
    ['accuracy', accuracyText(result, script, pcm.length)],
    workLine(facts),
    ['time', time],
    ...byteLines(facts),
  ];
  for (const [name, text] of summary) say(`  ${name.padEnd(11)} ${text}`);
  say('\n  The plot is out/kws.svg; models/zoo/kws/card.md has the accuracy on real people. Another demo:  npm run demo:ppg');
}

await main().catch((error) => reportError(error, false));
