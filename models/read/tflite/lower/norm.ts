/**
 * Lowers a layer normalisation that a file writes in single operators, and L2_NORMALIZATION, to layernorm.
 *
 * In: the last operator, with the normalised tensor as its only input, and the normalisation that was found.
 * Out: one node, or several if it runs over time (models/read/norm/window.ts).
 */
import { noClamp } from '../../../graph/types.ts';
import { normAttrs } from '../../norm/attrs.ts';
import type { Norm } from '../../norm/find.ts';
import { isOverTime, normOverWindow } from '../../norm/window.ts';
import { type Context, fusedClamp, Refusal, shapeOf } from '../context.ts';
import type { TfOperator } from '../model.ts';

/** Lowers L2_NORMALIZATION of the channels: x divided by its root mean square, times 1 / sqrt(channels). */
export function lowerL2(context: Context, op: TfOperator): void {
  const value = context.value(op, 0);
  if (context.isInt8) throw new Refusal('it is read in float models only');
  const root = 1 / Math.sqrt(shapeOf(value).c);
  const one = (v: number) => ({ dims: [], data: Float64Array.of(v) });
  const attrs = normAttrs(value.layout, { axes: [-1], centre: false, epsilon: 0, gamma: one(root), beta: one(0) });
  if (typeof attrs === 'string') throw new Refusal(attrs);
  const clamp = fusedClamp(op, context.options(op), 0);
  context.emit(op, 'layernorm', [value.id], { ...attrs, clamp }, () => value.layout);
}

export function lowerNorm(context: Context, op: TfOperator, norm: Norm): void {
  const value = context.value(op, 0);
  const clamp = /^(ADD|SUB|MUL|DIV)$/.test(op.op) ? fusedClamp(op, context.options(op), 0) : noClamp;
  const rank = value.layout.length;
  const axes = norm.axes.map((d) => (d < 0 ? d + rank : d));
  if (isOverTime(value.layout, axes) && !context.stateful && clamp === noClamp) {
    const x = { tensor: value.id, layout: value.layout };
    const spend = (values: number) => {
      if (!context.work.spend(16 * values)) throw new Refusal('it exceeds the limit of values for all such layers together');
    };
    const id = normOverWindow(context, x, { ...norm, axes }, op.name, spend);
    if (typeof id === 'string') throw new Refusal(id);
    context.bind(op, { ...value, id });
    return;
  }
  const attrs = normAttrs(value.layout, norm);
  if (typeof attrs === 'string') throw new Refusal(attrs);
  context.model.view.spend(0, 4 * (attrs.gamma.length + attrs.beta.length));
  context.emit(op, 'layernorm', [value.id], { ...attrs, clamp }, () => value.layout);
}
