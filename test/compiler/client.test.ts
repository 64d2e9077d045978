/**
 * The compiler of all tests answers for the threads of this tree and of identical copies, and for no other.
 *
 * test/golden checks that it gives the same bytes: its modules were pinned without it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { deserialize, serialize } from 'node:v8';
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

/** Returns a copy with the packages of this tree. */
function copy(name: string): string {
  const base = join(folder, name);
  for (const file of files) cpSync(join(root, file), join(base, file));
  symlinkSync(join(root, 'node_modules'), join(base, 'node_modules'));
  return base;
}

test('the shared compiler answers for this tree, its dist folder and an identical copy', () => {
  for (const base of [root, join(root, 'dist'), copy('same')]) {
    assert.is(kindIn(base, asc), 'asc', base);
    assert.is(kindIn(base, ir), 'ir', base);
  }
});

test('a copy with a fault is compiled in a separate thread', () => {
  for (const file of files) {
    const base = copy(`changed-${files.indexOf(file)}`);
    appendFileSync(join(base, file), '\n');
    const kinds = [kindIn(base, asc), kindIn(base, ir)];
    assert.equal(kinds, file === ir ? ['asc', undefined] : [undefined, 'ir'], file);
  }
});

test('an installed package with another compiler and every other thread use separate threads', () => {
  const base = copy('installed');
  rmSync(join(base, 'node_modules'));
  assert.is(kindIn(base, asc), undefined, 'no compiler');
  mkdirSync(join(base, 'node_modules/assemblyscript'), { recursive: true });
  symlinkSync(join(root, 'node_modules/binaryen'), join(base, 'node_modules/binaryen'));
  assert.is(kindIn(base, asc), undefined, 'another compiler');
  assert.is(kindIn(root, 'host/gateway/worker/thread.ts'), undefined);
  assert.is(kindOf(new URL('data:text/javascript,1')), undefined);
});

test('a request that ends early ends its own connection, and the next one is answered', async () => {
  const path = join(folder, 'socket');
  const server = spawn(process.execPath, [join(root, 'test/compiler/server.mjs'), path], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(server.stdout, 'data');
    const ask = async (request: Uint8Array): Promise<Buffer> => {
      const socket = connect({ path });
      socket.end(request);
      return buffer(socket);
    };
    // an empty module: binaryen's thread answers it fast
    const request = serialize({ kind: 'ir', data: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0) });
    for (const length of [0, 1, request.length >> 1])
      assert.is((await ask(request.subarray(0, length))).length, 0, `${length} bytes`);
    assert.type(deserialize(await ask(request)), 'object');
    assert.is(server.exitCode, null);
  } finally {
    server.kill();
  }
});

test.run();
