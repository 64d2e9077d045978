/** Completion scripts: each shell can read its script; bash completes verbs, options and values. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bashScript } from '../../host/cli/completion/bash.ts';
import { fishScript } from '../../host/cli/completion/fish.ts';
import { writtenOptions } from '../../host/cli/completion/types.ts';
import { zshScript } from '../../host/cli/completion/zsh.ts';
import { completed } from '../../host/cli/completion.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-completion-'));
test.after(() => rmSync(folder, { recursive: true }));
const verbs = await completed();
const scripts = { bash: bashScript(verbs), zsh: zshScript(verbs), fish: fishScript(verbs) };
for (const [shell, script] of Object.entries(scripts)) writeFileSync(join(folder, shell), script);

for (const [shell, script] of Object.entries(scripts))
  test(`${shell}: the script has all verbs and options, and ${shell} can read it`, () => {
    for (const { name, options } of verbs) {
      assert.match(script, name);
      for (const { long } of writtenOptions(options))
        assert.ok(script.includes(shell === 'fish' ? `-l ${long}` : `--${long}`), `${name} --${long}`);
    }
    const { error, status, stderr } = spawnSync(shell, ['-n', join(folder, shell)], { encoding: 'utf8' });
    if (error) return console.log(`  not run, no ${shell}: apt install ${shell}`);
    assert.is(status, 0, stderr);
  });

test('bash completes a verb, an option, the values of an option, and files', () => {
  writeFileSync(join(folder, 'model.onnx'), '');
  const of = (...words: string[]) => {
    const list = words.map((word) => `'${word}'`).join(' ');
    const line = `source ./bash; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _runlet; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr, error } = spawnSync('bash', ['-c', line], { cwd: folder, encoding: 'utf8' });
    if (error) return undefined;
    assert.is(stderr, '');
    return stdout.split('\n').filter(Boolean);
  };
  if (of('runlet', '') === undefined) return console.log('  not run, no bash');
  assert.equal(of('runlet', 'quan'), ['quantize']);
  assert.equal(of('runlet', 'help', 'val'), ['validate']);
  assert.equal(of('runlet', 'plan', 'model.onnx', '--micro'), ['--micro-hop']);
  assert.equal(of('runlet', 'plan', '--mode', 'e'), ['edge-exact']);
  assert.equal(of('runlet', 'plan', '--hop', ''), []);
  assert.equal(of('runlet', 'plan', 'mod'), ['model.onnx']);
  assert.equal(of('runlet', 'plan', '--calib', 'mod'), ['model.onnx']);
  assert.equal(of('runlet', 'completion', 'f'), ['fish']);
  assert.not.ok(of('runlet', 'plan', '--')?.includes('--board'), 'an option of another verb');
});

test.run();
