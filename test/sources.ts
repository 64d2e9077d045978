/**
 * The repository's files, for the tests that read them as text.
 *
 * In: nothing.  Out: paths relative to the root, sorted, and their text. Build output and installed packages
 * are left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './shared.ts';

const leftOut = new Set(['node_modules', '.git', 'out', 'dist', 'coverage', '__pycache__']);

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (leftOut.has(entry.name)) continue;
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

/** All files of the repository. */
export const allFiles: readonly string[] = [...walk('')].sort();

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/**
 * Returns the source files below the given folders: .ts, and JavaScript of workers and the command's entry.
 */
export const sourcesIn = (...folders: string[]): string[] =>
  allFiles.filter((f) => folders.some((folder) => f.startsWith(`${folder}/`)) && /\.(ts|mjs|js)$/.test(f));

/** Returns the text with comments replaced by blanks, so that positions stay; strings are kept. */
export const withoutComments = (text: string): string =>
  text.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (found) =>
    found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : found,
  );
