/** npm run corpus on a folder with an accepted model, a refused one and a file that is no model. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeNpy } from '../host/sources/npy.ts';
import { writeTflite } from './read/tflite-model.ts';
import { haveInterpreters } from './references/interpreters.ts';
import { root } from './shared.ts';

test('models are counted as accepted, right or wrong against a reference, or refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-corpus-'));
  try {
    const relu = { tensors: { x: { shape: [1, 4, 2] }, y: { shape: [1, 4, 2] } }, operators: [{ code: 19, inputs: ['x'], outputs: ['y'] }], inputs: ['x'], outputs: ['y'] }; // biome-ignore format: one line
    const input = Float32Array.from({ length: 8 }, (_, i) => i - 4);
    const output = input.map((x) => Math.max(x, 0));
    for (const [name, y] of [
      ['right', output],
      ['wrong', output.map((x) => x + 0.1)],
    ] as const) {
      // biome-ignore format: one line
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'model.tflite'), writeTflite(relu));
      writeFileSync(join(folder, name, 'in.npy'), writeNpy([1, 1, 4, 2], input));
      writeFileSync(join(folder, name, 'out.npy'), writeNpy([1, 1, 4, 2], y));
    }
    writeFileSync(join(folder, 'damaged.tflite'), 'no model');
    copyFileSync(join(root, 'README.md'), join(folder, 'notes.md'));
    const args = [...process.execArgv, 'scripts/corpus.ts', '--quick', folder];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    assert.match(stdout, /right against a reference: 1 of 2/);
    assert.match(stdout, /wrong +float +WRONG/);
    assert.match(stdout, /damaged +RN1\d\d/);
    assert.match(stdout, /taken 2 of 3/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    assert.is(status, 1, 'a wrong number');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('int8 files are compared with TensorFlow Lite Micro, else with stored outputs, and options apply by id', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-corpus-'));
  const quant = { scales: [0.1], zeroPoints: [0] };
  const relu = (shape: number[], type: number) => ({ tensors: { x: { shape, type, quant }, y: { shape, type, quant } }, operators: [{ code: 19, inputs: ['x'], outputs: ['y'] }], inputs: ['x'], outputs: ['y'] }); // biome-ignore format: one line
  try {
    for (const [name, shape] of [
      ['rows', [1, 4, 2]],
      ['flat', [1, 8]],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'model.tflite'), writeTflite(relu([...shape], 9)));
      writeFileSync(join(folder, name, 'SOURCE.txt'), 'reference: ai-edge-litert');
      writeFileSync(join(folder, name, 'in.npy'), writeNpy([1, ...shape], Int8Array.from([-4, -3, -2, -1, 0, 1, 2, 3])));
      // outputs that no engine gives
      writeFileSync(join(folder, name, 'out.npy'), writeNpy([1, ...shape], new Int8Array(8)));
    }
    writeFileSync(join(folder, 'options.json'), '{"flat": {"frame": 2}}');
    const args = [...process.execArgv, 'scripts/corpus.ts', '--quick', folder];
    const run = (python: Record<string, string>) =>
      spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', env: { ...process.env, ...python } });
    const none = run({ RUNLET_PYTHON: 'no-python', RUNLET_REFERENCES: 'no-python' });
    assert.match(none.stdout, /flat: read with {"frame":2}/);
    assert.match(none.stdout, /3 of 8 bytes differ, LiteRT/);
    assert.match(none.stdout, /rows: compared with stored answers of LiteRT: RUNLET_PYTHON has no package/);
    assert.match(none.stdout, /right against a reference: 0 of 0/);
    assert.is(none.status, 0, none.stderr);
    if (!haveInterpreters()) return;
    const { stdout } = run({});
    assert.match(stdout, /right against a reference: 2 of 2/);
    assert.not.match(stdout, /LiteRT/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
