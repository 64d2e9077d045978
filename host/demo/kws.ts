/**
 * npm run demo: ten words out of a minute of sound, from the ONNX file to detections as they happen.
 *
 * In: models/zoo/kws (float ONNX, calibration rows, a synthesised minute with its script).  Out: plan, module, detections with their times against
 * the script, what streaming saved. Writes out/kws.wasm and out/kws.svg. On a terminal a live line shows the newest scores.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../assembly/build.ts';
import { planStream } from '../../models/stream/plan.ts';
import { planSummary } from '../../models/stream/print.ts';
import { quantPlan } from '../../quant/plan.ts';
import { coloursFor, reportError } from '../cli/args.ts';
import { bundleFacts } from '../cli/bundle-facts.ts';
import { manifestFields } from '../cli/load.ts';
import { producer } from '../cli/producer.ts';
import { quantile } from '../report/statistics.ts';
import { bytesText } from '../report/table.ts';
import { type Detection, LabelDetector, openSession } from '../session/index.ts';
import { count, latest, type Word } from './kws-detect.ts';
import { endSample, hop, hopSeconds, Listener, rateHz, readFloat, readWav, root, toInt8, zoo } from './kws-model.ts';
import { plotKws } from './kws-plot.ts';

const colour = coloursFor(process.stdout);
const say = (text = '') => process.stdout.write(`${text}\n`);
const step = (n: number, text: string) => say(`\n${colour.bold(`${n}. ${text}`)}`);
const seconds = (s: number) => `${s.toFixed(2)} s`.padStart(8);

interface Script {
  words: (Word & { voice: string })[];
  distractors: { text: string; start: number; end: number }[];
  sentences: { text: string; start: number; end: number }[];
}

/** What the script says around a time. */
function saidAt(script: Script, at: number): string {
  const word = script.words.find((w) => at >= w.start && at <= w.end + latest);
  if (word) return `said ${word.word} from ${word.start.toFixed(2)} to ${word.end.toFixed(2)} s, voice ${word.voice}`;
  const other = [...script.distractors, ...script.sentences].find((o) => at >= o.start && at <= o.end + latest);
  return other ? `said: ${other.text}` : 'nothing is said';
}

async function main(): Promise<void> {
  say(colour.bold('Runlet demo: ten words out of a minute of sound, streamed in int8'));
  step(1, 'Read models/zoo/kws/kws.onnx and plan');
  const graph = await readFloat('kws.onnx');
  const fields = manifestFields(graph);
  for (const line of planSummary(planStream(graph, { hop }), fields.sampleRateHz)) say(`  ${line}`);

  step(2, 'Quantise with calib.npy and build one WebAssembly module');
  const started = performance.now();
  const int8 = toInt8(graph);
  const bundle = await build(quantPlan(int8, { hop }), { producer: producer(), shrink: true, ...fields });
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(join(root, 'out/kws.wasm'), bundle.wasm);
  say(`  ${((performance.now() - started) / 1000).toFixed(1)} s -> out/kws.wasm`);

  step(3, 'Stream demo.wav: a minute of sentences and words, all of them synthesised');
  const pcm = readWav(join(zoo, 'demo.wav'));
  const script = JSON.parse(readFileSync(join(zoo, 'demo.json'), 'utf8')) as Script;
  const session = await openSession(bundle.wasm as BufferSource);
  const listener = new Listener(session);
  const detector = new LabelDetector(bundle.manifest, 1000 * hopSeconds);
  const heard: Detection[] = [];
  const [times, scores, hopUs]: [number[], Float32Array[], number[]] = [[], [], []];
  let before = performance.now();
  const chunk = hop * 320;
  for (let at = 0; at < pcm.length; at += chunk) {
    before = performance.now();
    listener.push(pcm.subarray(at, at + chunk), (n) => {
      hopUs.push(1000 * (performance.now() - before));
      const values = session.output().slice();
      times.push(endSample(n) / rateHz);
      scores.push(values);
      const detection = detector.push(values, (1000 * endSample(n)) / rateHz);
      if (!detection) return;
      heard.push(detection);
      const when = detection.timeMs / 1000;
      const right = script.words.some((w) => w.word === detection.label && when >= w.start && when <= w.end + latest);
      const mark = right ? colour.green('heard') : colour.red('heard');
      say(
        `  ${seconds(when)}  ${mark} ${colour.bold(detection.label.padEnd(6))} ${detection.probability.toFixed(2)}   ${saidAt(script, when)}`,
      );
    });
  }
  const result = count(script.words, heard);
  for (const { word, start } of result.missed) say(`  ${seconds(start)}  ${colour.red('missed')} ${word}`);
  const svg = await plotKws({
    title: 'kws on demo.wav: int8, streamed',
    pcm,
    rateHz,
    times,
    scores,
    labels: bundle.manifest.labels ?? [],
    words: script.words,
    heard,
    wrong: new Set(result.falseAccepts),
  });
  writeFileSync(join(root, 'out/kws.svg'), svg);

  step(4, 'What it cost');
  const windowed = await openSession((await build(quantPlan(int8, { hop, mode: 'windowed' }))).wasm as BufferSource);
  const whole: number[] = [];
  new Listener(windowed).push(pcm.subarray(0, 10 * rateHz), () => {}, whole);
  const alone: number[] = [];
  session.reset();
  new Listener(session).push(pcm.subarray(0, 10 * rateHz), () => {}, alone);
  const facts = bundleFacts(bundle.wasm, bundle.manifest);
  const distractors = script.distractors.length + script.sentences.length;
  const [network, window, all] = [alone, whole, hopUs].map((t) => quantile(t.slice(20), 0.5)) as [number, number, number];
  const summary: [string, string][] = [
    [
      'accuracy',
      `${result.hits} of ${script.words.length} words heard, ${result.missed.length} missed, ${result.falseAccepts.length} false accepts in ${(pcm.length / rateHz).toFixed(0)} s (with ${distractors} other words and sentences)`,
    ],
    [
      'work saved',
      `${facts.macsPerHop.toLocaleString('en')} instead of ${facts.macsPerWindow.toLocaleString('en')} multiply-adds an answer: ${(facts.macsPerWindow / facts.macsPerHop).toFixed(2)} times less`,
    ],
    [
      'time',
      `${network.toFixed(0)} us a hop of ${(1000 * hopSeconds).toFixed(0)} ms, against ${window.toFixed(0)} us for the whole window: ${(window / network).toFixed(2)} times faster (scalar kernels, this machine); ${all.toFixed(0)} us with the front end`,
    ],
    [
      'file',
      `${bytesText(facts.fileBytes)}: code ${bytesText(facts.codeBytes)}, weights ${bytesText(facts.weightBytes)}, tables ${bytesText(facts.tableBytes)}, manifest ${bytesText(facts.manifestBytes)}`,
    ],
    [
      'memory',
      `${facts.memoryBytes.toLocaleString('en')} bytes, fixed: weights and tables ${(facts.weightBytes + facts.tableBytes).toLocaleString('en')}, state ${facts.stateBytes}, scratch ${facts.scratchBytes}, io and padding ${facts.ioBytes + facts.paddingBytes}`,
    ],
  ];
  for (const [name, text] of summary) say(`  ${name.padEnd(11)} ${text}`);
  say(
    '\n  The plot is out/kws.svg; models/zoo/kws/card.md says how good the network is on people. The other demo:  npm run demo:ppg',
  );
}

await main().catch((error) => reportError(error, false));
