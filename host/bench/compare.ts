/**
 * What a benchmark's figures were before, beside what they are.
 *
 * In: the file that `runlet bench --json` wrote earlier, and this run's rows.  Out: per target the ratios new / old. Times of two runs differ by what
 * else the machine did; bytes and instructions do not.
 */
import { readFile } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';

/** Figures that can be compared, and what they are called. */
const figures = [
  ['medianUs', 'us a hop'],
  ['most', 'instructions a hop'],
  ['codeBytes', 'code'],
  ['memoryBytes', 'memory'],
  ['gzipBytes', 'file, gz'],
] as const;

export interface Measured {
  network: string;
  hop: number;
  core?: string;
  rows: ({ target: string } & Record<string, unknown>)[];
}

export interface Ratio {
  target: string;
  figure: string;
  before: number;
  now: number;
  ratio: number;
}

/** @throws RN720 no such file, RN792 it holds something else, or another network */
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
  let old: Partial<Measured> | null;
  try {
    old = JSON.parse(text) as Partial<Measured> | null;
  } catch (error) {
    throw wrong(`it is no JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(old?.rows) || !old.rows.every((row) => typeof row?.target === 'string'))
    throw wrong('it has no rows of targets');
  for (const field of ['network', 'hop', 'core'] as const)
    if (old[field] !== now[field])
      throw wrong(`its ${field} is ${old[field] ?? 'missing'}, this run's is ${now[field] ?? 'none'}`);
  return old as Measured;
}

export function ratios(before: Measured, now: Measured): Ratio[] {
  return now.rows.flatMap((row) => {
    const old = before.rows.find(({ target }) => target === row.target);
    return figures.flatMap(([field, figure]): Ratio[] => {
      const [a, b] = [old?.[field], row[field]];
      if (typeof a !== 'number' || typeof b !== 'number' || a === 0) return [];
      return [{ target: row.target, figure, before: a, now: b, ratio: b / a }];
    });
  });
}
