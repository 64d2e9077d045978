/** The command line for signatures: keygen, sign and verify, exit codes, JSON, weights in a separate file. */
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-sign-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

const runlet = (...args: string[]) => runCli(folder, args);
const json = async (...args: string[]) => JSON.parse((await runlet(...args, '--json')).stdout);

test.before(async () => {
  cpSync(join(root, 'test/fixtures/onnx/q-plain-s8.onnx'), at('q.onnx'));
  for (const home of ['embed', 'tile']) {
    const { code, stderr } = await runlet('build', 'q.onnx', '-o', `${home}.wasm`, '--weights', home, '--target', 'native');
    assert.is(code, 0, stderr);
  }
});

let id = '';
test('keygen writes two files, the secret one readable only by its owner, and overwrites none', async () => {
  const made = await json('keygen', 'mine');
  id = made.keyId;
  assert.match(id, /^[0-9a-f]{24}$/);
  assert.match(made.publicKey, /^[0-9a-f]{64}$/);
  assert.is(statSync(at('mine.key')).mode & 0o777, 0o600);
  assert.match(readFileSync(at('mine.pub'), 'utf8'), /^-----BEGIN PUBLIC KEY-----\n[^-]{60}\n-----END/);
  const before = readFileSync(at('mine.key'), 'utf8');
  const again = await runlet('keygen', 'mine');
  assert.is(again.code, 4);
  assert.match(again.stderr, /RN720/);
  assert.is(readFileSync(at('mine.key'), 'utf8'), before);
  const { stdout } = await runlet('keygen', 'other');
  assert.match(stdout, /secret {2}other\.key[\s\S]*id {6}[0-9a-f]{24}\nin C {4}\{0x/);
  assert.is(stdout.match(/0x[0-9a-f]{2}/g)?.length, 32);
  await json('keygen', 'raw', '--wasmsign2');
  assert.equal([readFileSync(at('raw.key')).length, readFileSync(at('raw.pub')).length], [65, 33]);
});

test('sign and verify work, and an unsigned bundle or another key is exit code 1', async () => {
  const unsignedOne = await runlet('verify', 'embed.wasm', '--key', 'mine.pub');
  assert.is(unsignedOne.code, 1);
  assert.match(unsignedOne.stderr, /RN608/);
  const before = readFileSync(at('embed.wasm'));
  const signed = await runlet('sign', 'embed.wasm', '--key', 'mine.key', '-o', 'signed.wasm');
  assert.is(signed.code, 0, signed.stderr);
  assert.match(signed.stdout, new RegExp(`signed.wasm: .*signed by ${id}`));
  assert.equal(readFileSync(at('embed.wasm')), before, 'another file was asked for');
  const verified = await runlet('verify', 'signed.wasm', '--key', 'mine.pub');
  assert.is(verified.code, 0, verified.stderr);
  assert.match(verified.stdout, `is signed by ${id} and unchanged`);
  assert.equal(await json('verify', 'signed.wasm', '--key', 'mine.pub'), { ok: true, name: 'q', keyId: id });
  const other = await runlet('verify', 'signed.wasm', '--key', 'other.pub', '--json');
  assert.is(other.code, 1);
  assert.is(JSON.parse(other.stdout).error.code, 'RN610');
  writeFileSync(at('both.pub'), readFileSync(at('other.pub'), 'utf8') + readFileSync(at('mine.pub'), 'utf8'));
  assert.is((await json('verify', 'signed.wasm', '--key', 'both.pub')).keyId, id);
  await json('sign', 'signed.wasm', '--key', 'raw.key', '-o', 'raw.wasm');
  assert.ok((await json('verify', 'raw.wasm', '--key', 'raw.pub')).ok);
  // signing in place, and signing again, gives the same bytes
  assert.is((await runlet('sign', 'embed.wasm', '-k', 'mine.key')).code, 0);
  assert.equal(readFileSync(at('embed.wasm')), readFileSync(at('signed.wasm')));
});

test('the signature covers the digest of weights in a separate file', async () => {
  const signed = await json('sign', 'tile.wasm', '--key', 'mine.key');
  assert.match(signed.weightsDigest, /^[0-9a-f]{64}$/);
  assert.ok((await json('verify', 'tile.wasm', '--key', 'mine.pub')).weightsBytes > 0);
  const weights = readFileSync(at('tile.weights.bin'));
  weights[0] = (weights[0] as number) ^ 1;
  writeFileSync(at('tile.weights.bin'), weights);
  const changed = await runlet('verify', 'tile.wasm', '--key', 'mine.pub');
  assert.is(changed.code, 4);
  assert.match(changed.stderr, /RN717/);
});

test('a file that is no key or no bundle is refused', async () => {
  for (const [args, code, exit] of [
    [['sign', 'embed.wasm', '--key', 'mine.pub'], 'RN611', 4],
    [['verify', 'embed.wasm', '--key', 'mine.key'], 'RN611', 4],
    [['sign', 'q.onnx', '--key', 'mine.key'], 'RN600', 4],
    [['verify', 'q.onnx', '--key', 'mine.pub'], 'RN600', 4],
    [['verify', 'embed.wasm', '--key', 'absent.pub'], 'RN720', 4],
  ] as const) {
    const { code: got, stderr } = await runlet(...args);
    assert.is(got, exit, args.join(' '));
    assert.match(stderr, code);
  }
  assert.is((await runlet('sign', 'embed.wasm')).code, 2, '--key is needed');
});

test.run();
