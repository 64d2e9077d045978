/**
 * Reads Speech Commands clips for the evaluation of kws: sound, label and fold.
 *
 * In: a folder with index.csv and {dev}_{i}.npy, mu-law bytes [n][16000] (16 kHz).  Out: int16 PCM of the
 * development clips, in file order.  Rule of the folds, as in models/zoo/kws/clips.py: each speaker, in the
 * order of the SHA-256 of the names, goes to the fold with the fewest clips so far. Noise files, which have
 * no speaker, are counted separately.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { minOf } from '../../models/lists.ts';
import { readNpy } from '../sources/npy.ts';

export const labels = ['_silence_', '_unknown_', 'yes', 'no', 'up', 'down', 'left', 'right', 'on', 'off', 'stop', 'go'];
export const folds = 5;
export const clipSamples = 16000;

export interface Clip {
  /** int16 [16000], a view. */
  pcm: Int16Array;
  label: number;
  speaker: string;
  fold: number;
}

/** Decodes mu-law: f = v / 127.5 - 1; x = sign(f) (256^|f| - 1) / 255; times 32767. */
const muLaw = Int16Array.from({ length: 256 }, (_, v) => {
  const f = v / 127.5 - 1;
  return Math.round(((Math.sign(f) * (256 ** Math.abs(f) - 1)) / 255) * 32767);
});

export function foldsOf(speakers: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of speakers) counts.set(name, (counts.get(name) ?? 0) + 1);
  const digest = (name: string) => createHash('sha256').update(name).digest('hex');
  const order = [...counts.keys()].map((name) => [digest(name), name] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  const filled = { speech: new Array<number>(folds).fill(0), noise: new Array<number>(folds).fill(0) };
  const where = new Map<string, number>();
  for (const [, name] of order) {
    const counter = name.startsWith('noise_') ? filled.noise : filled.speech;
    const fold = counter.indexOf(minOf(counter));
    where.set(name, fold);
    counter[fold] = (counter[fold] as number) + (counts.get(name) as number);
  }
  return where;
}

/** Returns whether the words of a speaker choose the rule of detection; those of the others judge it. */
export const tunes = (speaker: string): boolean => (createHash('sha256').update(`tune ${speaker}`).digest()[0] as number) < 128;

export function readClips(folder: string): Clip[] {
  const lines = readFileSync(join(folder, 'index.csv'), 'utf8').trim().split('\n').slice(1);
  const rows = lines.map((line) => line.split(',')).filter(([split]) => split === 'dev');
  const files = new Map<string, ArrayLike<number>>();
  for (const [, file = ''] of rows)
    if (!files.has(file)) files.set(file, readNpy(new Uint8Array(readFileSync(join(folder, file)))).data);
  const where = foldsOf(rows.map((r) => r[6] as string));
  return rows.map(([, file = '', row, label, , , speaker = '']) => {
    const data = files.get(file) as ArrayLike<number>;
    const at = Number(row) * clipSamples;
    const pcm = Int16Array.from({ length: clipSamples }, (_, i) => muLaw[data[at + i] as number] as number);
    return { pcm, label: Number(label), speaker, fold: where.get(speaker) as number };
  });
}
