/**
 * Signals of the front end's tests: those of pymicro.py, random front ends, recordings.
 *
 * Out: int16 samples; parameters within their limits. Deterministic.
 */

import { readFileSync } from 'node:fs';
import { presetParameters } from '../../models/frontend/presets.ts';
import type { FrontEndParameters } from '../../models/frontend/types.ts';
import { xorshift } from '../../models/xorshift.ts';

/** Returns a generator of unsigned 32-bit numbers (xorshift32). */
export function generator(seed: number): () => number {
  const next = xorshift(seed);
  return () => next() >>> 0;
}

const count = 16000;

/** Returns the signals of pymicro.py by name. */
export function madeSignals(): Record<string, Int16Array> {
  const next = generator(20261124);
  const noise = Int16Array.from({ length: count }, () => next());
  const of = (f: (i: number) => number) => Int16Array.from({ length: count }, (_, i) => f(i));
  const at = (i: number) => noise[i] as number;
  return {
    silence: of(() => 0),
    noise,
    'quiet noise': of((i) => at(i) >> 9),
    'one bit noise': of((i) => (at(i) & 64 ? 32767 : -32768)),
    lowest: of(() => -32768),
    highest: of(() => 32767),
    impulses: of((i) => (i % 997 === 5 ? (at(i) & 1 ? 32767 : -32768) : 0)),
    'impulses down': of((i) => (i % 480 === 239 ? -32768 : 0)),
    square: of((i) => (Math.floor(i / 37) % 2 ? 20000 : -20000)),
    bursts: of((i) => at(i) >> (Math.floor(i / 2000) % 2 ? 2 : 13)),
    ramp: of((i) => ((i * 3) % 65536) - 32768),
    step: of((i) => (i < 8000 ? 0 : 12345)),
  };
}

/** Returns the parameters of a random front end, with each stage on or off. */
export function randomParameters(seed: number): FrontEndParameters {
  const next = generator(Math.imul(seed + 1, 0x9e3779b1) | 1);
  for (let i = 0; i < 8; i++) next();
  const whole = (from: number, to: number) => from + (next() % (to - from + 1));
  const one = <T>(...of: T[]): T => of[next() % of.length] as T;
  const share = (...of: number[]) => one(...of, whole(0, 1000) / 1000);
  const sampleRateHz = one(8000, 16000, 16000, 22050, 44100);
  const windowSamples = one(480, 400, whole(64, 1400), whole(4, 200));
  const lowerHz = one(125, 0, 20, whole(0, 300));
  const noise = one(true, true, false) && {
    smoothingBits: one(10, whole(6, 12)),
    evenSmoothing: share(0.025),
    oddSmoothing: share(0.06),
    minSignalRemaining: share(0.05, 1),
  };
  const fftBits = Math.ceil(Math.log2(windowSamples));
  const pcan = noise &&
    one(true, false) && { strength: share(0.95), offset: one(80, whole(1, 200)), gainBits: fftBits + whole(6, 14) };
  const divide = one(666, 4, whole(1, 1000));
  return {
    ...presetParameters('micro'),
    name: `random ${seed}`,
    sampleRateHz,
    windowSamples,
    stepSamples: one(windowSamples, whole(1, windowSamples), Math.ceil(windowSamples / 3)),
    channels: one(40, 1, whole(1, 64)),
    lowerHz,
    upperHz: Math.min(Math.round(sampleRateHz / 2.2), lowerHz + whole(200, 9000)),
    noise,
    pcan: pcan && noise && noise.smoothingBits - (fftBits - 6) >= 0 ? pcan : false,
    log: one(true, true, false) && { scaleShift: one(6, whole(0, 10)) },
    tables: one('library', 'newlib', 'signal', 'librosa'),
    output: {
      multiply: one(256, 1, whole(1, 300)),
      add: whole(0, 400),
      divide,
      offset: one(-128, 0),
      low: -128,
      high: one(127, 100),
      scale: 0.1,
      zeroPoint: -128,
    },
  };
}

/** Reads the samples of a WAV file with 16-bit mono PCM. */
export function wavSamples(path: string): Int16Array {
  const bytes = readFileSync(path);
  let at = 12;
  while (bytes.toString('latin1', at, at + 4) !== 'data') at += 8 + bytes.readUInt32LE(at + 4);
  const samples = new Uint8Array(bytes.subarray(at + 8, at + 8 + bytes.readUInt32LE(at + 4)));
  return new Int16Array(samples.buffer);
}

/** Reads the int16 samples of a .npy file. */
export function npySamples(path: string): Int16Array {
  const bytes = readFileSync(path);
  const data = new Uint8Array(bytes.subarray(10 + bytes.readUInt16LE(8)));
  if (!/'<i2'/.test(bytes.toString('latin1', 0, 128))) throw new Error(`${path} is not int16`);
  return new Int16Array(data.buffer);
}

/** Reads the int8 values of a file, raw or .npy. */
export function int8Of(path: string): Int8Array {
  const bytes = readFileSync(path);
  return new Int8Array(new Uint8Array(bytes.subarray(path.endsWith('.npy') ? 10 + bytes.readUInt16LE(8) : 0)).buffer);
}

/** Returns the number of differing elements, including those that only one list has. */
export function differing(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = Math.abs(a.length - b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) sum++;
  return sum;
}
