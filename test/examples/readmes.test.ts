/**
 * The files of the examples: each example has a README that says what was tested, a test that runs its
 * commands, and exact versions of packages.
 *
 * In: examples/.  Out: what is missing. The other tests of this folder run the commands.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { textOf } from '../sources.ts';
import { commandsOf, examples } from './workspace.ts';

const folders = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const { version } = JSON.parse(textOf('package.json')) as { version: string };

test('examples/README.md lists every example', () => {
  const listed = [...textOf('examples/README.md').matchAll(/^\| \[([\w-]+)\]\(\1\/README\.md\) \|/gm)].map(
    ([, name]) => name as string,
  );
  assert.equal(listed.sort(), folders.sort());
});

for (const folder of folders) {
  test(`${folder}: the README says how to build it and how it was tested, and its links are valid`, () => {
    const text = textOf(`examples/${folder}/README.md`);
    const [, tests] = /^## What was tested\n\n[\s\S]*?`npm test -- examples\/(\w+)`/m.exec(text) ?? [];
    assert.ok(existsSync(join(import.meta.dirname, `${tests}.test.ts`)), `${tests}.test.ts`);
    for (const line of commandsOf(folder)) assert.match(line, /^(npx runlet (build|keygen|sign) |mkdir -p out$)/);
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      assert.ok(existsSync(join(examples, folder, target as string)), target);
  });

  const path = join(examples, folder, 'package.json');
  if (existsSync(path))
    test(`${folder}: versions are exact, and packages of this project have its version`, () => {
      const { private: isPrivate, dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(path, 'utf8'));
      assert.is(isPrivate, true);
      for (const [name, wanted] of Object.entries<string>({ ...dependencies, ...devDependencies })) {
        assert.match(wanted, /^\d+\.\d+\.\d+$/, name);
        if (/^(@runlet\/|runlet$)/.test(name)) assert.is(wanted, version, name);
      }
    });
}

test.run();
