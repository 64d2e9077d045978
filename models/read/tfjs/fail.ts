/**
 * Errors of the TensorFlow.js reader.
 *
 * In: what is wrong and where.  Out: a RunletError, or a Refusal that the reader collects, so that all
 * unsupported layers are listed at once (RN160).
 */
import { RunletError } from '../../error.ts';

export { refuse, Unsupported as Refusal } from '../onnx/refuse.ts';

/** RN161: the JSON is not a well-formed layers model. */
export const malformed = (what: string, where: string, why?: string, tryThis = 'save or convert the model again'): RunletError =>
  new RunletError('RN161', { what, where, ...(why ? { why } : {}), tryThis });

/** RN162: the weight files do not fit. */
export const badWeights = (what: string, where: string, why?: string): RunletError =>
  new RunletError('RN162', {
    what,
    where,
    ...(why ? { why } : {}),
    tryThis: 'keep all files of the model in one folder, and copy or save them again',
  });

/** RN164: the input's shape is not fully known, or its time axis is wrong. */
export const badInput = (what: string, where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN164', { what, where, why, tryThis });

/** RN165: the file exceeds a limit of the reader. */
export const tooLarge = (what: string, where: string): RunletError =>
  new RunletError('RN165', {
    what,
    where,
    why: 'the reader limits how much memory a file may make it allocate',
    tryThis: 'a shorter window',
  });
