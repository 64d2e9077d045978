/**
 * What a reader says of layers whose weights are int8 and whose activations are float: they are read as
 * float; docs/reading.md says more.
 */
import { listed } from './problems.ts';

/** @param names of the layers. @param rounding what the file's own engine rounds besides */
export const hybridNote = (names: readonly string[], rounding: string): string =>
  `int8 weights beside float activations are read as float (${listed(names)}); ${rounding}`;

/** What engines do that take a scale from each window. */
export const roundsInputs = (engine: string): string =>
  `${engine} also rounds the inputs of these layers to integers on the fly, so its outputs differ by that rounding`;
