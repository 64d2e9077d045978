/**
 * Sorts the files that the user drops or chooses by kind.
 *
 * In: files.  Out: their bytes.  Error: RN784 if they cannot be opened together.
 */
import { RunletError } from '../../models/error.ts';
import type { NamedBytes } from './protocol.ts';
import { kindOf } from './recording.ts';

export interface Chosen {
  model?: NamedBytes;
  /** The model's manifest and weights, if they are separate files. */
  json?: NamedBytes;
  weights?: NamedBytes;
  recording?: NamedBytes;
}

export async function chosenOf(files: File[]): Promise<Chosen> {
  const named = await Promise.all(
    files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
  );
  const ofKind = (kind: ReturnType<typeof kindOf>) => named.filter(({ name }) => kindOf(name) === kind);
  const [models, recordings] = [ofKind('model'), ofKind('recording')];
  const [[model], [json], [weights], [recording]] = [models, ofKind('json'), ofKind('weights'), recordings];
  const alone = (json || weights) && !model;
  if (models.length > 1 || recordings.length > 1 || alone)
    throw new RunletError('RN784', {
      what: 'these files cannot be opened together',
      where: named.map(({ name }) => name).join(', '),
      why: alone ? 'a .json or .bin file needs its model' : 'the page opens one model and one recording at a time',
      tryThis: 'open one model, with its .json or .weights.bin if it has one, or one recording',
    });
  return { ...(model && { model }), ...(json && { json }), ...(weights && { weights }), ...(recording && { recording }) };
}
