/**
 * npm run demo:vad [-- FILE.wav] [--small]: finds the segments of speech, from the ONNX file to each
 * segment's end.
 *
 * In: models/zoo/vad (float ONNX, calibration rows) and its half a minute of speech in noise, or FILE.wav;
 * FILE.json in the same folder may hold the truth (models/zoo/vad/judge.py). --small: vad-small.onnx.
 * Out: plan, module, segments, number of right frames, int8 compared with float, cost; out/vad.wasm. On a
 * terminal a live line shows the newest score.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { planSummary } from '../../models/report/print.ts';
import { planStream } from '../../models/stream/plan.ts';
import { coloursFor, reportError } from '../command/args.ts';
import { bundleFacts } from '../command/bundle-facts.ts';
import { manifestFields } from '../command/load.ts';
import { producer } from '../command/producer.ts';
import { fitLines } from '../report/wrap.ts';
import { type Segment, SegmentDetector, type Session } from '../session/index.ts';
import { quantile } from '../statistics.ts';
import { byteLines } from './cost.ts';
import {
  floatVoice,
  framesRight,
  hop,
  mode,
  openSound,
  rateHz,
  readFloat,
  readSound,
  rule,
  segmentsOf,
  stretchOf,
  threshold,
  toInt8,
  truthOf,
} from './vad-model.ts';
import { root, zooFile } from './zoo.ts';

const colour = coloursFor(process.stdout);
const say = (text = '') => process.stdout.write(`${fitLines(text, 80)}\n`);
const step = (n: number, text: string) => say(`\n${colour.bold(`${n}. ${text}`)}`);
const seconds = (ms: number) => (ms / 1000).toFixed(2).padStart(6);
const percent = (part: number, all: number) => `${((100 * part) / all).toFixed(1)} % of ${all.toLocaleString('en')}`;

/** Overwrites the live line on stderr, if that is a terminal. */
const live = (text: string) => process.stderr.isTTY && process.stderr.write(`\r\x1b[2K${text}`);

/** Pushes sound hop by hop, like a microphone. @param heard called for each segment when it has ended. */
function listen(session: Session, pcm: Int16Array, heard: (segment: Segment) => void) {
  const detector = new SegmentDetector({ ...rule, stepMs: stretchOf(session, 0).stepMs });
  const [scores, hopUs]: [number[], number[]] = [[], []];
  for (let at = 0; at < pcm.length; at += session.hop) {
    const before = performance.now();
    const due = session.push(pcm.subarray(at, at + session.hop));
    hopUs.push(1000 * (performance.now() - before));
    if (!due) continue;
    const score = session.output()[0] as number;
    const { startMs } = stretchOf(session, scores.length);
    scores.push(score);
    const segment = detector.push(score, startMs);
    if (scores.length % 5 === 0)
      live(`${seconds(startMs)} s  ${detector.active ? 'speech' : '      '}  ${'█'.repeat(Math.round(40 * score))}`);
    if (segment) heard(segment);
  }
  const last = detector.finish();
  if (last) heard(last);
  live('');
  return { scores, hopUs };
}

async function main(file: string, name: string): Promise<void> {
  const pcm = await readSound(file);
  say(colour.bold('Runlet demo: where somebody speaks, streamed in int8'));
  step(1, `Read models/zoo/vad/${name}.onnx and plan`);
  const graph = await readFloat(name);
  const plan = planStream(graph, { hop, mode });
  for (const line of planSummary(plan, 50)) say(`  ${line}`);

  step(2, 'Quantise with calib.npy and build one WebAssembly module, the front end inside');
  const { bundle, session } = await openSound(toInt8(graph), { producer: producer(), ...manifestFields(graph) });
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(join(root, `out/${name}.wasm`), bundle.wasm);
  say(`  -> out/${name}.wasm`);

  const stepMs = stretchOf(session, 0).stepMs;
  step(3, `Stream ${basename(file)}, ${stepMs} ms at a time`);
  const found: Segment[] = [];
  const { scores, hopUs } = listen(session, pcm, (segment) => {
    found.push(segment);
    live('');
    const { startMs, endMs, score } = segment;
    say(`  ${colour.green('speech')} ${seconds(startMs)} to ${seconds(endMs)} s, ${score.toFixed(2)} mean score`);
  });

  step(4, 'How good it is, and what it cost');
  const truth = truthOf(file);
  const float = floatVoice(graph, pcm);
  const same = scores.filter((score, n) => score >= threshold === (float[n] as number) >= threshold).length;
  const frames = (segments: readonly Segment[]) => {
    const { right, all } = framesRight(session, scores.length, segments, truth ?? {});
    return percent(right, all);
  };
  const facts = bundleFacts(bundle.wasm, bundle.manifest);
  const summary: [string, string][] = [
    ...(truth
      ? ([['accuracy', `${frames(found)} frames agree with the script; float: ${frames(segmentsOf(session, float))}`]] as [
          string,
          string,
        ][])
      : []),
    ['int8', `${percent(same, scores.length)} decisions equal those of the float network`],
    [
      'work',
      `${plan.macsPerHop.toLocaleString('en')} multiply-adds a hop, ${((plan.macsPerHop * 1000) / stepMs).toLocaleString('en')} a second`,
    ],
    [
      'time',
      `${quantile(hopUs.slice(50), 0.5).toFixed(0)} us a hop of ${stepMs} ms with the front end (target interp, this machine), for ${(pcm.length / rateHz).toFixed(0)} s of sound`,
    ],
    ...byteLines(facts),
  ];
  for (const [name, text] of summary) say(`  ${name.padEnd(11)} ${text}`);
  say('\n  models/zoo/vad/card.md has the accuracy of the network. Your recording:');
  say('  npm run demo:vad -- recording.wav');
}

const isSmall = process.argv.includes('--small');
const file = process.argv.slice(2).find((argument) => argument !== '--small') ?? zooFile('vad', 'demo.wav');
await main(file, isSmall ? 'vad-small' : 'vad').catch((error) => reportError(error, false));
