/**
 * Which segment of wasm each piece of machine code belongs to: the one that ran as often.
 *
 * In: pieces of a trace (scripts/fit/trace.ts) and how often each segment ran.  Out: instructions by function
 * and segment. Lines alone do not tell it: gcc moves what does not change out of a loop, turns loops around
 * and merges ends, and leaves the line of where it was. A loop's prologue so counted as its body makes a body
 * that costs more the fewer times it runs. Both counts are exact, so that equality finds the place; a piece
 * that runs one time less for each entry of a loop is the difference of two segments.
 */
import type { CompiledCounts } from '../../host/fit/counts.ts';
import { segmentsOf } from '../../host/fit/wasm/segments.ts';
import type { Piece } from './trace.ts';

export interface Term {
  segment: number;
  sign: 1 | -1;
}

/** Below this many runs two counts are alike by chance. */
const fewestTimes = 24;

/**
 * Segments whose counts together are those of a piece, of which the lines say that it is in one of `own`;
 * undefined: none are.
 */
export function termsOf(counts: readonly number[], own: readonly number[], times: number): Term[] | undefined {
  const far = (s: number) => Math.min(...own.map((o) => (s <= o ? o - s : s - o + 0.5)));
  const nearest = (found: number[]) => found.sort((a, b) => far(a) - far(b))[0];
  const where = (matches: (count: number, s: number) => boolean) => counts.flatMap((count, s) => (matches(count, s) ? [s] : []));
  const equal = nearest(where((count) => count === times));
  if (equal !== undefined) return [{ segment: equal, sign: 1 }];
  if (times < fewestTimes) return undefined;
  for (const sign of [-1, 1] as const)
    for (const mine of own) {
      const count = counts[mine] ?? 0;
      if (count === 0) continue;
      const other = nearest(where((c, s) => s !== mine && c > 0 && count + sign * c === times));
      if (other !== undefined) return [{ segment: mine, sign: 1 }, { segment: other, sign }]; // biome-ignore format: one line
    }
  return undefined;
}

/** The function of a symbol: gcc adds what it made of it (.constprop, .isra, .part). */
function functionOf(symbol: string, names: ReadonlyMap<string, number>, imported: number): number {
  const name = symbol.replace(/\..*$/, '').replace(/^(w2c_|Z_moduleZ_)/, '');
  return names.get(name) ?? Number(/^f(\d+)$/.exec(name)?.[1] ?? Number.NaN) - imported;
}

/**
 * [function][segment, then first runs of bodies]; a segment's may be negative, where another's code runs as
 * often as the two differ.
 */
export function attributed(
  pieces: readonly Piece[],
  { module, segments, firsts, all, plain, origins }: CompiledCounts,
): number[][] {
  const counts = module.functions.map((_, f) =>
    [...(segments[f] ?? []), ...(firsts[f] ?? [])].map(({ counter }) => (counter === undefined ? 0 : (all[counter] ?? 0))),
  );
  const took = counts.map((of) => of.map(() => 0));
  const names = new Map([...plain.exported].map(([f, name]) => [name, f]));
  const before = plain.functions.map(({ code }) => segmentsOf(code));
  /** By function and segment of the plain module: the segments that have instructions of it, by function. */
  const owners = new Map<string, Map<number, number[]>>();
  for (const [f, list] of segments.entries())
    for (const [s, { from, to }] of list.entries())
      for (const { fn, at } of origins[f]?.slice(from, to) ?? []) {
        const place = `${fn} ${before[fn]?.findIndex((segment) => at < segment.to)}`;
        const here = owners.get(place) ?? new Map<number, number[]>();
        const of = here.get(f) ?? [];
        if (!of.includes(s)) of.push(s);
        here.set(f, of);
        owners.set(place, here);
      }
  for (const { fn, segment, symbol, instructions, times } of pieces) {
    const host = functionOf(symbol, names, plain.imported.length);
    const places = owners.get(`${fn} ${segment}`) ?? new Map<number, number[]>();
    const own = places.get(host);
    const of = counts[host] ?? [];
    const terms = own && termsOf(of, own, times);
    if (terms) {
      const to = took[host] as number[];
      for (const { segment: s, sign } of terms) to[s] = (to[s] ?? 0) + sign * instructions * (of[s] ?? 0);
      continue;
    }
    // decided by data, which wasm does not count: shared among what its line says, or what ran before it
    const shares = (own ? [[host, own] as const] : [...places]).flatMap(([f, list]) =>
      list.map((s) => {
        let at = s;
        while (at > 0 && !counts[f]?.[at]) at--;
        return { f, s: at, count: counts[f]?.[at] ?? 0 };
      }),
    );
    const whole = shares.reduce((sum, { count }) => sum + count, 0);
    for (const { f, s, count } of shares) {
      const to = took[f] as number[];
      if (whole > 0) to[s] = (to[s] ?? 0) + (instructions * times * count) / whole;
    }
  }
  return took;
}
