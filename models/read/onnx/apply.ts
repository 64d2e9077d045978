/**
 * apply: lowers one ONNX operator as a function of values.
 *
 * In: values, each with the name under which its readers are counted (Lowering.count; '' if only this call
 * reads it), and attributes.  Out: the operator's values. Formats whose layers are not nodes of a graph call
 * it, so that constants, layouts and operators are handled in one place.
 */
import type { Lowering } from './context.ts';
import { resultsOf } from './nodes.ts';
import { type AttributeValue, madeNode } from './proto.ts';
import { rewritten } from './rewritten.ts';
import { readsOf } from './sort.ts';
import type { Const } from './tensor.ts';
import type { Value } from './values.ts';

/** Attributes by name: an integer, a text, a list of integers, or a real number. */
export type Given = Record<string, number | string | readonly number[] | { float: number }>;

export function attributesOf(given: Given): Map<string, AttributeValue> {
  const value = (one: Given[string]): AttributeValue => {
    if (typeof one === 'string') return { kind: 'string', value: one };
    if (typeof one === 'number') return { kind: 'int', value: one };
    return 'float' in one ? { kind: 'float', value: one.float } : { kind: 'ints', value: [...one] };
  };
  return new Map(Object.entries(given).map(([name, one]) => [name, value(one)]));
}

export interface Named {
  name: string;
  value: Value;
}

/** Lowers one operator. @param name of the node and of its first output. @throws Unsupported */
export function apply(ctx: Lowering, op: string, inputs: readonly Named[], given: Given, name: string, outputs = 1): Value[] {
  const names = inputs.map((input, i) => input.name || `${name}#in${i}`);
  const own = Array.from({ length: outputs }, (_, i) => (i === 0 ? name : `${name}#${i}`));
  const node = { ...madeNode(name, op, names, own), attributes: attributesOf(given) };
  const values = new Map(names.map((key, i) => [key, (inputs[i] as Named).value]));
  const constants = names.filter((key) => values.get(key)?.kind === 'const');
  const nodes = rewritten([node], { initializers: constants.map((key) => ({ name: key, value: values.get(key) as Const })) });
  // the nodes that replace it may read a value twice
  if (nodes.length > 1) for (const part of nodes) ctx.count(readsOf(part), part.op);
  for (const part of nodes)
    for (const [i, value] of resultsOf(ctx, part, values).entries()) values.set(part.outputs[i] as string, value);
  return own.map((key) => values.get(key) ?? { kind: 'poisoned' });
}
