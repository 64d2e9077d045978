/**
 * A copy of the working tree that a fault can be put into, since other tests read the tree at the same time.
 *
 * In: the root.  Out: a folder with every file that Git tracks or would add, and links to what npm installs
 * and builds. Commands run from the sources there. Cost: about 20 MB each.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../shared.ts';
import { countOf, type Mutant } from './mutant.ts';

/** Folders that are linked, not copied: installed packages, and the page that `runlet page` serves. */
const linked = ['node_modules', 'test/bench/peers/node_modules', 'dist/page'];

export interface Scratch {
  folder: string;
  /** Folder for temporary files of the tests; `close` removes it. */
  temporary: string;
  /** Puts the fault in. @returns a function that removes it. @throws Error if the text does not occur once */
  apply(mutant: Mutant): () => void;
  close(): void;
}

export function makeScratch(): Scratch {
  const base = mkdtempSync(join(tmpdir(), 'runlet-mutants-'));
  const folder = join(base, 'tree');
  const temporary = join(base, 'tmp');
  mkdirSync(temporary);
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' });
  for (const path of listed.split('\0').filter((name) => name && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path), { verbatimSymlinks: true });
  }
  for (const path of linked)
    if (existsSync(join(root, path))) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      symlinkSync(join(root, path), join(folder, path));
    }
  const apply = (mutant: Mutant) => {
    const path = join(folder, mutant.file);
    const text = readFileSync(path, 'utf8');
    const times = countOf(text, mutant.find);
    if (times !== 1) throw new Error(`its text is ${times} times in ${mutant.file}`);
    writeFileSync(
      path,
      text.replace(mutant.find, () => mutant.replace),
    );
    return () => writeFileSync(path, text);
  };
  return { folder, temporary, apply, close: () => rmSync(base, { recursive: true, force: true, maxRetries: 5 }) };
}
