/**
 * The script `./runlet` of a clone: it starts without npx from any folder, and killing it during its start
 * breaks nothing.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randomOf } from './host/helpers.ts';
import { root } from './shared.ts';

const command = join(root, 'runlet');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const versionSaid = () => spawnSync(command, ['--version'], { cwd: tmpdir(), encoding: 'utf8' });

test('it prints its version, also from another folder', () => {
  const { status, stdout, stderr } = versionSaid();
  assert.is(status, 0, stderr);
  assert.is(stdout.trim(), version);
});

test('killed 20 times at random moments of its start, it still works', async () => {
  const random = randomOf(Number(process.env.RUNLET_SEED ?? 1));
  let killed = 0;
  for (let i = 0; i < 20; i++) {
    const child = spawn(command, ['ops'], { cwd: tmpdir(), stdio: 'ignore', detached: true });
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)));
    await Promise.race([new Promise((resolve) => setTimeout(resolve, random(200))), ended]);
    try {
      process.kill(-(child.pid as number), 'SIGKILL');
    } catch {} // it had already ended
    if ((await ended) === 'SIGKILL') killed++;
  }
  assert.ok(killed >= 5, `${killed} were killed while they started`);
  const { status, stdout, stderr } = versionSaid();
  assert.is(status, 0, stderr);
  assert.is(stdout.trim(), version);
});

test.run();
