/**
 * Masks: constants that a softmax gives no weight to.
 *
 * In: the constant of a sum.  Out: the constant without values that would not be finite, where a softmax
 * alone reads the sum.
 */
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import type { Const } from '../tensor.ts';

/** e to this is 0 in float32, beside scores below some thousands. */
export const masked = -1e4;

/** The constant of a sum that a softmax alone reads, without values that would not be finite. */
export function asMask(ctx: Lowering, node: NodeView, operand: Const): Const {
  const isMask =
    operand.data.some((v: number) => v < masked) && ctx.readersOf(node.outputs[0] ?? '').every((op) => op === 'Softmax');
  if (!isMask) return operand;
  const width = operand.dims.at(-1) ?? 1;
  const isEmpty = (row: number) => operand.data.subarray(row * width, (row + 1) * width).every((v: number) => v < masked);
  if (Array.from({ length: operand.data.length / width }, (_, row) => row).some(isEmpty))
    refuse('its mask leaves nothing of a row');
  const { quantised: _, ...plain } = operand;
  return { ...plain, data: plain.data.map((v: number) => Math.max(v, masked)) as Const['data'] };
}
