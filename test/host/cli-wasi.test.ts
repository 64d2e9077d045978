/**
 * The command line and WASI: build --wasi makes a command, inspect shows the form, run takes it like any
 * bundle, and golden writes a test for any runtime.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readManifest } from '../../assembly/bundle/read.ts';
import { root } from '../shared.ts';
import { runInNode } from '../wasi/node-wasi.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-wasi-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

const runlet = (...args: string[]) => runCli(folder, args);

test.before(async () => {
  cpSync(join(root, 'test/fixtures/onnx/q-plain-s8.onnx'), at('q.onnx'));
  for (const args of [['plain.wasm'], ['wasi.wasm', '--wasi']]) {
    const { code, stdout, stderr } = await runlet('build', 'q.onnx', '-o', ...args);
    assert.is(code, 0, stderr);
    assert.is(/^form +also a WASI command/m.test(stdout), args.includes('--wasi'));
  }
});

test('inspect shows the form, and run takes the command like any bundle', async () => {
  assert.match((await runlet('inspect', 'wasi.wasm')).stdout, /also a WASI command: frames on standard input/);
  assert.is(JSON.parse((await runlet('inspect', 'wasi.wasm', '--json')).stdout).form, 'wasi');
  assert.is(JSON.parse((await runlet('inspect', 'plain.wasm', '--json')).stdout).form, undefined);
  const [plain, wasi] = await Promise.all(
    ['plain.wasm', 'wasi.wasm'].map((file) => runlet('run', file, 'gen:noise?seconds=2', '--limit', '4')),
  );
  assert.is(wasi?.code, 0, wasi?.stderr);
  assert.is(wasi?.stdout, plain?.stdout);
});

test('golden writes frames and outputs, and a WASI runtime gives the same outputs', async () => {
  const { code, stdout, stderr } = await runlet('golden', 'wasi.wasm');
  assert.is(code, 0, stderr);
  assert.match(stdout, /frames +wasi\.frames\.bin: .* hops\noutputs +wasi\.outputs\.bin: .*SHA-256/);
  const outputs = readFileSync(at('wasi.outputs.bin'));
  const { golden } = readManifest(readFileSync(at('wasi.wasm')));
  const { status, out } = await runInNode(readFileSync(at('wasi.wasm')), readFileSync(at('wasi.frames.bin')));
  assert.is(status, 0);
  assert.ok(out.length > 0 && outputs.equals(Buffer.from(out)));
  const json = JSON.parse((await runlet('golden', 'plain.wasm', '--frames', 'f', '--outputs', 'd/o', '--json')).stdout);
  assert.equal([json.hops, json.count, json.digest], [golden.hops, golden.outputs, golden.digest]);
  assert.equal([json.frames.path, json.outputs.path, json.outputs.bytes], ['f', 'd/o', outputs.length]);
  assert.ok(readFileSync(at('f')).equals(readFileSync(at('wasi.frames.bin'))), 'frames of the plain bundle');
  assert.ok(readFileSync(at('d/o')).equals(outputs));
});

test('a bundle whose outputs differ from the reference gets no golden files, and weights are inside the module', async () => {
  const text = readFileSync(at('plain.wasm'));
  const digest = text.indexOf(readManifest(text).golden.digest);
  text[digest] = (text[digest] as number) === 0x30 ? 0x31 : 0x30;
  writeFileSync(at('other.wasm'), text);
  const other = await runlet('golden', 'other.wasm');
  assert.is(other.code, 1);
  assert.match(other.stderr, /RN713/);
  assert.not.ok(existsSync(at('other.frames.bin')));
  const apart = await runlet('build', 'q.onnx', '-o', 'x.wasm', '--wasi', '--weights', 'tile');
  assert.is(apart.code, 1);
  assert.match(apart.stderr, /RN508 .*WASI/s);
});

test.run();
