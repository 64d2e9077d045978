/**
 * A seeded fault: one small change of one file, and the tests that must notice it.
 *
 * In: a table per folder (table/).  Out: Mutant[], with paths from the root.  `find` occurs exactly once in
 * its file, whatever moves around it.
 */
import { posix } from 'node:path';
import { turnOf } from '../shared.ts';

export interface Mutant {
  /** Name within all tables, kebab-case. */
  id: string;
  /** Path from the root. */
  file: string;
  /** Text of the file, there exactly once. */
  find: string;
  /** What stands there instead. It still compiles: a test has to notice the fault, not the compiler. */
  replace: string;
  /** Test files, from the root. One of them has to fail. */
  tests: string[];
  /** Counts and choices for the tests, so that they take seconds. */
  env?: Record<string, string>;
  /** What goes wrong, in a few words. */
  why: string;
}

type Row = Omit<Mutant, 'file' | 'tests'> & { file: string; tests: string };

/**
 * The rows of one folder: `file` is relative to it, `tests` names test files without `test/` and `.test.ts`,
 * by commas.
 */
export const inFolder = (folder: string, rows: readonly Row[]): Mutant[] =>
  rows.map((row) => ({
    ...row,
    file: posix.join(folder, row.file),
    tests: row.tests.split(',').map((name) => `test/${name.trim()}.test.ts`),
  }));

/** How often `text` holds `part`. */
export const countOf = (text: string, part: string): number => text.split(part).length - 1;

/** FNV-1a: a fixed order of names that has nothing to do with their folders. */
const hashOf = (name: string): number => {
  let hash = 0x811c9dc5;
  for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  return hash;
};

/** A twentieth of the mutants; twenty seeds in a row take all of them. */
export const dayOf = (all: readonly Mutant[], seed: number): Mutant[] =>
  turnOf(
    [...all].sort((a, b) => hashOf(a.id) - hashOf(b.id)),
    20,
    seed,
  );
