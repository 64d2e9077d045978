/**
 * Inputs of an ONNX file that are not signals: states, and numbers that the caller sets.
 *
 * In: the file's inputs, and the options.  Out: the inputs that are states; constants for the numbers.
 * Errors: RN156, RN159.
 */
import { RunletError } from '../../error.ts';
import type { ReaderOptions } from '../options.ts';
import { stateInputs } from '../states.ts';
import { constantOf } from './constants.ts';
import { maxElements } from './context.ts';
import type { OnnxModel, OnnxValue } from './proto.ts';
import { tooLarge } from './refuse.ts';
import { countOf, elementTypes } from './tensor.ts';

/**
 * Returns the inputs that are states: those that the caller names, otherwise those that may be states.
 * @throws RunletError RN156 if there is no such input
 */
export function statesAsked(model: OnnxModel, { states, set = {} }: ReaderOptions): OnnxValue[] {
  const constants = new Set([...Object.keys(set), ...model.initializers.map(({ name }) => name)]);
  const inputs = model.inputs.filter(({ name }) => !constants.has(name));
  if (!states) return stateInputs(inputs, model.outputs);
  return states.map((name) => inputs.find((input) => input.name === name) ?? noInput(name, 'state', inputs));
}

/** Throws RunletError RN156: there is no input of this name. */
function noInput(name: string, option: string, inputs: readonly OnnxValue[]): never {
  throw new RunletError('RN156', {
    what: `no input is named ${name}`,
    where: `option ${option}`,
    why: `the file has ${inputs
      .map((input) => input.name)
      .slice(0, 16)
      .join(', ')}`,
    tryThis: 'one of these names',
  });
}

/**
 * Returns constants for the inputs that the caller sets to a number. Symbolic dimensions become 1.
 * @throws RunletError RN156, RN159
 */
export function setInputs({ inputs }: OnnxModel, set: Readonly<Record<string, number>>): OnnxModel['initializers'] {
  return Object.entries(set).map(([name, number]) => {
    const input = inputs.find((one) => one.name === name) ?? noInput(name, 'set', inputs);
    const dims = (input.dims ?? []).map((d) => (typeof d === 'number' && d > 0 ? d : 1));
    if (countOf(dims) > maxElements) throw tooLarge(`an input of ${countOf(dims)} elements`, `graph input ${name}`);
    return { name, value: constantOf(new Array(countOf(dims)).fill(number), dims, elementTypes[input.elementType] ?? 'float32') };
  });
}
