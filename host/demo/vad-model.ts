/**
 * The model vad for its demo and its tests: it takes sound and gives a score every 20 ms.
 *
 * In: models/zoo/vad (ONNX, calibration rows), a recording with its truth.  Out: an int8 graph, a module that
 * takes sound, float and int8 scores, the number of right frames. Output n describes the 20 ms in the middle
 * of its window.
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
/** The network keeps its state from output to output. */
export const mode = 'stream';
/** Chosen for speech: a sentence becomes one segment, a click none. */
export const rule = { cutoff: 0.6, release: 0.35, shortestMs: 150, gapMs: 300 };
/** Score from which a single frame counts as speech. */
export const threshold = 0.5;

/** @param name vad or vad-small */
export const readFloat = (name = 'vad'): Promise<Graph> => readZooModel('vad', `${name}.onnx`);

export const toInt8 = (graph: Graph): Graph => zooInt8(graph, hop, zooArray('vad', 'calib.npy').data as Float32Array, mode);

/** Builds and opens one module from sound to scores. */
export const openSound = (int8: Graph, options: BuildOptions = {}) =>
  openInt8(int8, { hop, mode }, { target: 'interp', ...options, frontEnd });

/** Reads a recording, resampled to 16 kHz and mixed: int16 [samples]. @throws RN720, errors of sources */
export async function readSound(path: string): Promise<Int16Array> {
  const source = await openSource(path, { frameElements: 1, sampleRateHz: rateHz, resample: true, sound: true });
  const parts: number[] = [];
  for await (const chunk of source.frames) for (const x of chunk) parts.push(quantiseValue(x, 1 / 32768, 0, 32767));
  return Int16Array.from(parts);
}

/** Scores of the float network for a recording. */
export const floatVoice = (graph: Graph, pcm: Int16Array): number[] =>
  floatScores(graph, hop, realRows(featureRows(frontEnd, pcm)), mode).map((s) => s[0] as number);

/** Start and length of the stretch of signal that output n describes, in milliseconds. */
export const stretchOf = ({ hop: step, window }: Session, n: number) => ({
  startMs: (1000 * (n * step + (window - step) / 2)) / rateHz,
  stepMs: (1000 * step) / rateHz,
});

/** Segments of a complete list of scores. */
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

/** True spans of speech; frames in unclear spans are not judged. */
export interface Truth {
  speech?: Span[];
  unclear?: Span[];
}

/** Reads the truth of NAME.wav from NAME.json in the same folder; undefined if there is none. */
export function truthOf(path: string): Truth | undefined {
  const truthPath = path.replace(/\.wav$/i, '.json');
  return truthPath !== path && existsSync(truthPath) ? (JSON.parse(readFileSync(truthPath, 'utf8')) as Truth) : undefined;
}

/** Counts the judged frames, and those whose middle is in a segment and in speech or in neither. */
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
