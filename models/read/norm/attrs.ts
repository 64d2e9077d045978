/**
 * normAttrs: attributes of `layernorm` for a normalisation over dimensions of a file.
 *
 * In: the layout of the input's axes in the file.  Out: the attributes, or the reason why there are none: the
 * statistics run over time (rule R10), cover part of an axis or cover features without their channels, or the
 * constants differ from frame to frame.
 */
import { type Axis, type LayerNormAttrs, noClamp } from '../../graph/types.ts';
import { type Layout, shapeOfLayout, showLayout } from '../layout.ts';
import { framesOf, position, streamingReason } from '../refused.ts';
import { spread, valuesOf as spreadValues } from '../spread.ts';
import type { Norm } from './find.ts';
import type { Constant } from './form.ts';

const factorsOf = (layout: Layout, dim: number): Layout[number] => (layout[dim] ?? []).filter((f) => f.length > 1);

/** Returns the axes that one mean covers, or the reason why there is no such mean. */
function overOf(layout: Layout, dims: readonly number[]): { over: LayerNormAttrs['over'] } | { reason: string } {
  const whole = shapeOfLayout(layout);
  const lengths: Record<Axis, number> = { t: 1, f: 1, c: 1 };
  for (const dim of dims) for (const { axis, length } of factorsOf(layout, dim)) lengths[axis] *= length;
  if (lengths.t > 1) return { reason: streamingReason('LayerNormalization', { layout, over: [...dims] }) as string };
  if (lengths.c === whole.c && lengths.f === whole.f && whole.f > 1) return { over: 'fc' };
  if (lengths.c === whole.c && lengths.f === 1) return { over: 'c' };
  return { reason: `it normalises dimensions ${dims.join(', ')} of ${showLayout(layout)}, not whole channels or frames` };
}

/** Returns the values of a constant as [c] or [f][c], or the reason why it does not fit. */
function valuesOf(layout: Layout, { dims, data }: Constant): Float32Array | string {
  const laid = spread(layout, dims);
  if (!laid) return `its constant of [${dims.join(', ')}] does not fit ${showLayout(layout)}`;
  if (laid.over === 't') return position(framesOf(layout));
  const { f, c } = shapeOfLayout(layout);
  return Float32Array.from(spreadValues(laid, data, laid.over === 'f' ? f * c : c));
}

export function normAttrs(layout: Layout, norm: Omit<Norm, 'input'>): LayerNormAttrs | string {
  const rank = layout.length;
  const dims = norm.axes.map((d) => (d < 0 ? d + rank : d));
  if (dims.length === 0 || dims.some((d) => !(d >= 0 && d < rank)) || new Set(dims).size < dims.length)
    return `axes ${norm.axes.join(', ')} of ${showLayout(layout)}`;
  const found = overOf(layout, dims);
  if ('reason' in found) return found.reason;
  const [gamma, beta] = [valuesOf(layout, norm.gamma), valuesOf(layout, norm.beta)];
  if (typeof gamma === 'string') return gamma;
  if (typeof beta === 'string') return beta;
  const { c } = shapeOfLayout(layout);
  if (found.over === 'c' && (gamma.length > c || beta.length > c))
    return `its constants differ between the feature rows of ${showLayout(layout)}, but each row has its own statistics`;
  const { centre, epsilon } = norm;
  if (![...gamma, ...beta, epsilon].every(Number.isFinite)) return 'its constants are not finite';
  return { over: found.over, centre, epsilon, gamma, beta, clamp: noClamp };
}
