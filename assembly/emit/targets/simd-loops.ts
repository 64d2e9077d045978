/**
 * simd and relaxed: chooses the inner loops of a module by their time and their size.
 *
 * In: the numbers of output positions that each layer computes in a call.  Out: of all choices that take at
 * most `slack` times the fewest vector instructions, the one with the fewest bytes of code.
 *
 * Vector instructions, counted in the kernels. Two taps of eight outputs take 18 for four positions, 10 for
 * two, 6 for one, 5 for one in a call of one position (conv-place-simd.ts). Two taps of eight channels take
 * 26 for four rows (depthwise-four-simd.ts), 10 for one (depthwise-simd.ts), 7 for one in a call of one row
 * (depthwise-row-simd.ts). Requantising eight outputs takes 15.
 */
import { minOf } from '../../../models/lists.ts';
import type { Need } from '../needs.ts';
import type { ModuleChoice } from '../ops/op.ts';

/** A layer that sums products. `runs`: lengths of runs of successive output positions. */
export interface SimdLayer {
  op: 'conv' | 'depthwise';
  runs: number[];
  /** Number of groups of eight outputs, or of eight channels. */
  tiles: number;
  /** Pairs of taps per output. */
  pairs: number;
  /** depthwise: true if four rows can share interleaved inputs. */
  inFours: boolean;
  /** True if the kernel for one position or row per call can run it. */
  alone: boolean;
  /**
   * Loops that it must have: fours if a max pool is fused into it, all if its edges differ from call to call.
   */
  needs: Need[];
}

/** Layers with a separate kernel: those of one position per call, depthwise layers of one row per call. */
type Alone = Omit<ModuleChoice, 'needs'>;

/** Costs of loops. Costs of separate kernels are absent if a target has none. */
export interface LoopCosts {
  /** Bytes of code of each loop: the difference of modules with and without it, after the optimiser. */
  bytes: Partial<Record<Need, number>>;
  alone?: { alone: number; rowAlone: number };
  /** Vector instructions for two taps of eight outputs, per position. */
  perPair: { four: number; two: number; one: number; alone?: number; rowFour: number; row: number; rowAlone?: number };
}

const slack = 1.04;
const requantise = 15;

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

/** Returns the instructions of a run of `n` positions per tile; infinite if the module cannot run it. */
function runCost(
  layer: SimdLayer,
  n: number,
  has: (need: Need) => boolean,
  { alone, rowAlone }: Alone,
  perPair: LoopCosts['perPair'],
): number {
  const { op, pairs, inFours } = layer;
  if (op === 'depthwise') {
    if (rowAlone && layer.alone) return n * ((perPair.rowAlone ?? 0) * pairs + requantise);
    const four = has('ROW_FOURS') && inFours && n >= 4;
    if (!four && !has('ROW_ONES')) return Number.POSITIVE_INFINITY;
    const rest = four ? n % 4 : n;
    // without the loop for single rows, the last four rows overlap those before
    const together = n - rest + (has('ROW_ONES') || rest === 0 ? 0 : 4);
    const single = has('ROW_ONES') ? rest : 0;
    return together * (perPair.rowFour * pairs + requantise) + single * (perPair.row * pairs + requantise);
  }
  if (alone && layer.alone) return n * ((perPair.alone ?? 0) * pairs + requantise);
  let left = n;
  let cost = requantise * n;
  if (has('FOURS')) {
    cost += perPair.four * pairs * (left - (left % 4));
    left %= 4;
  }
  if (has('PAIRS')) {
    cost += perPair.two * pairs * (left - (left % 2));
    left %= 2;
  }
  if (left > 0 && !has('PAIRS') && !has('ONES')) return Number.POSITIVE_INFINITY;
  // without the loop for one, a pair computes the same position twice
  return cost + left * pairs * (has('ONES') ? perPair.one : 2 * perPair.two);
}

const subsets = <T>(values: T[]): T[][] =>
  Array.from({ length: 2 ** values.length }, (_, bits) => values.filter((_, i) => (bits >> i) & 1));

export function simdLoops(layers: SimdLayer[], { bytes, alone: aloneBytes, perPair }: LoopCosts): ModuleChoice {
  const forced = layers.flatMap(({ needs }) => needs);
  const kinds = aloneBytes ? [false, true] : [false];
  const choices = subsets<Need>(['FOURS', 'PAIRS', 'ONES', 'ROW_FOURS', 'ROW_ONES'])
    .filter((loops) => forced.every((need) => loops.includes(need)))
    .flatMap((loops) => kinds.flatMap((alone) => kinds.map((rowAlone) => ({ loops, extra: { alone, rowAlone } }))))
    .map(({ loops, extra }) => {
      const has = (need: Need) => loops.includes(need);
      const cost = sum(layers.map((layer) => layer.tiles * sum(layer.runs.map((n) => runCost(layer, n, has, extra, perPair)))));
      const more = (extra.alone ? (aloneBytes?.alone ?? 0) : 0) + (extra.rowAlone ? (aloneBytes?.rowAlone ?? 0) : 0);
      return { loops, extra, cost, bytes: sum(loops.map((need) => bytes[need] ?? 0)) + more };
    });
  const minCost = minOf(choices.map(({ cost }) => cost));
  const [best] = choices.filter(({ cost }) => cost <= slack * minCost).sort((a, b) => a.bytes - b.bytes || a.cost - b.cost);
  return { needs: best?.loops ?? [], alone: false, rowAlone: false, ...best?.extra };
}
