/**
 * callsOf: returns the tensors that each call of a layer or a function reads, and its other arguments.
 *
 * In: the `inbound_nodes` of a layer, which are not trusted.  Out: references to outputs of layers, and the
 * arguments with a Place for each reference.
 * Keras 2: [name, call, output, named arguments]; Keras 3: `args` and `kwargs` with `keras_history`.
 * Source: Keras' model JSON; tfjs-layers' deserialize.
 */
import { malformed, tooLarge } from './fail.ts';
import { type Arguments, isObject, type Layer, Place, type Ref } from './model.ts';

export const maxCalls = 4000;

export const nameOf = (x: unknown, where: string): string => {
  if (typeof x === 'string' && x !== '' && x.length <= 500) return x;
  throw malformed('a name is missing', where);
};

/** Reads [name, call, output] or [name, call, output, kwargs]. */
export function refOf(x: unknown, where: string): Ref {
  if (!Array.isArray(x)) throw malformed('a reference to a layer is malformed', where);
  const [layer, call, output] = x as unknown[];
  const counts = [call, output].every((n) => typeof n === 'number' && Number.isInteger(n) && n >= 0);
  if (!counts) throw malformed('a reference to a layer is malformed', where, 'it has a name and two indices');
  return { layer: nameOf(layer, where), call: call as number, output: output as number };
}

/** Returns a call's arguments with a Place for each tensor that `refOfTensor` knows; `refs` are in order. */
function argumentsOf(
  given: { args: unknown; kwargs: unknown },
  where: string,
  refOfTensor: (x: unknown) => Ref | undefined,
): { refs: Ref[]; of: Arguments } {
  const refs: Ref[] = [];
  const placed = (x: unknown, depth: number): unknown => {
    if (depth > 4) return x;
    const ref = refOfTensor(x);
    if (ref) return new Place(refs.push(ref) - 1);
    return Array.isArray(x) ? x.map((y) => placed(y, depth + 1)) : x;
  };
  const list = Array.isArray(given.args) ? given.args : [given.args];
  const args = list.map((x) => placed(x, 0));
  const kwargs = isObject(given.kwargs) ? given.kwargs : {};
  const named = Object.entries(kwargs).map(([name, x]) => [name, placed(x, 0)] as const);
  if (refs.length > maxCalls) throw tooLarge(`a call that reads ${refs.length} tensors`, where);
  return { refs, of: { args, kwargs: Object.fromEntries(named) } };
}

/** Recognises a tensor of Keras 3. */
const kerasTensor =
  (where: string) =>
  (x: unknown): Ref | undefined => {
    if (!isObject(x) || x.class_name !== '__keras_tensor__') return undefined;
    if (!isObject(x.config)) throw malformed('an argument is no tensor', where);
    return refOf(x.config.keras_history, where);
  };

/** Recognises a tensor of Keras 2: its layer's name and two indexes. */
const listedTensor =
  (where: string) =>
  (x: unknown): Ref | undefined =>
    Array.isArray(x) && typeof x[0] === 'string' ? refOf(x, where) : undefined;

/** Marker of a constant; it replaces a layer's name. */
const constantMark = '_CONSTANT_VALUE';

/** Returns the tensors that one call reads, and its arguments. */
function callOf(node: unknown, where: string): { refs: Ref[]; of: Arguments } {
  if (isObject(node)) return argumentsOf({ args: node.args, kwargs: node.kwargs }, where, kerasTensor(where));
  if (!Array.isArray(node)) throw malformed('inbound_nodes are malformed', where);
  // a single input may come without a list; named arguments follow each input
  const inputs: unknown[] = typeof node[0] === 'string' ? [node] : node;
  const first = inputs[0];
  const kwargs = Array.isArray(first) ? first[3] : undefined;
  if (inputs.some((x) => !Array.isArray(x))) throw malformed('a reference to a layer is malformed', where);
  const args = (inputs as unknown[][]).map((x) => (x[0] === constantMark ? x[2] : x.slice(0, 3)));
  return argumentsOf({ args, kwargs }, where, listedTensor(where));
}

export function callsOf(nodes: unknown, where: string): Pick<Layer, 'calls' | 'arguments'> {
  if (!Array.isArray(nodes)) throw malformed('inbound_nodes are missing', where);
  const calls = nodes.map((node) => callOf(node, where));
  return { calls: calls.map(({ refs }) => refs), arguments: calls.map(({ of }) => of) };
}
