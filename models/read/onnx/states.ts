/**
 * States of an ONNX file: follows the elements of states through the nodes that move them.
 *
 * In: an input that is a state, and nodes.  Out: values that hold the numbers of state elements (Elements).
 * Nodes that only move elements are evaluated on these numbers, like arithmetic on constants.
 */
import { maxElements, type States } from '../states.ts';
import { Attributes } from './attributes.ts';
import { constantOf, foldConstant } from './constants.ts';
import { axisIn, broadcastDims } from './dims.ts';
import type { OnnxNode, OnnxValue } from './proto.ts';
import { refuse, tooLarge } from './refuse.ts';
import { type Const, countOf } from './tensor.ts';
import type { Elements, Value } from './values.ts';

/** Returns a state as a value; its symbolic dimensions are a batch of 1. @throws RunletError RN159 */
export function stateValue(states: States, { name, dims = [] }: OnnxValue): Elements {
  const whole = dims.map((d) => (typeof d === 'number' && d > 0 ? d : 1));
  const data = states.add(name, countOf(whole));
  if (!data) throw tooLarge(`states of more than ${maxElements} elements`, `graph input ${name}`);
  return { kind: 'elements', when: 'now', ids: { kind: 'const', dims: whole, type: 'int64', data } };
}

/** Operators that only move elements. */
export const moving = new Set(
  'Identity Cast Dropout Reshape Flatten Squeeze Unsqueeze Transpose Concat Gather Slice Split'.split(' '),
);
/** The second operand with which an arithmetic operator changes nothing. */
const neutral: Readonly<Record<string, number>> = { Add: 0, Sub: 0, Mul: 1, Div: 1 };

/** Returns the state elements that a value holds now, or that it is the next value of. */
const idsOf = (value: Value | undefined): Pick<Elements, 'when' | 'ids'> | undefined =>
  value?.kind === 'elements' ? value : value?.kind === 'activation' && value.next ? { when: 'next', ids: value.next } : undefined;

/**
 * Evaluates a node on the numbers of state elements, with one value per output; undefined if the node does
 * not only move elements of states.
 */
export function movedElements(node: OnnxNode, inputs: readonly (Value | undefined)[]): Elements[] | undefined {
  const [first] = inputs;
  if (node.domain !== '' || !inputs.some(idsOf)) return undefined;
  const zero = neutral[node.op];
  const at = zero === undefined ? 0 : inputs.findIndex((v) => v?.kind !== 'const');
  const one = idsOf(zero === undefined ? first : inputs[at]);
  if (!one) return undefined;
  const as = (ids: Const): Elements => ({ kind: 'elements', when: one.when, ids });
  if (zero !== undefined) {
    const other = inputs[1 - at];
    if (other?.kind !== 'const' || (at === 1 && (node.op === 'Sub' || node.op === 'Div'))) return undefined;
    const same = broadcastDims(one.ids.dims, other.dims).join() === one.ids.dims.join();
    return same && other.data.every((v: number) => v === zero) ? [as(one.ids)] : undefined;
  }
  if (!moving.has(node.op)) return undefined;
  if (node.op === 'Cast' || node.op === 'Dropout') return [as(one.ids)];
  if (node.op === 'Split') return splitParts(node, one.ids, inputs[1]).map(as);
  const all = inputs.map(idsOf);
  if (node.op === 'Concat' && !all.every((v) => v?.when === one.when)) return undefined;
  const known = inputs.map((v, i) => all[i]?.ids ?? (v?.kind === 'const' ? v : undefined));
  const ids = foldConstant(node, { inputs: known });
  return ids && [as(ids)];
}

/** Evaluates Split on a constant: ranges of one dimension. */
export function splitParts(node: OnnxNode, x: Const, given: Value | undefined): Const[] {
  const attributes = new Attributes(node);
  const at = axisIn(attributes.int('axis', 0), x.dims.length);
  const length = x.dims[at] as number;
  const each = Math.ceil(length / node.outputs.length);
  const lengths = attributes.ints('split') ?? (given?.kind === 'const' ? [...given.data] : undefined);
  let from = 0;
  return node.outputs.map((_, i) => {
    const to = from + (lengths?.[i] ?? Math.min(each, length - from));
    const list = (value: number): Const => constantOf([value], [1], 'int64');
    const slice = { ...node, op: 'Slice', inputs: ['x', 'from', 'to', 'axes'], outputs: ['y'], attributes: new Map() };
    const part = foldConstant(slice, { inputs: [x, list(from), list(to), list(at)] });
    from = to;
    return part ?? refuse('a malformed Split');
  });
}
