/**
 * normOverWindow: builds a normalisation with statistics over time from single operators. It is computed on
 * whole windows.
 *
 * In: a tensor, the layout of its axes in the file, and the normalisation: over time and features, and over
 * all channels or groups of neighbouring channels.
 * Out: the tensor (x - mean) / sqrt(variance + epsilon) * gamma + beta, or the reason why there is none.
 */
import { elementsOf, kernelOfOne, noClamp, type Shape } from '../../graph/types.ts';
import { repeated } from '../broadcast.ts';
import { type Layout, showLayout } from '../layout.ts';
import { reductions } from '../reduced.ts';
import type { Laid, Maker } from '../rows.ts';
import { spread, valuesOf } from '../spread.ts';
import type { Norm } from './find.ts';
import type { Constant } from './form.ts';

interface Mean {
  of(tensor: number, name: string): number;
  /** Repeats a mean for each element that it was computed from. */
  wide(mean: number, name: string): number;
}

/** Checks whether a normalisation over `dims` runs over time. */
export const isOverTime = (layout: Layout, dims: readonly number[]): boolean =>
  dims.some((d) => layout[d]?.some(({ axis, length }) => axis === 't' && length > 1));

/** Returns how to compute the mean over `dims`, or the reason why it cannot be computed. */
function meanOver({ builder, add }: Maker, { tensor, layout }: Laid, dims: readonly number[]): Mean | string {
  const { t, f, c } = builder.shape(tensor);
  const over: Shape = { t: 1, f: 1, c: 1 };
  for (const d of dims) for (const { axis, length } of layout[d] ?? []) over[axis] *= length;
  const isOver = layout.flatMap((factors, d) =>
    factors.filter(({ axis, length }) => axis === 'c' && length > 1).map(() => dims.includes(d)),
  );
  const isRun = !isOver.includes(true) || isOver.lastIndexOf(false) < isOver.indexOf(true);
  if ((over.t > 1 && over.t < t) || (over.f > 1 && over.f < f) || !isRun)
    return `it normalises dimensions ${dims.join(', ')} of ${showLayout(layout)}, which cover only part of an axis`;
  const isGroup = over.c > 1 && over.c < c;
  const axes = new Set((['t', 'f', 'c'] as const).filter((axis) => over[axis] > 1 && !(axis === 'c' && isGroup)));
  const weights = { data: new Float32Array(c * over.c).fill(1 / over.c) };
  const groups = { ...kernelOfOne, groups: c / over.c, outChannels: c, weights, bias: null, clamp: noClamp };
  const repeat = { t: over.t, f: over.f, c: isGroup ? 1 : over.c };
  return {
    of(from, name) {
      let y = from;
      for (const { kind, attrs } of reductions(axes, { t, f, c }, true)) y = add(kind, [y], attrs, `${name}/${kind}`);
      return isGroup ? add('conv', [y], groups, `${name}/groups`) : y;
    },
    wide: (y, name) => repeated(y, repeat, (op, one, attrs) => add(op, [one], attrs, `${name}/repeated`)),
  };
}

/** Emits x * gamma + beta with constants of the file. Returns the tensor, or why the constants do not fit. */
export function scaledBy(
  { builder, add }: Maker,
  { tensor, layout }: Laid,
  gamma: Constant,
  beta: Constant,
  name: string,
): number | string {
  const [scale, offset] = [spread(layout, gamma.dims), spread(layout, beta.dims)];
  if (!scale || !offset) return `its constants of [${gamma.dims.join(', ')}] do not fit ${showLayout(layout)}`;
  const { c } = builder.shape(tensor);
  const [by, plus] = ([[scale, gamma], [offset, beta]] as const).map(([laid, { data }]) => Float32Array.from(valuesOf(laid, data, laid.over === 'c' ? c : undefined))) as [Float32Array, Float32Array]; // biome-ignore format: one line
  if (![...by, ...plus].every(Number.isFinite)) return 'its constants are not finite';
  if (scale.over === 'c' && offset.over === 'c')
    return add('depthwise', [tensor], { ...kernelOfOne, multiplier: 1, weights: { data: by }, bias: plus, clamp: noClamp }, name);
  const scaled = add('mul', [tensor], { clamp: noClamp, constant: { data: by } }, `${name}/scale`);
  return add('add', [scaled], { clamp: noClamp, constant: { data: plus } }, name);
}

/** Emits the normalisation. @param spend charges the budget for the values, before they are made. */
export function normOverWindow(
  maker: Maker,
  x: Laid,
  norm: Omit<Norm, 'input'>,
  name: string,
  spend: (elements: number) => void,
): number | string {
  const { builder, add } = maker;
  const shape = builder.shape(x.tensor);
  spend(elementsOf(shape) + shape.c ** 2);
  const mean = meanOver(maker, x, norm.axes);
  if (typeof mean === 'string') return mean;
  const inWindow = (y: number, part: string) => mean.wide(y, `${name}/${part}`);
  const centred = norm.centre
    ? add(
        'add',
        [x.tensor, inWindow(mean.of(x.tensor, `${name}/mean`), 'mean')],
        { clamp: noClamp, minus: 1 },
        `${name}/difference`,
      )
    : x.tensor;
  const square = add('mul', [centred, centred], { clamp: noClamp }, `${name}/square`);
  const variance = mean.of(square, `${name}/variance`);
  const { c } = builder.shape(variance);
  const weights = { data: new Float32Array(c).fill(1) };
  const bias = new Float32Array(c).fill(norm.epsilon);
  const above = add('depthwise', [variance], { ...kernelOfOne, multiplier: 1, weights, bias, clamp: noClamp }, `${name}/epsilon`);
  const root = add('activation', [above], { fn: 'rsqrt', clamp: noClamp }, `${name}/root`);
  const unit = add('mul', [centred, inWindow(root, 'root')], { clamp: noClamp }, `${name}/unit`);
  return scaledBy(maker, { tensor: unit, layout: x.layout }, norm.gamma, norm.beta, name);
}
