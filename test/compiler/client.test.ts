/**
 * The compiler of all tests answers for the threads of this tree, and of copies that hold the same, and for
 * no other.
 *
 * That it gives the same bytes is what test/golden says: its modules were pinned without it.
 */
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';
import { kindOf } from './client.mjs';

const asc = 'assembly/emit/asc-worker.mjs';
const ir = 'assembly/c/ir-worker.mjs';
const files = [asc, ir, 'assembly/emit/tools.mjs', 'asconfig.mjs'];
const folder = mkdtempSync(join(tmpdir(), 'runlet-copy-'));
test.after(() => rmSync(folder, { recursive: true }));

const kindIn = (base: string, file: string) => kindOf(pathToFileURL(join(base, file)));

/** A copy with the packages of this tree. */
function copy(name: string): string {
  const base = join(folder, name);
  for (const file of files) cpSync(join(root, file), join(base, file));
  symlinkSync(join(root, 'node_modules'), join(base, 'node_modules'));
  return base;
}

test('this tree, what is made of it, and a copy that holds the same', () => {
  for (const base of [root, join(root, 'dist'), copy('same')]) {
    assert.is(kindIn(base, asc), 'asc', base);
    assert.is(kindIn(base, ir), 'ir', base);
  }
});

test('a copy with a fault is compiled by a thread of its own', () => {
  for (const file of files) {
    const base = copy(`changed-${files.indexOf(file)}`);
    appendFileSync(join(base, file), '\n');
    const kinds = [kindIn(base, asc), kindIn(base, ir)];
    assert.equal(kinds, file === ir ? ['asc', undefined] : [undefined, 'ir'], file);
  }
});

test('so is an installed package with a compiler of its own, and every other thread', () => {
  const base = copy('installed');
  rmSync(join(base, 'node_modules'));
  assert.is(kindIn(base, asc), undefined, 'no compiler');
  mkdirSync(join(base, 'node_modules/assemblyscript'), { recursive: true });
  symlinkSync(join(root, 'node_modules/binaryen'), join(base, 'node_modules/binaryen'));
  assert.is(kindIn(base, asc), undefined, 'another compiler');
  assert.is(kindIn(root, 'host/gateway/worker/thread.ts'), undefined);
  assert.is(kindOf(new URL('data:text/javascript,1')), undefined);
});

test.run();
