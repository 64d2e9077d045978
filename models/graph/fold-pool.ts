/**
 * asGlobalPool: writes a pool over the whole window as a global pool, which streams without keeping rows.
 *
 * In: a pool and its shapes.  Out: the global pool with the same values; undefined if the pool is padded or
 * slides.
 */
import type { GlobalPoolAttrs, Node, NodeOf, Shape } from './types.ts';

/**
 * Finds an unpadded pool over all frames (and over all feature rows, or each row separately): a global pool.
 * @param rule integer rule of an average
 */
export function asGlobalPool(
  { op, name, inputs, output, attrs }: NodeOf<'avgpool'> | NodeOf<'maxpool'>,
  x: Shape,
  y: Shape,
  rule: GlobalPoolAttrs['rule'],
): Node | undefined {
  if (y.t !== 1 || attrs.kernelT !== x.t || x.t === 1) return undefined;
  if ([...attrs.padT, ...attrs.padF].some((p) => p !== 0)) return undefined;
  const allRows = attrs.kernelF === x.f && y.f === 1;
  if (!allRows && !(attrs.kernelF === 1 && attrs.strideF === 1)) return undefined;
  const global = { overF: allRows && x.f > 1, clamp: attrs.clamp };
  return op === 'avgpool'
    ? { op: 'globalavg', name, inputs, output, attrs: { ...global, rule } }
    : { op: 'globalmax', name, inputs, output, attrs: global };
}
