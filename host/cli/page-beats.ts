/**
 * Support for the zoo's ECG model on the page, whose outputs become beats.
 *
 * In: a manifest.  Out: how to read the outputs and the truth of its recordings; undefined for other models.
 * A bundle does not say that its outputs are beats, so the model is recognised by the digest of its file.
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
  /** Converts a truth to words with times. @param truth [frames], 0 between beats, class + 1 at each beat. */
  script: (truth: ArrayLike<number>) => Said[];
}

/** Column with the beats in the zoo's recordings. */
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
