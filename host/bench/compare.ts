/**
 * Compares a benchmark's figures with earlier ones.
 *
 * In: an earlier file of `runlet bench --json` or a release's history (docs/performance), and this run's
 * rows.
 * Out: per target the ratios new / old. Times of two runs differ with the load of the machine; bytes and
 * instructions do not. The ratio of a window's time to a hop's and the hop's share of the engine's peak are
 * ratios within one run, so they carry over to other machines. `--bounds` checks only these two.
 */
import { readFile } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';

export interface Figure {
  field: string;
  /** Name for people. */
  figure: string;
  /** True for a ratio within one run, for which more is better. */
  carries?: true;
}

/** Figures that are compared with earlier ones. */
const comparable: readonly Figure[] = [
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

/** A run with the figures of one model or several, or a history with tables of them. */
type Stored = Partial<Measured> & { models?: unknown; tables?: Record<string, { figures?: unknown } | undefined> };

export interface Ratio {
  target: string;
  figure: string;
  before: number;
  now: number;
  ratio: number;
  /** True if the figure carries over to other machines. */
  carries: boolean;
}

const nameOf = ({ network, hop, core }: Partial<Measured>): string => `${network} at hop ${hop}${core ? ` on ${core}` : ''}`;

const isMeasured = (value: unknown): value is Measured => {
  const rows = (value as Partial<Measured> | null)?.rows;
  return Array.isArray(rows) && rows.every((row) => typeof row?.target === 'string');
};

/** Reads earlier figures of this network. @throws RN720 unreadable file, RN792 it has no such figures */
export async function earlier(path: string, now: Pick<Measured, 'network' | 'hop' | 'core'>): Promise<Measured> {
  const wrong = (why: string) =>
    new RunletError('RN792', {
      what: 'this file cannot be compared with the present run',
      where: path,
      why,
      tryThis: 'write it by runlet bench --json > FILE with the same model, hop and --core',
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
    throw wrong(`it is not JSON: ${(error as Error).message}`);
  }
  const all = old?.models ?? old?.tables?.[now.core ? 'cores' : 'hop']?.figures ?? [old];
  if (!Array.isArray(all) || !all.every(isMeasured)) throw wrong('it has no rows with targets');
  const found = all.find(({ network, hop, core }) => network === now.network && hop === now.hop && core === now.core);
  if (!found) throw wrong(`it has ${all.map(nameOf).join(', ')}, but this run is ${nameOf(now)}`);
  return found;
}

/** Returns the ratios of the figures that both networks have for a target. */
export function ratios(before: Measured, now: Measured, figures: readonly Figure[] = comparable): Ratio[] {
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
 * @throws RN793 a figure is worse by more; RN792 there is no such figure
 */
export function holdBounds(path: string, before: Measured, now: Measured, bounds: number): void {
  const carried = ratios(before, now).filter(({ carries }) => carries);
  if (carried.length === 0)
    throw new RunletError('RN792', {
      what: `--bounds can check no figure of ${nameOf(now)}`,
      where: path,
      why: 'no target has the time of its window or its peak in both runs',
      tryThis: 'leave out --bounds, or measure a target of that file',
    });
  const worse = carried.filter(({ ratio }) => ratio * bounds < 1);
  if (worse.length === 0) return;
  throw new RunletError('RN793', {
    what: `${nameOf(now)}: relative to its window or the peak, the hop is slower than --bounds ${bounds} allows`,
    where: path,
    why: worse.map((r) => `${r.target}, ${r.figure}: ${r.before.toFixed(2)} before, ${r.now.toFixed(2)} now`).join('; '),
    tryThis: 'measure again on a quiet machine; if the result is the same, find the change that made the hop slower',
  });
}
