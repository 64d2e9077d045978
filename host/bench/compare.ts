/**
 * What a benchmark's figures were before, beside what they are.
 *
 * In: the file that `runlet bench --json` wrote earlier or a release's history (docs/performance), and this
 * run's rows.  Out: per target the ratios new / old. Times of two runs differ by what else the machine did;
 * bytes and instructions do not. A hop's share of the window's time and of the engine's peak are ratios of
 * one run, which carry over to other machines: `--bounds` checks these alone.
 */
import { readFile } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';

/** Figures that can be compared, and what they are called. `carries`: a ratio of one run; more is better. */
const figures: { field: string; figure: string; carries?: true }[] = [
  { field: 'medianUs', figure: 'us a hop' },
  { field: 'timesLess', figure: 'times less', carries: true },
  { field: 'shareOfPeak', figure: 'of peak', carries: true },
  { field: 'most', figure: 'instructions a hop' },
  { field: 'codeBytes', figure: 'code' },
  { field: 'memoryBytes', figure: 'memory' },
  { field: 'gzipBytes', figure: 'file, gz' },
];

export interface Measured {
  network: string;
  hop: number;
  core?: string;
  rows: ({ target: string } & Record<string, unknown>)[];
}

/** One run has one model's figures or several; a history has them as tables. */
type Stored = Partial<Measured> & { models?: unknown; tables?: Record<string, { figures?: unknown } | undefined> };

export interface Ratio {
  target: string;
  figure: string;
  before: number;
  now: number;
  ratio: number;
  /** Whether other machines have this figure too, up to a factor. */
  carries: boolean;
}

const nameOf = ({ network, hop, core }: Partial<Measured>): string => `${network} at hop ${hop}${core ? ` on ${core}` : ''}`;

const isMeasured = (value: unknown): value is Measured => {
  const rows = (value as Partial<Measured> | null)?.rows;
  return Array.isArray(rows) && rows.every((row) => typeof row?.target === 'string');
};

/** @throws RN720 no such file, RN792 it holds something else, or other networks */
export async function earlier(path: string, now: Pick<Measured, 'network' | 'hop' | 'core'>): Promise<Measured> {
  const wrong = (why: string) =>
    new RunletError('RN792', {
      what: 'this file cannot be compared with',
      where: path,
      why,
      tryThis: 'runlet bench with the same model, hop and --core, and --json > FILE',
    });
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new RunletError('RN720', { what: 'this file cannot be opened', where: path, why: (error as Error).message });
  }
  let old: Stored | null;
  try {
    old = JSON.parse(text) as Stored | null;
  } catch (error) {
    throw wrong(`it is no JSON: ${(error as Error).message}`);
  }
  const all = old?.models ?? old?.tables?.[now.core ? 'cores' : 'hop']?.figures ?? [old];
  if (!Array.isArray(all) || !all.every(isMeasured)) throw wrong('it has no rows of targets');
  const found = all.find(({ network, hop, core }) => network === now.network && hop === now.hop && core === now.core);
  if (!found) throw wrong(`it has ${all.map(nameOf).join(', ')}; this run is ${nameOf(now)}`);
  return found;
}

export function ratios(before: Measured, now: Measured): Ratio[] {
  return now.rows.flatMap((row) => {
    const old = before.rows.find(({ target }) => target === row.target);
    return figures.flatMap(({ field, figure, carries = false }): Ratio[] => {
      const [a, b] = [old?.[field], row[field]];
      if (typeof a !== 'number' || typeof b !== 'number' || a === 0) return [];
      return [{ target: row.target, figure, before: a, now: b, ratio: b / a, carries }];
    });
  });
}

/**
 * Checks the figures that carry over between machines. Times, bytes and instructions never fail.
 * @param bounds factor by which such a figure may be worse
 * @throws RN793 one is worse by more; RN792 there is none
 */
export function holdBounds(path: string, before: Measured, now: Measured, bounds: number): void {
  const carried = ratios(before, now).filter(({ carries }) => carries);
  if (carried.length === 0)
    throw new RunletError('RN792', {
      what: `nothing of ${nameOf(now)} can be held to bounds`,
      where: path,
      why: 'no target has its window or its peak in both runs',
      tryThis: 'without --bounds, or with a target of that file',
    });
  const worse = carried.filter(({ ratio }) => ratio * bounds < 1);
  if (worse.length === 0) return;
  throw new RunletError('RN793', {
    what: `${nameOf(now)}: the hop is slower, against its window or the peak, than --bounds ${bounds} allows`,
    where: path,
    why: worse.map((r) => `${r.target}, ${r.figure}: ${r.before.toFixed(2)} before, ${r.now.toFixed(2)} now`).join('; '),
    tryThis: 'measure again on a quiet machine; if it stays, look for what made a hop slower',
  });
}
