/**
 * Reads PPG recordings for the evaluation of ppg-hr: finger PPG from phone cameras with the heart rate of a
 * chest strap (Welltory development records).
 *
 * In: a folder with dev_x.npy (int16 [n][3], R G B * 100, 30 Hz), dev_hr.npy (int16, BPM * 100) and
 * index.csv.  Out: the red channel at 32 Hz after the front end, and the heart rate of each frame.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ppgFrontEnd } from '../features/ppg.ts';
import { readNpy } from '../sources/npy.ts';
import { resample } from './resample.ts';

const rateHz = 32;
const bytes = (...parts: string[]) => new Uint8Array(readFileSync(join(...parts)));

export interface Recording {
  set: string;
  /** Signal after the front end, 32 Hz. */
  signal: Float32Array;
  /** Beats per minute at each frame; 0: unknown. */
  truth: Float64Array;
}

export function prepared(raw: ArrayLike<number>): Float32Array {
  const front = ppgFrontEnd({ sampleRateHz: rateHz });
  return Float32Array.from(raw, (x) => front.push(x));
}

export function readWelltory(folder: string): Recording[] {
  const x = readNpy(bytes(folder, 'dev_x.npy'));
  const hr = readNpy(bytes(folder, 'dev_hr.npy')).data;
  const rows = readFileSync(join(folder, 'index.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  return rows
    .filter(([split]) => split === 'dev')
    .map(([, , start, length]) => {
      const [from, n] = [Number(start), Number(length)];
      const red = Float64Array.from({ length: n }, (_, i) => (x.data[(from + i) * 3] as number) / 100);
      const raw = resample(red, rateHz, 30);
      const truth = Float64Array.from(raw, (_, i) => (hr[from + Math.min(n - 1, Math.floor((i * 30) / rateHz))] as number) / 100);
      return { set: 'Welltory, 13 records', signal: prepared(raw), truth };
    });
}
