/**
 * simd and relaxed: which inner loops a module has, by what they cost and how many bytes they are.
 *
 * In: the places that each layer makes in a call.  Out: of all choices that take at most SLACK times the
 * fewest vector instructions, the one with the fewest bytes of code.
 *
 * Vector instructions, counted in the kernels: two taps of eight outputs take 18 for four places, 10 for two,
 * 6 for one, 5 for one that is alone in its call (conv-place-simd.ts); two taps of eight channels 26 for four
 * rows, 10 for one (depthwise-simd.ts), 7 for one that is alone (depthwise-row-simd.ts); to requantise eight
 * outputs 15.
 */
import { minOf } from '../../../models/lists.ts';
import type { Need } from '../needs.ts';
import type { ModuleChoice } from '../ops/op.ts';

/** A layer that sums up: `runs` of places that follow each other. */
export interface SimdLayer {
  op: 'conv' | 'depthwise';
  runs: number[];
  /** Eights of outputs, or of channels. */
  tiles: number;
  /** Pairs of taps of an output. */
  pairs: number;
  /** depthwise: rows lie so that four share what is zipped. */
  inFours: boolean;
  /** May be taken by the kernel for one place or row a call. */
  alone: boolean;
  /**
   * Loops that it must have: fours where it takes the largest of several places, all where edges differ from
   * call to call.
   */
  needs: Need[];
}

/** Which layers have their own kernel: those of one place a call, depthwise ones of one row. */
type Alone = Omit<ModuleChoice, 'needs'>;

/** What loops cost. Those of their own kernels are left out where a target has none. */
export interface LoopCosts {
  /** Bytes of code of each loop: modules with and without it, after the optimiser. */
  bytes: Partial<Record<Need, number>>;
  alone?: { alone: number; rowAlone: number };
  /** Vector instructions for two taps of eight outputs, a place. */
  perPair: { four: number; two: number; one: number; alone?: number; rowFour: number; row: number; rowAlone?: number };
}

const slack = 1.04;
const requantise = 15;

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

/** Instructions of a run of `n` places a tile; infinite where the module cannot. */
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
    // where single rows are not there, the last four overlap those before
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
  // a pair of the same place
  return cost + left * pairs * (has('ONES') ? perPair.one : 2 * perPair.two);
}

const subsets = <T>(values: T[]): T[][] =>
  Array.from({ length: 2 ** values.length }, (_, bits) => values.filter((_, i) => (bits >> i) & 1));

export function simdLoops(layers: SimdLayer[], { bytes, alone: aloneBytes, perPair }: LoopCosts): ModuleChoice {
  const forced = layers.flatMap(({ needs }) => needs);
  const kinds = aloneBytes ? [false, true] : [false];
  const choices = subsets<Need>(['FOURS', 'PAIRS', 'ONES', 'ROW_FOURS', 'ROW_ONES'])
    .filter((some) => forced.every((need) => some.includes(need)))
    .flatMap((some) => kinds.flatMap((alone) => kinds.map((rowAlone) => ({ some, own: { alone, rowAlone } }))))
    .map(({ some, own }) => {
      const has = (need: Need) => some.includes(need);
      const cost = sum(layers.map((layer) => layer.tiles * sum(layer.runs.map((n) => runCost(layer, n, has, own, perPair)))));
      const more = (own.alone ? (aloneBytes?.alone ?? 0) : 0) + (own.rowAlone ? (aloneBytes?.rowAlone ?? 0) : 0);
      return { some, own, cost, bytes: sum(some.map((need) => bytes[need] ?? 0)) + more };
    });
  const least = minOf(choices.map(({ cost }) => cost));
  const [best] = choices.filter(({ cost }) => cost <= slack * least).sort((a, b) => a.bytes - b.bytes || a.cost - b.cost);
  return { needs: best?.some ?? [], alone: false, rowAlone: false, ...best?.own };
}
