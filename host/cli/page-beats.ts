/**
 * The zoo's ECG model on the page: its answers become beats.
 *
 * In: a manifest.  Out: how its answers are read, and what a truth of its recordings means; undefined for any
 * other model. Nothing in a bundle says that answers are beats, so the model is known by the digest of its
 * file.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import type { KindWeights } from '../features/beat-kinds.ts';
import type { Said } from '../web/protocol.ts';
import { zooFolder } from '../zoo-folder.ts';

export interface Beats {
  delayS: number;
  weights: KindWeights;
  /** Of a truth that is 0 between beats, and a class from 1 on at each. */
  script: (truth: ArrayLike<number>) => Said[];
}

/** The column of the zoo's recordings that holds beats. */
export const beatColumn = 'beat';

export async function beatsOf({ sourceDigest }: Manifest): Promise<Beats | undefined> {
  const file = zooFolder && join(zooFolder, 'ecg/ecg.onnx');
  if (!file || !existsSync(file)) return undefined;
  if (createHash('sha256').update(readFileSync(file)).digest('hex') !== sourceDigest) return undefined;
  const { classes, delaySamples, kindWeights, rateHz } = await import('../demo/ecg-records.ts');
  const script = (truth: ArrayLike<number>): Said[] =>
    Array.from(truth).flatMap((beat, n) => {
      const word = classes[beat - 1];
      return word === undefined ? [] : [{ word, start: n / rateHz, end: n / rateHz }];
    });
  return { delayS: delaySamples / rateHz, weights: kindWeights(), script };
}
