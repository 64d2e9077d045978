/**
 * Masks: constants that a softmax gives no weight to.
 *
 * In: the constant of a sum.  Out: the constant without values that would not be finite, where a softmax
 * alone reads the sum.
 */
import { leavesNothing, masked } from '../../masked.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import type { Const } from '../tensor.ts';

/** The constant of a sum that a softmax alone reads, without values that would not be finite. */
export function asMask(ctx: Lowering, node: NodeView, operand: Const): Const {
  const isMask =
    operand.data.some((v: number) => v < masked) && ctx.readersOf(node.outputs[0] ?? '').every((op) => op === 'Softmax');
  if (!isMask) return operand;
  const width = operand.dims.at(-1) ?? 1;
  if (leavesNothing(operand.data, width, (v) => v < masked)) refuse('its mask leaves nothing of a row');
  const { quantised: _, ...plain } = operand;
  return { ...plain, data: plain.data.map((v: number) => Math.max(v, masked)) as Const['data'] };
}
