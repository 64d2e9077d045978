/**
 * Estimates the machine instructions of compiled code from the executed WebAssembly instructions of a hop.
 *
 * In: counted hops, two coefficients of a core.  Out: machine instructions of each hop.
 * Formula: narrow * count + wide * count of 64-bit instructions. Kernels of target `interp` multiply two
 * int8 in one 64-bit number, which takes a 32-bit core several steps; so 64-bit instructions have their own
 * coefficient.
 * Exactness: the counts are exact; docs/fit.md states the error of the estimate (`spread`).
 */
import type { NativeCosts } from './coefficients.ts';
import type { HopCounts } from './counts.ts';

/** Executed WebAssembly instructions: 64-bit ones (`wide`), and all others. */
export interface Executed {
  narrow: number;
  wide: number;
}

/** [first, last] opcodes with an i64 operand or result. Source: WebAssembly core specification 2.0, 5.4. */
const wideCodes = [
  [0x29, 0x29], // i64.load
  [0x30, 0x35], // i64.load8_s to i64.load32_u
  [0x37, 0x37], // i64.store
  [0x3c, 0x3e], // i64.store8 to i64.store32
  [0x42, 0x42], // i64.const
  [0x50, 0x5a], // i64.eqz to i64.ge_u
  [0x79, 0x8a], // i64.clz to i64.rotr
  [0xa7, 0xa7], // i32.wrap_i64
  [0xac, 0xad], // i64.extend_i32
  [0xc2, 0xc4], // i64.extend8_s to i64.extend32_s
] as const;

const isWide = (code: number): boolean => wideCodes.some(([first, last]) => first <= code && code <= last);

/** Counts the instructions of each hop: all instructions of a segment run as often as the segment. */
export function executedIn(
  { module, segments }: Pick<HopCounts, 'module' | 'segments'>,
  hops: readonly Uint32Array[],
): Executed[] {
  const sizes = module.functions.flatMap(({ code }, f) =>
    (segments[f] ?? []).flatMap(({ from, to, counter }) => {
      if (counter === undefined) return [];
      const wide = code.slice(from, to).filter(({ op }) => isWide(op)).length;
      return [{ counter, wide, narrow: to - from - wide }];
    }),
  );
  return hops.map((hop) => {
    const sum = { narrow: 0, wide: 0 };
    for (const { counter, narrow, wide } of sizes) {
      sum.narrow += narrow * (hop[counter] ?? 0);
      sum.wide += wide * (hop[counter] ?? 0);
    }
    return sum;
  });
}

export const nativeCount = (executed: readonly Executed[], costs: Pick<NativeCosts, 'narrow' | 'wide'>): number[] =>
  executed.map(({ narrow, wide }) => costs.narrow * narrow + costs.wide * wide);
