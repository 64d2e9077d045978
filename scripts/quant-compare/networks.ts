/**
 * The networks of `npm run quant:compare`: networks of the zoo and for a fan, in their original form and in
 * forms that are harder to quantise.
 *
 * In: nothing.  Out: for each network its name, its windows, its source file, and the edits of its form
 * (test/quant/peers/forms.py). The networks of har, ecg and kws are those of fold 0: its subjects, records
 * and speakers are held out, all others are used for calibration.
 */
import type { Base } from './windows.ts';

export interface Network {
  name: string;
  base: Base;
  /** A file of models/zoo, or one that test/quant/peers/train.py makes. */
  source: { zoo: string } | { trained: string };
  /** Edits of the file that do not change its function. */
  edits: string[];
  /** Raw units: the input is scale * x + offset, with one number or one per channel. */
  raw?: { scale: number[]; offset: number[] };
  friendly: boolean;
  why: string;
}

const rawEdit = ({ scale, offset }: { scale: number[]; offset: number[] }) => `raw:${scale}:${offset}`;
/** Acceleration in mg and rotation in degrees per second. */
const units = { scale: [1000, 1000, 1000, 250, 250, 250], offset: [0] };
/** Counts of a converter. */
const counts = { scale: [200], offset: [1024] };
const milli = { scale: [1000], offset: [0] };

const ppg = { base: 'ppg-hr' as const, source: { zoo: 'ppg-hr/ppg-hr.onnx' } };
const watch = { base: 'har-watch' as const, source: { zoo: 'har/folds/watch-0.onnx' } };
const phone = { base: 'har-phone' as const, source: { zoo: 'har/folds/phone-0.onnx' } };
const ecg = { base: 'ecg' as const, source: { zoo: 'ecg/folds/fold-0.onnx' } };
const kws = { base: 'kws' as const, source: { zoo: 'kws/folds/fold-0.onnx' } };
const friendly = { friendly: true, edits: [] as string[], why: 'as trained' };
const hard = (why: string, ...edits: string[]) => ({ friendly: false, edits, why });
const window = 'unpadded:568';

export const networks: Network[] = [
  { name: 'ppg-hr', ...ppg, ...friendly, edits: [window] },
  { name: 'ppg-hr outliers', ...ppg, ...hard('channels scaled by 2^-5 .. 2^5', window, 'outliers') },
  { name: 'har-watch', ...watch, ...friendly },
  { name: 'har-watch raw', ...watch, ...hard('input in mg and degrees/s', rawEdit(units)), raw: units },
  {
    name: 'har-watch separable',
    base: 'har-watch',
    source: { trained: 'har-separable' },
    ...hard('depthwise-separable, residual'),
  },
  ...(['gru', 'lstm'] as const).map((cell) => ({
    ...{ name: `har-watch ${cell}`, base: 'har-watch' as const, source: { trained: `har-${cell}` } },
    ...{ ...friendly, why: 'three convolutions before 32 units' },
  })),
  { name: 'har-phone', ...phone, ...friendly },
  { name: 'har-phone outliers', ...phone, ...hard('channels scaled by 2^-5 .. 2^5', 'outliers') },
  { name: 'har-phone wide', ...phone, ...hard('a sum of two branches that nearly cancel', 'wide') },
  { name: 'ecg', ...ecg, ...friendly },
  { name: 'ecg raw', ...ecg, ...hard('input in converter counts', rawEdit(counts)), raw: counts },
  { name: 'ecg outliers', ...ecg, ...hard('channels scaled by 2^-5 .. 2^5', 'outliers') },
  { name: 'kws', ...kws, ...friendly },
  { name: 'kws outliers', ...kws, ...hard('depthwise-separable, channels scaled', 'outliers') },
  { name: 'fan', base: 'vibration', source: { trained: 'vibration' }, ...friendly, why: 'as trained, on ±1 g without gravity' },
  { name: 'fan 8 g', base: 'fan', source: { trained: 'fan' }, ...hard('gravity and strokes of ±8 g; 0.3 g is typical') },
  {
    name: 'fan separable raw',
    base: 'fan',
    source: { trained: 'fan-separable' },
    ...hard('depthwise-separable, ±8 g in mg', rawEdit(milli)),
    raw: milli,
  },
];
