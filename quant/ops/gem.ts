/**
 * gem in int8: a table of 256 powers, an exact int64 sum, and 255 bounds that replace the root.
 *
 * In: [t][f][c] int8.  Out: [1][f or 1][c] int8. Powers are integers of `unit` per (input step)^p, so that no
 * sum exceeds 2^62. Output k is the largest whose bound, ((k - zero - 0.5) output steps)^p times the number
 * of values, the sum reaches. The result is within 0.51 steps of the real value: 0.5 is the rounding, the
 * rest that of the table, whose relative error is at most 1 / (2 * 2^p).
 * The table is less its entry of byte 0, and so are the bounds: sums may start with rows of zero bytes.
 */
import type { Clamp, QuantParams } from '../../models/graph/types.ts';
import { maxOf } from '../../models/lists.ts';
import { gemPlaces, powerAt } from '../../models/ops/gem.ts';
import { only } from '../../models/ops/sliding.ts';
import { type GemParams, type IntOp, quantOf, type Range, rangeOf } from './op.ts';

const maxSum = 2 ** 62;
const [never, always] = [2n ** 63n - 1n, -(2n ** 63n)];

interface Mean {
  x: QuantParams;
  y: QuantParams;
  range: Range;
  places: number;
}

/** Returns the table and the bounds of one power. */
function groupOf(p: number, { x, y, range, places }: Mean): { table: bigint[]; roots: bigint[] } {
  const steps = Array.from({ length: 256 }, (_, i) => Math.abs(i - 128 - x.zeroPoint));
  const largest = Math.max(255, maxOf(steps)) ** p;
  const unit = Math.floor(maxSum / places / largest);
  const powers = steps.map((step) => BigInt(Math.round(unit * step ** p)));
  const base = powers[128] as bigint;
  const roots = Array.from({ length: 255 }, (_, i) => {
    const k = i - 127;
    const bound = ((k - y.zeroPoint - 0.5) * y.scale) / x.scale;
    if (k <= range.min || (k <= range.max && bound <= 0)) return always;
    const sum = places * unit * bound ** p;
    return k > range.max || sum > maxSum ? never : BigInt(Math.ceil(sum)) - BigInt(places) * base;
  });
  return { table: powers.map((power) => power - base), roots };
}

/** Returns the output of a sum: 255 bounds are searched in eight steps. */
function rootOf(roots: BigInt64Array, from: number, sum: bigint): number {
  let y = 0;
  for (let step = 128; step > 0; step >>= 1) if (sum >= (roots[from + y + step - 1] as bigint)) y += step;
  return y - 128;
}

export const gem: IntOp<'gem'> = {
  name: 'gem',
  prepare({ attrs, name }, [x], y): GemParams {
    const [xq, yq] = [quantOf(x, name), quantOf(y, name)];
    const shape = x?.shape ?? { t: 0, f: 0, c: 0 };
    const mean = { x: xq, y: yq, range: rangeOf(attrs.clamp as Clamp, yq), places: gemPlaces(shape, attrs.overF) };
    const powers = [...new Set(attrs.powers)];
    const groups = powers.map((p) => groupOf(p, mean));
    return {
      ...mean.range,
      groups: Uint8Array.from({ length: shape.c }, (_, c) => powers.indexOf(powerAt(attrs.powers, c))),
      tables: BigInt64Array.from(groups.flatMap(({ table }) => table)),
      roots: BigInt64Array.from(groups.flatMap(({ roots }) => roots)),
    };
  },
  run({ groups, tables, roots }, xs, out) {
    const { data } = only(xs, 'gem');
    const per = out.f * out.c;
    const sums = new BigInt64Array(per);
    for (let i = 0; i < data.length; i++) {
      const at = i % per;
      const entry = 256 * (groups[at % out.c] as number) + (data[i] as number) + 128;
      sums[at] = (sums[at] as bigint) + (tables[entry] as bigint);
    }
    return Int8Array.from({ length: per }, (_, at) => rootOf(roots, 255 * (groups[at % out.c] as number), sums[at] as bigint));
  },
};
