/**
 * Labels of one window on the disk.
 *
 * In: bytes of a file.  Out: its labels, in the form of host/learn/label-schema.ts.
 */
import * as v from 'valibot';
import { type Label, labelSchema } from '../../learn/label-schema.ts';

/** Largest number of labels of one window. */
export const maxLabels = 16;

/** Reads the labels of a file that this gateway wrote; none if it is of another version. */
export function readLabels(bytes: Uint8Array): Label[] {
  const found = v.safeParse(v.pipe(v.array(labelSchema), v.maxLength(maxLabels)), JSON.parse(new TextDecoder().decode(bytes)));
  return found.success ? found.output : [];
}
