/** The commands plan --rules, plan --calib and explain R6. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';

const model = 'models/zoo/ppg-hr/ppg-hr.onnx';

function runlet(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'host/cli/bin.js'), ...args], { cwd: root });
  return { code: status, out: String(stdout), err: String(stderr) };
}

test('plan prints the rules that cost something, --rules prints all, and --json has them', () => {
  const ids = (text: string) => [...text.matchAll(/^(R\d+) +(ok|note|warn)\b/gm)].map(([, rule, level]) => `${rule} ${level}`);
  assert.equal(ids(runlet('plan', model, '--hop', '50', '--mode', 'misaligned').out), [
    'R2 warn',
    'R14 warn',
    'R1 note',
    'R8 note',
    'R12 note',
  ]);
  const all = runlet('plan', model, '--rules').out;
  assert.is(ids(all).length, 14);
  assert.not.ok(all.includes('\u001b'), 'no colours into a pipe');
  const json = JSON.parse(runlet('plan', model, '--json').out);
  assert.is(json.rules.length, 14);
  assert.is(json.deviation, undefined);
});

test('explain prints a rule, and refuses a 15th', () => {
  assert.match(runlet('explain', 'r6').out, /^R6 zero padding without retraining\n[\s\S]*5\.83 %/);
  assert.is(JSON.parse(runlet('explain', 'R14', '--json').out).code, 'R14');
  const unknown = runlet('explain', 'R15');
  assert.is(unknown.code, 2);
  assert.match(unknown.err, /no rule R15/);
});

test('plan --calib measures the modes, and too short a signal is refused', () => {
  const { code, out, err } = runlet('plan', model, '--hop', '64', '--calib', 'gen:ppg?seconds=30', '--json');
  assert.is(code, 0, err);
  const { deviation } = JSON.parse(out);
  assert.equal(
    deviation.modes.map((m: { mode: string; exact: boolean }) => [m.mode, m.exact]),
    [
      ['windowed', true],
      ['edge-exact', true],
      ['stream', false],
      ['approx', false],
    ],
  );
  assert.is(deviation.layers.length, 12);
  const short = runlet('plan', model, '--calib', 'gen:ppg?seconds=5');
  assert.is(short.code, 3);
  assert.match(short.err, /RN207/);
});

test.run();
