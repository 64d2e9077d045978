/**
 * The example of docs/session.md with a bundle that answers, and with one whose rn_push does not return: the
 * example then ends the worker.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';
import { textOf } from '../sources.ts';
import { tinyBundle } from './tiny-bundle.ts';

/** Runs the example with this bundle and the package built from the sources. @returns its output */
async function run(wasm: Uint8Array): Promise<string> {
  const fences = [...textOf('docs/session.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text]) => text as string);
  const example = fences.find((text) => text.includes('node:worker_threads')) ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'runlet-worker-'));
  try {
    mkdirSync(join(folder, 'out'));
    writeFileSync(join(folder, 'out/ppg-hr.wasm'), wasm);
    mkdirSync(join(folder, 'node_modules/@runlet/session'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/@runlet/session/package.json'), '{"exports":"./session.mjs"}');
    const outfile = join(folder, 'node_modules/@runlet/session/session.mjs');
    await build({ entryPoints: [join(root, 'host/session/index.ts')], bundle: true, format: 'esm', outfile });
    await build({ stdin: { contents: example, loader: 'ts' }, format: 'esm', outfile: join(folder, 'example.mjs') });
    const child = spawn(process.execPath, ['example.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    for await (const part of child.stdout) text += part;
    return text;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('the example prints the outputs of a bundle that answers', async () => {
  assert.is(await run(await tinyBundle()), '319 outputs\n'); // 1,280 frames, a window of 8 every 4 frames
});

test('a bundle that does not return: its worker is ended, and the program continues', async () => {
  const loop = 'while (load<i32>(state) == 1) store<i32>(state, 5, 12);';
  const hanging = await tinyBundle({ edit: [['let due: i32 = 0;', `let due: i32 = 0; ${loop}`]] });
  assert.is(await run(hanging), 'the worker was ended: no answer within 5000 ms\n');
});

test.run();
