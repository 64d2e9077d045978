/**
 * vad as the demo and its tests run it: sound in, a score every 20 ms out, and the truth beside a recording.
 *
 * In: models/zoo/vad (ONNX, calibration rows), a recording.  Out: an int8 graph, a module that takes sound,
 * scores of both arithmetics, frames that are right. Output n judges the 20 ms in the middle of its window.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { BuildOptions } from '../../assembly/build.ts';
import type { Graph } from '../../models/graph/types.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { type Segment, SegmentDetector, type Session } from '../session/index.ts';
import { quantiseValue } from '../session/quantise.ts';
import { openSource } from '../sources/index.ts';
import { frontEnd, rateHz, realRows } from './kws-model.ts';
import { floatScores, openInt8, readFloat as readZooModel, zooArray, toInt8 as zooInt8 } from './zoo.ts';

export { frontEnd, rateHz };
/** Rows of the front end from one output to the next. */
export const hop = 1;
/** The state of the network goes on from output to output. */
export const mode = 'stream';
/** Choices for speech: a sentence is one segment, a click is none. */
export const rule = { cutoff: 0.6, release: 0.35, shortestMs: 150, gapMs: 300 };
/** Above this a single score says that somebody speaks. */
export const threshold = 0.5;

export const readFloat = (): Promise<Graph> => readZooModel('vad', 'vad.onnx');

export const toInt8 = (graph: Graph): Graph => zooInt8(graph, hop, zooArray('vad', 'calib.npy').data as Float32Array, mode);

/** One module from sound to scores. */
export const openSound = (int8: Graph, options: BuildOptions = {}) =>
  openInt8(int8, { hop, mode }, { target: 'interp', ...options, frontEnd });

/**
 * All of a recording, resampled to 16 kHz, its channels mixed: int16 [samples].
 * @throws RN720 and others of sources
 */
export async function readSound(path: string): Promise<Int16Array> {
  const source = await openSource(path, { frameElements: 1, sampleRateHz: rateHz, resample: true, sound: true });
  const parts: number[] = [];
  for await (const chunk of source.frames) for (const x of chunk) parts.push(quantiseValue(x, 1 / 32768, 0, 32767));
  return Int16Array.from(parts);
}

/** Scores of the float network over a recording, in floating point. */
export const floatVoice = (graph: Graph, pcm: Int16Array): number[] =>
  floatScores(graph, hop, realRows(featureRows(frontEnd, pcm)), mode).map((s) => s[0] as number);

/** Where the stretch of signal begins that output n judges, and how long it is, milliseconds. */
export const stretchOf = ({ hop: step, window }: Session, n: number) => ({
  startMs: (1000 * (n * step + (window - step) / 2)) / rateHz,
  stepMs: (1000 * step) / rateHz,
});

/** Segments of scores that are all there. */
export function segmentsOf(session: Session, scores: readonly number[]): Segment[] {
  const detector = new SegmentDetector({ ...rule, stepMs: stretchOf(session, 0).stepMs });
  const found = scores.map((score, n) => detector.push(score, stretchOf(session, n).startMs));
  return [...found, detector.finish()].filter((s) => s !== undefined);
}

interface Span {
  /** Seconds. */
  start: number;
  end: number;
}

/** Where somebody speaks; unclear spans count neither way. */
export interface Truth {
  speech?: Span[];
  unclear?: Span[];
}

/** The truth that lies beside a recording, NAME.json beside NAME.wav. */
export function truthOf(path: string): Truth | undefined {
  const beside = path.replace(/\.wav$/i, '.json');
  return beside !== path && existsSync(beside) ? (JSON.parse(readFileSync(beside, 'utf8')) as Truth) : undefined;
}

/** Frames whose middle lies in a segment and in speech, or in neither. */
export function framesRight(session: Session, outputs: number, segments: readonly Segment[], truth: Truth) {
  const within = (spans: readonly Span[] | undefined, at: number) => spans?.some((s) => at >= s.start && at < s.end) ?? false;
  const spans = segments.map(({ startMs, endMs }) => ({ start: startMs / 1000, end: endMs / 1000 }));
  let [right, all] = [0, 0];
  for (let n = 0; n < outputs; n++) {
    const { startMs, stepMs } = stretchOf(session, n);
    const at = (startMs + stepMs / 2) / 1000;
    if (within(truth.unclear, at)) continue;
    all++;
    if (within(spans, at) === within(truth.speech, at)) right++;
  }
  return { right, all };
}
