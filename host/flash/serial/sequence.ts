/**
 * The sequence number of a model image: the one in its bundle's manifest, which is signed with it.
 *
 * In: an image.  Out: a number of 32 bits as the device keeps it, 0 where the bundle has none or the image
 * has no bundle: the device says what it is then.
 */
import { moduleOf } from '../../../assembly/bundle/image.ts';
import { readManifest } from '../../../assembly/bundle/read.ts';
import { isRunletError } from '../../../models/error.ts';
import { noSequence } from './device-error.ts';

const mostSequence = 0xffffffff;

/** @throws RN891 more than 32 bits */
export function sequenceOf(image: Uint8Array): number {
  let sequence = 0;
  try {
    sequence = readManifest(moduleOf(image)).sequence ?? 0;
  } catch (error) {
    if (!isRunletError(error)) throw error;
  }
  if (sequence > mostSequence) throw noSequence(`it is ${sequence}, and a device keeps 32 bits`);
  return sequence;
}
