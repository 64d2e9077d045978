/**
 * What a file spells out as a layer normalisation: layernorm.
 *
 * In: the last operator of it, which reads the normalised tensor alone, and what was found.  Out: one node.
 */
import { noClamp } from '../../../graph/types.ts';
import { normAttrs } from '../../norm/attrs.ts';
import type { Norm } from '../../norm/find.ts';
import { type Context, fusedClamp, Refusal } from '../context.ts';
import type { TfOperator } from '../model.ts';

export function lowerNorm(context: Context, op: TfOperator, norm: Norm): void {
  const value = context.value(op, 0);
  const attrs = normAttrs(value.layout, norm);
  if (typeof attrs === 'string') throw new Refusal(attrs);
  context.model.view.spend(0, 4 * (attrs.gamma.length + attrs.beta.length));
  const clamp = /^(ADD|SUB|MUL|DIV)$/.test(op.op) ? fusedClamp(op, context.options(op), 0) : noClamp;
  context.emit(op, 'layernorm', [value.id], { ...attrs, clamp }, () => value.layout);
}
