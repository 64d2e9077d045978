/**
 * activation in int8: a 256-entry table made at build time.
 *
 * In: int8 elements.  Out: int8 elements, table[q + 128].  Sigmoid and tanh have TensorFlow Lite's fixed output scales (1/256 with zero
 * point -128, 1/128 with 0); with another output scale a requantisation is folded into the table.
 */
import type { ActivationAttrs, QuantParams } from '../../models/graph/types.ts';
import { only } from '../../models/ops/sliding.ts';
import { clampInt } from '../fixed-point.ts';
import { type IntOp, quantOf, rangeOf } from './op.ts';
import { type Entry, hardSwishEntry, leakyReluEntry, logisticEntry, requantiseEntry, tanhEntry } from './tables.ts';

/** Scales that TensorFlow Lite fixes for an activation's output. */
export const fixedOutput: Partial<Record<ActivationAttrs['fn'], QuantParams>> = {
  sigmoid: { scale: 1 / 256, zeroPoint: -128 },
  tanh: { scale: 1 / 128, zeroPoint: 0 },
};

function entryOf(attrs: ActivationAttrs, x: QuantParams, y: QuantParams): Entry {
  const fixed = fixedOutput[attrs.fn];
  if (fixed) {
    const inner = attrs.fn === 'sigmoid' ? logisticEntry(x) : tanhEntry(x);
    if (fixed.scale === y.scale && fixed.zeroPoint === y.zeroPoint) return inner;
    const outer = requantiseEntry(fixed, y);
    return (q) => outer(inner(q));
  }
  if (attrs.fn === 'leakyrelu') return leakyReluEntry(x, y, attrs.alpha ?? 0.01);
  return attrs.fn === 'hardswish' ? hardSwishEntry(x, y) : requantiseEntry(x, y);
}

export const activation: IntOp<'activation'> = {
  name: 'activation',
  prepare({ attrs, name }, [x], y) {
    const yq = quantOf(y, name);
    const entry = entryOf(attrs, quantOf(x, name), yq);
    const { min, max } = rangeOf(attrs.clamp, yq);
    return { table: Int8Array.from({ length: 256 }, (_, i) => clampInt(entry(i - 128), min, max)) };
  },
  run: (p, xs) => only(xs, 'activation').data.map((q) => p.table[q + 128] as number),
};
