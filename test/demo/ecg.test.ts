/**
 * npm run demo, as a user runs it: it ends well, shows a trace with beats below it, and finds what was simulated.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';

test('the demo finds the beats of its script', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'host/demo/ecg.ts'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  assert.is(status, 0, stderr);
  const lines = [...stdout.matchAll(/^ {2}found +([NSVF ]+)$/gm)].map((m) => m[1] as string);
  assert.is(lines.length, 6);
  const names = lines.join('').replaceAll(' ', '');
  assert.ok(names.length > 60 && names.includes('V'), names);
  const line = /beats +([\d.]+) % of \d+ .* V ([\d.]+) %, with a precision of ([\d.]+) %/.exec(stdout) ?? [];
  const [right = 0, sensitivity = 0, precision = 0] = line.slice(1).map(Number);
  assert.ok(right > 97 && sensitivity > 90 && precision > 90, line[0]);
  assert.ok(statSync(join(root, 'out/ecg.wasm')).size > 10000);
});

test.run();
