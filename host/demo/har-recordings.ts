/**
 * Reads phone and watch recordings for the evaluation of har: one stream per subject.
 *
 * In: a folder with {sp,sw}_dev_x.npy (int16 [n][6]: m/s^2 * 400, rad/s * 1600, at 100 Hz), {sp,sw}_dev_y.npy
 * (int8 [n]) and index.csv.
 * Out: float32 [n / 2][6] at 50 Hz, in units of g and 250 degrees/s (means of two neighbours); a label per
 * frame.  Rules, as in models/zoo/har/recordings.py: the recordings of a subject follow one another; every
 * fourth subject of the sorted names is in the same fold.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy } from '../sources/npy.ts';

export type Device = 'watch' | 'phone';
export const devices: Device[] = ['watch', 'phone'];
export const folds = 4;
export const axes = 6;
export const rateHz = 50;
export const window = 128;
export const hop = 8;
/** Index of the frame that an output describes: the middle of its window. */
export const frameOf = (output: number): number => window / 2 + output * hop;

const gravity = 9.80665;
const fullScale = (250 * Math.PI) / 180;

export interface Subject {
  name: string;
  fold: number;
  /** [n][6] */
  signal: Float32Array;
  labels: Uint8Array;
}

export function readSubjects(folder: string, device: Device): Subject[] {
  const short = device === 'phone' ? 'sp' : 'sw';
  const load = (name: string) => readNpy(new Uint8Array(readFileSync(join(folder, name)))).data;
  const [x, y] = [load(`${short}_dev_x.npy`), load(`${short}_dev_y.npy`)];
  const lines = readFileSync(join(folder, 'index.csv'), 'utf8').trim().split('\n').slice(1);
  const parts = new Map<string, [start: number, frames: number][]>();
  for (const [of, split, name = '', , start, length] of lines.map((line) => line.split(',')))
    if (of === short && split === 'dev')
      parts.set(name, [...(parts.get(name) ?? []), [Number(start), Math.floor(Number(length) / 2)]]);
  return [...parts.keys()].sort().map((name, n) => {
    const pieces = parts.get(name) ?? [];
    const total = pieces.reduce((sum, [, frames]) => sum + frames, 0);
    const [signal, labels] = [new Float32Array(total * axes), new Uint8Array(total)];
    let at = 0;
    for (const [start, frames] of pieces)
      for (let f = 0; f < frames; f++, at++) {
        const row = start + 2 * f;
        labels[at] = y[row] as number;
        for (let a = 0; a < axes; a++) {
          const unit = a < 3 ? 400 * gravity : 1600 * fullScale;
          signal[at * axes + a] = ((x[row * axes + a] as number) + (x[(row + 1) * axes + a] as number)) / 2 / unit;
        }
      }
    return { name, fold: n % folds, signal, labels };
  });
}
