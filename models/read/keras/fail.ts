/**
 * Errors of the readers of Keras files.
 */
import { RunletError } from '../../error.ts';

/** RN170: the container of the model, HDF5 or ZIP, is damaged. */
export const damaged = (what: string, why: string): RunletError =>
  new RunletError('RN170', { what, where: 'byte 0', why, tryThis: 'copy or download it again, or save the model again' });
