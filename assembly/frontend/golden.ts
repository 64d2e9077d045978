/**
 * The golden of a front end: generated samples, processed by the reference and not by the module.
 *
 * In: a FrontEnd.  Out: seed, hops, outputs and the digest of the rows. Generator: docs/abi.md; a sample is
 * the low 16 bits.
 */
import type { FrontEnd } from '../../models/frontend/types.ts';
import { xorshift } from '../../models/xorshift.ts';
import { FrontEndReference } from '../../quant/frontend/reference.ts';
import { Digest } from '../bundle/digest.ts';
import type { Manifest } from '../bundle/manifest.ts';

/** Returns samples of xorshift32: its low 16 bits, as int16. */
export const goldenSamples = (seed: number, count: number): Int16Array => Int16Array.from({ length: count }, xorshift(seed));

const rows = 4;

export async function frontEndGolden(frontEnd: FrontEnd, seed = 0x5eed1e7): Promise<Manifest['golden']> {
  const { windowSamples, stepSamples } = frontEnd;
  const hops = Math.ceil((windowSamples + (rows - 1) * stepSamples) / stepSamples);
  const digest = new Digest();
  const reference = new FrontEndReference(frontEnd);
  let outputs = 0;
  reference.push(goldenSamples(seed, hops * stepSamples), () => {
    digest.update(reference.row);
    outputs++;
  });
  return { seed, hops, outputs, digest: await digest.hex() };
}
