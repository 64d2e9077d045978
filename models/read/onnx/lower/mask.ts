/**
 * Masks: constants that are added to scores so that a softmax gives them no weight.
 *
 * In: the constant of a sum.  Out: if only a softmax reads the sum, the constant with its lowest values
 * replaced by `masked`; otherwise unchanged.
 */
import { leavesNothing, masked } from '../../masked.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import type { Const } from '../tensor.ts';

/** Returns the constant of a sum; if only a softmax reads the sum, values below `masked` become `masked`. */
export function asMask(ctx: Lowering, node: NodeView, operand: Const): Const {
  const isMask =
    operand.data.some((v: number) => v < masked) && ctx.readersOf(node.outputs[0] ?? '').every((op) => op === 'Softmax');
  if (!isMask) return operand;
  const width = operand.dims.at(-1) ?? 1;
  if (leavesNothing(operand.data, width, (v) => v < masked)) refuse('its mask leaves nothing of a row');
  const { quantised: _, ...plain } = operand;
  return { ...plain, data: plain.data.map((v: number) => Math.max(v, masked)) as Const['data'] };
}
