/** npm run corpus: a folder with a model that is taken, one that is refused and one that is no model. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeNpy } from '../host/sources/npy.ts';
import { writeTflite } from './read/tflite-model.ts';
import { root } from './shared.ts';

test('taken, right and wrong against a reference, refused', () => {
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
    const args = ['--import', 'tsx', 'scripts/corpus.ts', '--quick', folder];
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

test.run();
