/**
 * npm in a clone: it prints no warning about our files, and links the packages and the command of the clone.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';
import { start } from './packed.ts';

const { version, allowScripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  allowScripts: Record<string, boolean>;
};

test('npm knows every setting of .npmrc', () => {
  const { status, stdout, stderr } = start(root, 'npm', 'config', 'get', 'save-exact');
  assert.is(status, 0, stderr);
  assert.is(stdout.trim(), 'true');
  assert.not.match(stderr, 'warn');
});

test('every package with an install script is allowed or denied, so that npm does not ask', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }>;
  };
  const names = Object.entries(packages)
    .filter(([path, { hasInstallScript }]) => path.includes('node_modules/') && hasInstallScript)
    .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
  assert.equal(
    [...new Set(names)].filter((name) => !Object.hasOwn(allowScripts, name)),
    [],
  );
  assert.ok(names.includes('esbuild'), 'the lock file says which have one');
});

test('a clone has its packages and its command in node_modules', () => {
  const { status, stdout, stderr } = start(tmpdir(), join(root, 'node_modules/.bin/runlet'), '--version');
  assert.is(status, 0, stderr);
  assert.is(stdout.trim(), version);
  for (const [name, folder] of Object.entries({
    runlet: '',
    '@runlet/session': 'host/session',
    '@runlet/gateway': 'host/gateway',
  }))
    assert.is(realpathSync(join(root, 'node_modules', name)), realpathSync(join(root, folder)), name);
});

test.run();
