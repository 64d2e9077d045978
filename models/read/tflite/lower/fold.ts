/**
 * Fold: merges constants and clamps into the operator before them, in float graphs.
 *
 * In: a value and the operator that reads it.
 * Out: the node that made the value, changed so that it also computes that operator, if nothing else reads
 * the value. y = k * (w x + b) is a convolution with weights k w and bias k b; a ReLU is a clamp. int8 graphs
 * are not changed, because each of their operators rounds.
 * Cost: O(weights).
 */
import { thenClamp } from '../../../graph/clamp.ts';
import { type Clamp, type Node, noClamp, type Weights } from '../../../graph/types.ts';
import type { Context, Value } from '../context.ts';
import type { TfOperator } from '../model.ts';

/** Largest number of file tensors, in a chain of reshapes, that may share the value. */
const maxAliases = 64;

type Affine = Extract<Node, { op: 'conv' | 'depthwise' | 'dense' }>;

/** Returns the last node if it made `value` and only `op` reads it; with a clamp only if `mayClamp`. */
function soleProducer(context: Context, op: TfOperator, value: Value, mayClamp = false): Node | undefined {
  const node = context.builder.nodes.at(-1);
  if (context.isInt8 || node?.output !== value.id || value.pad) return undefined;
  const isClamped = 'clamp' in node.attrs && node.attrs.clamp !== noClamp;
  if (isClamped && !mayClamp) return undefined;
  const names = context.tensorsOf.get(value.id) ?? [];
  if (names.length > maxAliases) return undefined;
  const isChain = names.every((index) => context.consumers.get(index)?.length === 1 && !context.model.outputs.includes(index));
  return isChain && op.inputs.filter((index) => names.includes(index)).length === 1 ? node : undefined;
}

/**
 * Applies y = clamp(scale[c] * x + bias[c]) to the producer of x. Returns false if it is no convolution or
 * dense layer, or if something else reads x.
 */
export function foldAffine(
  context: Context,
  op: TfOperator,
  value: Value,
  scale: Float32Array | null,
  bias: Float32Array | null,
  clamp: Clamp,
): boolean {
  const node = soleProducer(context, op, value);
  if (!(node?.op === 'conv' || node?.op === 'depthwise' || node?.op === 'dense')) return false;
  const channels = context.builder.shape(node.output).c;
  const { weights, bias: oldBias } = node.attrs;
  const at = (values: ArrayLike<number> | null, c: number, absent: number) => values?.[c] ?? absent;
  context.model.view.spend(0, 4 * ((scale ? weights.data.length : 0) + channels));
  if (scale) node.attrs.weights = scaled(node, weights, scale, channels);
  node.attrs.bias = Float32Array.from({ length: channels }, (_, c) => at(oldBias, c, 0) * at(scale, c, 1) + at(bias, c, 0));
  node.attrs.clamp = clamp;
  rebind(context, op, value, node);
  return true;
}

/**
 * Applies a clamp to the producer of x, after the clamp that it has. Returns false if it cannot clamp, or if
 * something else reads x. @param type of the operator's output in the file
 */
export function foldClamp(
  context: Context,
  op: TfOperator,
  value: Value,
  clamp: Clamp,
  type: Value['type'] = value.type,
): boolean {
  const node = soleProducer(context, op, value, true);
  if (!node || !('clamp' in node.attrs)) return false;
  node.attrs.clamp = thenClamp(node.attrs.clamp, clamp);
  rebind(context, op, { ...value, type }, node);
  return true;
}

function scaled(node: Affine, { data }: Weights, scale: Float32Array, channels: number): Weights {
  const per = data.length / channels;
  const channelOf = (i: number) => (node.op === 'depthwise' ? i % channels : Math.floor(i / per));
  return { data: Float32Array.from(data, (w, i) => w * (scale[channelOf(i)] as number)) };
}

function rebind(context: Context, op: TfOperator, value: Value, node: Node): void {
  const tensor = context.builder.tensors[node.output];
  if (tensor) tensor.name = context.output(op).name;
  context.builder.notes.push(`${op.name} is folded into ${node.name}`);
  context.bind(op, value);
}
