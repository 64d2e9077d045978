/** Notes on layers with int8 weights and float activations, which are read as float (docs/reading.md). */
import { listed } from './problems.ts';

/**
 * @param names names of the layers. @param rounding a sentence about what else the file's own engine rounds
 */
export const hybridNote = (names: readonly string[], rounding: string): string =>
  `layers with int8 weights and float activations are read as float (${listed(names)}); ${rounding}`;

/** Describes engines that quantise the inputs of these layers with a scale taken from each window. */
export const roundsInputs = (engine: string): string =>
  `${engine} also rounds the inputs of these layers to integers on the fly, so its outputs differ by that rounding`;
