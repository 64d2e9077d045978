/**
 * The command runlet demo: it exits with 0, prints a trace with its beats, and its claims about them match
 * the script of its signal.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';

const cwd = mkdtempSync(join(tmpdir(), 'runlet-demo-'));
test.after(() => rmSync(cwd, { recursive: true }));
const demo = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'host/cli/bin.js'), 'demo', ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', COLUMNS: '80' },
  });

/** Beats of the script, by class. The first and the last seconds have no answer. */
const script = readFileSync(join(root, 'models/zoo/ecg/demo.csv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => Number(line.split(',')[2]));
const beats = script.filter((beat) => beat > 0).length;

test('the demo finds the beats of its script', () => {
  const { status, stdout, stderr } = demo();
  assert.is(status, 0, stderr);
  assert.is(stderr, '', 'no warning');
  const marks = [...stdout.matchAll(/^found +([NSVF ]+)$/gm)].map((m) => m[1] as string);
  assert.is(marks.length, 2);
  assert.ok(marks.join('').includes('V') && marks.join('').replaceAll(' ', '').length > 10, marks.join(''));
  const [, right = 0, judged = 0, ventricular = 0] = (/^beats +(\d+) of (\d+) .*; (\d+) of /m.exec(stdout) ?? []).map(Number);
  assert.ok(right > 0.97 * judged && judged > 0.9 * beats && judged <= beats, stdout);
  assert.ok(ventricular <= script.filter((beat) => beat === 3).length && ventricular > 0, stdout);
  assert.ok(statSync(join(cwd, 'out/ecg.wasm')).size > 10000);
  for (const line of stdout.split('\n')) assert.ok([...line].length <= 80, line);
});

test('as JSON it prints work, bytes and time that match inspect', () => {
  const { status, stdout } = demo('--json');
  assert.is(status, 0);
  const result = JSON.parse(stdout) as {
    macsPerHop: number;
    macsPerWindow: number;
    fileBytes: number;
    microsecondsPerHop: number;
  };
  assert.is(result.fileBytes, statSync(join(cwd, 'out/ecg.wasm')).size);
  assert.ok(result.macsPerWindow > 50 * result.macsPerHop && result.microsecondsPerHop > 0);
});

test.run();
