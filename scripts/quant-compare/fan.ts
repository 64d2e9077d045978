/**
 * Reads vibration recordings of a fan with weights on its blades, for the comparison of quantisers.
 *
 * In: a folder with dev_x.npy (int16 [n][3], g * 1000, 50 Hz) and dev_index.csv (split, config 1..3,
 * speed_pct, start, length).
 * Out: runs in g, with label = config - 1 (weights on neighbouring blades, at right angles, opposite). Runs
 * at 35, 60 and 85 % speed are held out.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy } from '../../host/sources/npy.ts';

export interface FanRun {
  /** [n][3] */
  signal: Float32Array;
  label: number;
  /** True if the run is held out. */
  kept: boolean;
}

export function readFan(folder: string): FanRun[] {
  const x = readNpy(new Uint8Array(readFileSync(join(folder, 'dev_x.npy')))).data;
  const lines = readFileSync(join(folder, 'dev_index.csv'), 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => {
    const [, config, speed, start, length] = line.split(',').map(Number) as [number, number, number, number, number];
    const signal = Float32Array.from({ length: 3 * length }, (_, i) => (x[3 * start + i] as number) / 1000);
    return { signal, label: config - 1, kept: [35, 60, 85].includes(speed) };
  });
}
