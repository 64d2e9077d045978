/** The command line with weights in a separate file: build writes it; run, inspect and validate find it. */
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readManifest } from '../../assembly/bundle/read.ts';
import { homes } from '../../assembly/emit/home.ts';
import { weightsPath } from '../../host/command/bundle-file.ts';
import { root } from '../shared.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-weights-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

const runlet = (...args: string[]) => runCli(folder, args);

test.before(async () => {
  cpSync(join(root, 'test/fixtures/onnx/q-plain-s8.onnx'), at('q.onnx'));
  for (const home of homes) {
    const { code, stderr } = await runlet('build', 'q.onnx', '-o', `${home}.wasm`, '--weights', home, '--target', 'native');
    assert.is(code, 0, stderr);
  }
});

test('build writes the weights next to the module and reports it', async () => {
  assert.not.ok(existsSync(at('embed.weights.bin')));
  for (const home of ['linear', 'tile'] as const) {
    const { weights } = readManifest(readFileSync(at(`${home}.wasm`)));
    assert.is(weights?.home, home);
    assert.is(readFileSync(at(`${home}.weights.bin`)).length, weights?.bytes);
    const { stdout } = await runlet('build', 'q.onnx', '-o', `${home}.wasm`, '--weights', home, '--target', 'native');
    assert.match(stdout, new RegExp(`weights +${home}\\.weights\\.bin: .*home ${home}`));
  }
  assert.is(weightsPath('a/model.wasm'), 'a/model.weights.bin');
  assert.is(weightsPath('model'), 'model.weights.bin');
});

test('run prints the same lines from every home', async () => {
  const lines = await Promise.all(homes.map((home) => runlet('run', `${home}.wasm`, 'gen:noise?seconds=2', '--limit', '4')));
  const [first, ...others] = lines;
  assert.is(first?.code, 0, first?.stderr);
  assert.is(first?.stdout.trim().split('\n').length, 4);
  for (const { stdout, stderr } of others) assert.is(stdout, first?.stdout, stderr);
});

test('inspect shows where weights lie, and the parts add up', async () => {
  for (const home of homes) {
    const facts = JSON.parse((await runlet('inspect', `${home}.wasm`, '--json')).stdout);
    assert.is(facts.weights.home, home);
    assert.is(facts.weightBytes, home === 'tile' ? 0 : facts.weights.bytes);
    const parts = ['weightBytes', 'tableBytes', 'stateBytes', 'scratchBytes', 'ioBytes', 'paddingBytes'];
    assert.is(parts.reduce((sum, part) => sum + facts[part], 0), facts.memoryBytes); // biome-ignore format: one line
    const { stdout } = await runlet('inspect', `${home}.wasm`);
    assert.match(stdout, new RegExp(`weights \\d+ bytes .*home ${home}`));
    assert.is(/^weights [█·]/m.test(stdout), home !== 'tile', 'a region of memory');
  }
});

test('missing weights, and weights of another build, are reported', async () => {
  renameSync(at('tile.weights.bin'), at('kept.bin'));
  const missing = await runlet('run', 'tile.wasm', 'gen:noise?seconds=1');
  assert.is(missing.code, 4);
  assert.match(missing.stderr, /RN720 .*weights.*tile\.weights\.bin.*--weights tile/s);
  assert.match((await runlet('inspect', 'tile.wasm')).stdout, /tile\.weights\.bin, which is missing/);
  const bytes = readFileSync(at('kept.bin'));
  bytes[9] = (bytes[9] as number) ^ 1;
  writeFileSync(at('tile.weights.bin'), bytes);
  assert.match((await runlet('run', 'tile.wasm', 'gen:noise?seconds=1')).stderr, /RN717 .*SHA-256/s);
  renameSync(at('kept.bin'), at('tile.weights.bin'));
  // an unused weights file is ignored
  writeFileSync(at('embed.weights.bin'), bytes);
  assert.is((await runlet('run', 'embed.wasm', 'gen:noise?seconds=1')).code, 0);
  rmSync(at('embed.weights.bin'));
});

test('build --verbose prints the kernel of each layer, the layout of its weights, and the reason', async () => {
  const choices = async (...args: string[]) => {
    const { stdout, stderr } = await runlet('build', 'q.onnx', '-o', 'v.wasm', '--verbose', '--json', ...args);
    assert.ok(stdout, stderr);
    return JSON.parse(stdout).choices;
  };
  for (const [target, kernel, tile] of [
    ['interp', /_interp$/, / of 6/],
    ['native', /_native$/, / of 4/],
    ['simd', /_simd$/, / of 8/],
  ] as const) {
    const { kernels, style } = await choices('--target', target);
    assert.ok(kernels.length >= 3);
    for (const { layer, kernel: fn, layout, why } of kernels) {
      assert.match(fn, kernel, layer);
      assert.match(layout, tile, layer);
      assert.match(why, new RegExp(`target ${target}`), layer);
    }
    assert.is(style.taken, 'calls');
    assert.ok(style.calls > 1000 && style.table > style.calls);
  }
  const { kernels } = await choices('--weights', 'tile');
  for (const { layout } of kernels) assert.match(layout, /outputs? per fetch of \d+ bytes/);
  const { stdout } = await runlet('build', 'q.onnx', '-o', 'v.wasm', '--verbose', '--hop', '7');
  assert.match(stdout, /style +calls: the default/);
});

test('impossible homes are refused', async () => {
  for (const [args, code, text] of [
    [['--weights', 'flash'], 2, /RN740 .*embed, linear, tile/s],
    [['--weights', 'tile', '--target', 'simd'], 1, /RN508 .*simd/s],
  ] as const) {
    const result = await runlet('build', 'q.onnx', '-o', 'x.wasm', ...args);
    assert.match(result.stderr, text);
    assert.is(result.code, code);
  }
});

test.run();
