/**
 * ECG records for the evaluation of ecg, and how beats that were found are held against beats that are there.
 *
 * In: a folder with index.csv and dev/{record}_x.npy (int16, 1000 counts per mV, 180 Hz),
 * dev/{record}_beats.npy (int32 [n][2]: sample of the R mark, class 0 N 1 S 2 V 3 F 4 Q).  Out: mV, marks, a
 * fold per record (every fifth to the same); a table of what was found for what. A found beat and a true one
 * within 150 ms of each other are one, each used once, in the order of time. The same rules are in
 * models/zoo/ecg.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beatKinds, type KindWeights } from '../features/beat-kinds.ts';
import { type Beat, beatFinder } from '../features/beats.ts';
import { readNpy } from '../sources/npy.ts';
import { zooFile } from './zoo.ts';

export const folds = 5;
export const rateHz = 180;
export const hop = 8;
export const window = 1031;
export const classes = ['N', 'S', 'V', 'F'];
/** Samples from the one that an answer is about to the end of its window. */
export const delaySamples = 207;
const toleranceSamples = 27;
/**
 * Found beats that are further from any mark are not judged: ventricular flutter was not marked beat by beat.
 */
const gapSamples = 2 * rateHz;

/** The sample that an answer is about. */
export const sampleOf = (answer: number): number => window - 1 - delaySamples + hop * answer;

export interface Record {
  name: string;
  fold: number;
  signal: Float32Array;
  /** Sample and class of each beat. */
  marks: [sample: number, beatClass: number][];
}

export function readRecords(folder: string): Record[] {
  const load = (name: string) => readNpy(new Uint8Array(readFileSync(join(folder, 'dev', name)))).data;
  const lines = readFileSync(join(folder, 'index.csv'), 'utf8').trim().split('\n').slice(1);
  const names = lines
    .map((line) => line.split(','))
    .filter(([split, name]) => split === 'dev' && existsSync(join(folder, 'dev', `${name}_x.npy`)))
    .map(([, name]) => name as string);
  return names.map((name, n) => {
    const beats = load(`${name}_beats.npy`);
    return {
      name,
      fold: n % folds,
      signal: Float32Array.from(load(`${name}_x.npy`), (counts) => Math.fround(counts) / 1000),
      marks: Array.from({ length: beats.length / 2 }, (_, i) => [beats[2 * i] as number, beats[2 * i + 1] as number]),
    };
  });
}

/** The two simulated minutes of the zoo: mV, and where their beats are. */
export function readDemo(): { signal: Float32Array; truth: Record['marks'] } {
  const rows = readFileSync(zooFile('ecg', 'demo.csv'), 'utf8').trim().split('\n').slice(1);
  const values = rows.map((line) => line.split(',').map(Number));
  return {
    signal: Float32Array.from(values, ([, mV]) => mV as number),
    truth: values.flatMap(([, , beat = 0], n): Record['marks'] => (beat > 0 ? [[n, beat - 1]] : [])),
  };
}

/** Weights for the network of a fold, or for ecg.onnx. */
export function kindWeights(fold?: number): KindWeights {
  const { shipped, folds: each } = JSON.parse(readFileSync(zooFile('ecg', 'kinds.json'), 'utf8'));
  return fold === undefined ? shipped : each[fold];
}

/**
 * The beats of a whole stream: its samples and its scores, taken in the order in which they come; without
 * weights with the class that the scores alone give.
 */
export function beatsOf(signal: Float32Array, scores: readonly ArrayLike<number>[], weights?: KindWeights): Beat[] {
  const finder = beatFinder();
  const kinds = weights && beatKinds(weights);
  const judge = (beat: Beat) => kinds?.judge(beat, sampleOf(beat.answer)) ?? beat;
  kinds?.push(signal.subarray(0, window - hop));
  const found = scores.flatMap((s, answer) => {
    kinds?.push(signal.subarray(window + hop * (answer - 1), window + hop * answer));
    const beat = finder.push(s);
    return beat ? [judge(beat)] : [];
  });
  return [...found, ...finder.end().map(judge)];
}

/** counts[there][found]: rows N S V F Q and no beat, columns found N S V F and missed. */
export const emptyTable = (): number[][] => Array.from({ length: 6 }, () => new Array<number>(5).fill(0));

/**
 * Adds one record's beats to a table; marks before the first answer and after the last are left out, and
 * found beats in unmarked stretches.
 */
export function addBeats(counts: number[][], all: readonly Beat[], marks: Record['marks'], answers: number): void {
  const inside = marks.filter(([sample]) => sample >= sampleOf(0) && sample <= sampleOf(answers - 1));
  let nearest = 0;
  const found = all.filter(({ answer }) => {
    const at = sampleOf(answer);
    while (
      nearest + 1 < marks.length &&
      Math.abs((marks[nearest + 1]?.[0] as number) - at) <= Math.abs((marks[nearest]?.[0] as number) - at)
    )
      nearest++;
    return Math.abs((marks[nearest]?.[0] as number) - at) <= gapSamples;
  });
  const count = (there: number, as: number) => {
    const row = counts[there] as number[];
    row[as] = (row[as] as number) + 1;
  };
  for (let [i, j] = [0, 0]; i < found.length || j < inside.length; ) {
    const [beat, mark] = [found[i], inside[j]];
    const gap = beat && mark ? sampleOf(beat.answer) - mark[0] : beat ? -Infinity : Infinity;
    if (beat && mark && Math.abs(gap) <= toleranceSamples) {
      count(mark[1], beat.beatClass);
      i++;
      j++;
    } else if (beat && gap < 0) {
      count(5, beat.beatClass);
      i++;
    } else if (mark) {
      count(mark[1], 4);
      j++;
    }
  }
}

export interface Figures {
  accuracy: number;
  sensitivity: number[];
  precision: number[];
}

/** Beats of class Q, and what was found at them, count for nothing. */
export function figuresOf(counts: number[][]): Figures {
  const counted = [0, 1, 2, 3, 5].map((r) => counts[r] as number[]);
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const right = classes.map((_, c) => counts[c]?.[c] as number);
  const there = classes.map((_, c) => sum(counts[c] as number[]));
  return {
    accuracy: sum(right) / sum(there),
    sensitivity: right.map((n, c) => n / (there[c] as number)),
    precision: right.map((n, c) => n / sum(counted.map((row) => row[c] as number))),
  };
}
