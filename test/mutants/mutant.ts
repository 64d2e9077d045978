/**
 * A seeded fault: one small change of one file, and the tests that must notice it.
 *
 * In: one table per folder (table/).  Out: Mutant[], with paths from the root. `find` occurs exactly once in
 * its file and does not depend on line numbers.
 */
import { posix } from 'node:path';
import { turnOf } from '../shared.ts';

export interface Mutant {
  /** Name, unique in all tables, kebab-case. */
  id: string;
  /** Path from the root. */
  file: string;
  /** Text that occurs exactly once in the file. */
  find: string;
  /** Text that replaces it. It still compiles: a test has to notice the fault, not the compiler. */
  replace: string;
  /** Test files, from the root. At least one of them must fail. */
  tests: string[];
  /** Environment variables that keep the tests short: counts and choices. */
  env?: Record<string, string>;
  /** Effect of the fault, in a few words. */
  why: string;
}

type Row = Omit<Mutant, 'file' | 'tests'> & { file: string; tests: string };

/**
 * Returns the rows of one folder. `file` is relative to it; `tests` is a list of test files without `test/`
 * and `.test.ts`, separated by commas.
 */
export const inFolder = (folder: string, rows: readonly Row[]): Mutant[] =>
  rows.map((row) => ({
    ...row,
    file: posix.join(folder, row.file),
    tests: row.tests.split(',').map((name) => `test/${name.trim()}.test.ts`),
  }));

/** Returns how often `part` occurs in `text`. */
export const countOf = (text: string, part: string): number => text.split(part).length - 1;

/** FNV-1a: orders names independently of their folders. */
const hashOf = (name: string): number => {
  let hash = 0x811c9dc5;
  for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  return hash;
};

/** Returns a sixtieth of the mutants. Sixty consecutive seeds cover all. */
export const dayOf = (all: readonly Mutant[], seed: number): Mutant[] =>
  turnOf(
    [...all].sort((a, b) => hashOf(a.id) - hashOf(b.id)),
    60,
    seed,
  );
