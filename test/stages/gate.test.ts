/**
 * The zoo's vad-small wakes its kws: sparse speech and continuous speech, synthesised by espeak-ng from a
 * seed. While the gate is open, all scores equal those of a kws that never sleeps; the detections are the
 * same; and the work is counted in multiply-adds of the manifests.
 *
 * Counts: RUNLET_GATE_MINUTES of sparse speech and of recorded words (default 4), and a twelfth of it, at
 * least one minute, of continuous speech; seed RUNLET_SEED (default 1). Skipped without espeak-ng, or without
 * the recordings.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import { manifestFields } from '../../host/command/load.ts';
import { readClips } from '../../host/demo/kws-clips.ts';
import { hasEspeak, type Line, readTalk, spoken } from '../../host/demo/kws-speech.ts';
import { readFloat, toInt8, zooArray, zooFile } from '../../host/demo/zoo.ts';
import { LabelDetector, Listener, type ListeningModel, openSession, type SleepCount } from '../../host/session/index.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { planStream } from '../../models/stream/plan.ts';
import { uniform } from '../../models/xorshift.ts';
import { quantPlan } from '../../quant/plan.ts';
import { shared } from '../shared.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const minutes = Number(process.env.RUNLET_GATE_MINUTES ?? 4);
const [rateHz, stepSamples] = [16000, 320];
const words = ['yes', 'no', 'up', 'down', 'left', 'right', 'on', 'off', 'stop', 'go'];
const frontEndWasm = (await buildFrontEnd(makeFrontEnd({ ...presetParameters('log-mel'), stepSamples }))).wasm as BufferSource;

async function bundle(folder: string, name: string, hop: number, mode?: 'stream'): Promise<BufferSource> {
  const int8 = toInt8(await readFloat(folder, `${name}.onnx`), hop, zooArray(folder, 'calib.npy').data as Float32Array, mode);
  const quant = quantPlan(planStream(int8, { hop, mode }));
  return (await build(quant, { target: 'simd', ...manifestFields(int8) })).wasm as BufferSource;
}
const [kwsWasm, vadWasm] = [await bundle('kws', 'kws', 2), await bundle('vad', 'vad-small', 1, 'stream')];

/** Yields a word every 40 s on average; one in three is followed by a sentence 40 s later. */
function* sparse(talk: readonly Line[], draw: () => number): Generator<Line> {
  for (;;) {
    const voice = talk[Math.floor(draw() * talk.length)] as Line;
    const pause_ms = String(Math.round(20_000 + 40_000 * draw()));
    yield { ...voice, text: words[Math.floor(draw() * words.length)] as string, pause_ms };
    if (draw() < 1 / 3) yield { ...voice, pause_ms };
  }
}

function* continuous(talk: readonly Line[], draw: () => number): Generator<Line> {
  for (;;) yield { ...(talk[Math.floor(draw() * talk.length)] as Line), pause_ms: String(Math.round(250 * draw())) };
}

/** Yields each line spoken, with its pause. */
function* speech(lines: Generator<Line>): Generator<Int16Array> {
  let n = seed;
  for (const line of lines) yield* spoken([line], n++);
}

/** Yields recorded words in random order, each with a pause of 20 to 60 s. */
function* recorded(folder: string): Generator<Int16Array> {
  const draw = uniform(seed);
  const clips = readClips(folder).filter(({ label }) => label > 1);
  for (;;) {
    const { pcm } = clips[Math.floor(draw() * clips.length)] as (typeof clips)[number];
    const piece = new Int16Array(pcm.length + Math.round((20 + 40 * draw()) * rateHz));
    piece.set(pcm);
    yield piece;
  }
}

/** Yields `seconds` of the sound, with noise of 30 least significant bits below it. */
function* soundOf(pieces: Generator<Int16Array>, seconds: number): Generator<Int16Array> {
  const noise = uniform(seed + 1);
  for (let left = seconds * rateHz; left > 0; ) {
    const x = (pieces.next().value as Int16Array).slice(0, left);
    for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) + Math.floor(60 * noise()) - 30;
    left -= x.length;
    yield x;
  }
}

interface Run {
  scores: Map<number, string>;
  heard: string[];
  sleep?: SleepCount;
}

interface Pair {
  run: Run;
  listener: Listener;
  kws: ListeningModel;
}

/** Opens kws alone, or behind vad. */
async function open(gated: boolean): Promise<Pair> {
  const frontEnd = await openSession(frontEndWasm);
  const [kwsSession, vadSession] = [await openSession(kwsWasm), await openSession(vadWasm)];
  const { manifest, hop } = kwsSession;
  const detector = new LabelDetector(manifest, (1000 * hop * stepSamples) / rateHz);
  const kws: ListeningModel = { name: 'kws', session: kwsSession, frontEnd, detector };
  if (gated) kws.gate = { by: 'vad', output: 0, element: 0, threshold: 0.5, orEqual: false };
  const run: Run = { scores: new Map(), heard: [] };
  const listener = new Listener(gated ? [kws, { name: 'vad', session: vadSession, frontEnd }] : [kws], rateHz, {
    output({ name, session }) {
      if (name === 'kws') run.scores.set(session.outputIndex, Buffer.from(session.outputRaw()).toString('latin1'));
    },
    heard: (_, { label, timeMs }) => run.heard.push(`${label} ${timeMs}`),
  });
  return { run, listener, kws };
}

/** Multiply-adds with the gate, as a share of those of kws alone. */
const share = ({ kws, listener }: Pair, vadMacs: number): number => {
  const sleep = listener.sleepOf(kws) as SleepCount;
  const { macsPerHop } = kws.session.manifest;
  return ((sleep.framesRun / 2) * macsPerHop + sleep.frames * vadMacs) / ((sleep.frames / 2) * macsPerHop);
};

/** Runs both on the same sound and compares the scores. @returns the share of work, and both runs */
async function compare(
  pieces: Generator<Int16Array>,
  seconds: number,
): Promise<{ work: number; alone: Run; gated: Run; sleep: SleepCount }> {
  const [alone, gated] = [await open(false), await open(true)];
  for (const x of soundOf(pieces, seconds)) for (const { listener } of [alone, gated]) listener.push(x);
  const sleep = gated.listener.sleepOf(gated.kws) as SleepCount;
  let differing = 0;
  for (const [n, bytes] of gated.run.scores) if (alone.run.scores.get(n) !== bytes) differing++;
  assert.is(differing, 0, 'scores while open');
  assert.is(gated.run.scores.size, sleep.wanted);
  assert.is(alone.run.scores.size, sleep.wanted + sleep.unwanted);
  const work = share(gated, (await openSession(vadWasm)).manifest.macsPerHop);
  console.log(
    `  ${seconds} s: opened ${sleep.opened} times, ${sleep.wanted} scores, ${differing} differ; ${((100 * sleep.framesRun) / sleep.frames).toFixed(2)} % of kws, ` +
      `${(100 * work).toFixed(2)} % with vad (${(1 / work).toFixed(2)} times less); heard ${gated.run.heard.length} with the gate, ${alone.run.heard.length} without`,
  );
  return { work, alone: alone.run, gated: gated.run, sleep };
}

const talk = () => readTalk(zooFile('kws', 'talk.csv'));
const spoke = hasEspeak() ? test : test.skip;

spoke(`sparse speech, ${minutes} min: the same scores and detections for a quarter of the work`, async () => {
  const draw = uniform(seed);
  const { work, alone, gated, sleep } = await compare(speech(sparse(talk(), draw)), 60 * minutes);
  assert.ok(sleep.opened > minutes / 2 && gated.heard.length > minutes / 4, `${gated.heard}`);
  assert.ok(work <= 1 / 4, `${work}`);
  assert.equal(gated.heard, alone.heard);
});

const clips = shared('data', 'gsc12-test');
(clips ? test : test.skip)(`recorded words, ${minutes} min: the same scores for a quarter of the work`, async () => {
  const { work, gated, sleep } = await compare(recorded(clips as string), 60 * minutes);
  assert.ok(sleep.opened > minutes / 2 && gated.heard.length > 0, `${gated.heard}`);
  assert.ok(work <= 1 / 4, `${work}`);
});

spoke('continuous speech: at most a twentieth more work than without a gate', async () => {
  const seconds = 60 * Math.max(1, minutes / 12);
  const { work, sleep } = await compare(speech(continuous(talk(), uniform(seed))), seconds);
  assert.ok(sleep.framesRun <= sleep.frames && sleep.framesRun > 0.8 * sleep.frames);
  assert.ok(work <= 1.05, `${work}`);
});

test.run();
