/**
 * Synthesises sentences by espeak-ng, to measure false accepts and hits of kws.
 *
 * In: models/zoo/kws/talk.csv (voice, speed, pitch, pause, text).  Out: int16 PCM at 16 kHz, one piece per
 * line: the sentence without the silence around it, at a random level, and the pause.  Source: espeak-ng
 * 1.51, which speaks at 22,050 Hz.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { uniform } from '../../models/xorshift.ts';
import { Resampler } from '../sources/resample.ts';

export interface Line {
  voice: string;
  speed: string;
  pitch: string;
  pause_ms: string;
  text: string;
}

export const hasEspeak = (): boolean => spawnSync('espeak-ng', ['--version']).status === 0;

export const readTalk = (path: string): Line[] => parse(readFileSync(path), { columns: true }) as Line[];

const headerBytes = 44;

/** Synthesises one sentence. @param peak its peak as a share of full scale. */
function say({ voice, speed, pitch, text }: Line, peak: number): Int16Array {
  const { stdout, status } = spawnSync('espeak-ng', ['--stdout', '-v', voice, '-s', speed, '-p', pitch, text], {
    maxBuffer: 1 << 26,
  });
  if (status !== 0 || stdout.length <= headerBytes) throw new Error(`espeak-ng cannot speak "${text}" as ${voice}`);
  const samples = (stdout.length - headerBytes) >> 1;
  const raw = Float32Array.from({ length: samples }, (_, i) => stdout.readInt16LE(headerBytes + 2 * i));
  const resampler = new Resampler(22050, 16000);
  const x = Float32Array.from([...resampler.push(raw), ...resampler.flush()]);
  const highest = x.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
  const loud = (v: number) => Math.abs(v) > 0.01 * highest;
  const from = x.findIndex(loud);
  let to = x.length;
  while (to > from && !loud(x[to - 1] as number)) to--;
  return Int16Array.from(x.subarray(from, to), (v) => Math.round((v / highest) * peak * 32767));
}

/** Yields each line's sentence and pause, with a noise of up to 2 least significant bits. */
export function* spoken(lines: readonly Line[], seed = 1): Generator<Int16Array> {
  const draw = uniform(seed);
  for (const line of lines) {
    const sentence = say(line, 0.1 + 0.6 * draw());
    const out = new Int16Array(sentence.length + Math.round(16 * Number(line.pause_ms)));
    out.set(sentence);
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + Math.floor(5 * draw()) - 2;
    yield out;
  }
}
