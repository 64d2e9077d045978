/**
 * Sequence number of a model image: the one in its bundle's manifest, which the signature covers.
 *
 * In: an image.  Out: a 32-bit number, as the device stores it; 0 if the bundle has none, or if the image has
 * no valid bundle, which the device then reports.  Errors: RN891.
 */
import { moduleOf } from '../../../assembly/bundle/image.ts';
import { readManifest } from '../../../assembly/bundle/read.ts';
import { isRunletError } from '../../../models/error.ts';
import { noSequence } from './device-error.ts';

const maxSequence = 0xffffffff;

/** Returns the sequence number of an image. @throws RN891 if it has more than 32 bits */
export function sequenceOf(image: Uint8Array): number {
  let sequence = 0;
  try {
    sequence = readManifest(moduleOf(image)).sequence ?? 0;
  } catch (error) {
    if (!isRunletError(error)) throw error;
  }
  if (sequence > maxSequence) throw noSequence(`it is ${sequence}, and a device stores 32 bits`);
  return sequence;
}
