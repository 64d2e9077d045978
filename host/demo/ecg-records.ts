/**
 * Reads ECG records for the evaluation of ecg, and compares found beats with true ones.
 *
 * In: a folder with index.csv and dev/{record}_x.npy (int16, 1000 counts per mV, 180 Hz),
 * dev/{record}_beats.npy (int32 [n][2]: sample of the R mark, class 0 N 1 S 2 V 3 F 4 Q).  Out: mV, marks,
 * the fold of each record (every fifth has the same); a confusion table.  Rules, as in models/zoo/ecg: a
 * found beat matches a true one within 150 ms; beats are matched in order of time, each at most once.
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
/** Samples from the one that an answer describes to the end of its window. */
export const delaySamples = 207;
const toleranceSamples = 27;
/** Found beats further from any mark are not judged: in ventricular flutter the beats were not marked. */
const gapSamples = 2 * rateHz;

/** Index of the sample that an answer describes. */
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

/** Reads the two simulated minutes of the zoo: mV and true beats. */
export function readDemo(): { signal: Float32Array; truth: Record['marks'] } {
  const rows = readFileSync(zooFile('ecg', 'demo.csv'), 'utf8').trim().split('\n').slice(1);
  const values = rows.map((line) => line.split(',').map(Number));
  return {
    signal: Float32Array.from(values, ([, mV]) => mV as number),
    truth: values.flatMap(([, , beat = 0], n): Record['marks'] => (beat > 0 ? [[n, beat - 1]] : [])),
  };
}

/** Reads the weights for the network of a fold; by default for ecg.onnx. */
export function kindWeights(fold?: number): KindWeights {
  const { shipped, folds: each } = JSON.parse(readFileSync(zooFile('ecg', 'kinds.json'), 'utf8'));
  return fold === undefined ? shipped : each[fold];
}

/** Finds the beats of a whole stream in order. Without `weights` the class comes from the scores only. */
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

/** Empty table counts[true][found]: rows N, S, V, F, Q, no beat; columns N, S, V, F, missed. */
export const emptyTable = (): number[][] => Array.from({ length: 6 }, () => new Array<number>(5).fill(0));

/** Adds a record's beats to a table, without marks outside the answers and beats far from any mark. */
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

/** Computes the figures of a table. True beats of class Q, and the beats found for them, do not count. */
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
