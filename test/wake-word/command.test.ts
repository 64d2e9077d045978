/**
 * The whole command of models/train/wake-word, on a hundredth of its scale: a bundle and a report.
 *
 * Needs Python with packages and the synthesisers; without them the test is skipped.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planOptions } from '../../host/command/load.ts';
import { openSession } from '../../host/session/index.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { withPython } from '../python.ts';
import { folder, run } from './python.ts';

const speak = 'import torch, onnx, onnxscript, clone, voices; voices.check()';
const needs = { statement: speak, hint: 'see models/train/wake-word/README.md', cwd: folder };
withPython('the command of the README makes a bundle that listens', needs, async () => {
  const out = mkdtempSync(join(tmpdir(), 'runlet-wake-'));
  try {
    const page = readFileSync(join(folder, 'README.md'), 'utf8');
    const [, phrase] = /^ {4}python models\/train\/wake-word\/wake\.py "([^"]+)" --out \S+$/m.exec(page) ?? [];
    assert.is(phrase, 'hello runlet');
    const { status, stdout, stderr } = run('wake.py', phrase as string, '--out', out, '--scale', '0.01', '--threads', '1');
    assert.is(status, 0, `${stdout}\n${stderr}`);
    for (const line of stdout.split('\n').slice(-4)) assert.ok(line.length <= 200, line);

    const graph = await readModel(new Uint8Array(readFileSync(join(out, 'hello-runlet.onnx'))));
    const plan = planStream(graph, planOptions(graph, {}));
    assert.is(plan.mode, 'stream');
    assert.is(plan.hop, 2);
    assert.ok(plan.macsPerHop < 150_000, `${plan.macsPerHop} multiply-adds per hop`);

    const { manifest } = await openSession(readFileSync(join(out, 'hello-runlet.wasm')));
    assert.equal(manifest.labels, ['hello runlet']);
    assert.is(manifest.name, 'hello-runlet');
    assert.is(manifest.detector?.slidingWindow, 3);
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
    assert.is(report.phrase, 'hello runlet');
    assert.ok(report.utterances >= 8 && report.hoursOfSpeech > 0.01 && report.hits <= report.utterances);
    assert.match(readFileSync(join(out, 'report.md'), 'utf8'), 'What this cannot show');
    assert.ok(existsSync(join(out, 'demo.wav')));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

withPython('both engines say the phrase in other pronunciations', needs, () => {
  const spoken = `
import clone, json, numpy as np, pronunciations, voices
rng, text = np.random.default_rng(1), "hello runlet"
who = [voices.Voice("espeak-ng", "m1", ("en-us", 150, 50)), voices.Voice("flite", "rms", 1.0)]
said = [[pronunciations.another(text, voice, rng) for _ in range(40)] for voice in who]
print(json.dumps([[len(set(texts)), min(len(voices.say(t, voice)) for t in set(texts))] for texts, voice in zip(said, who)]))
`;
  const { status, stdout, stderr } = run('-c', spoken);
  assert.is(status, 0, stderr);
  const found = JSON.parse(stdout) as [number, number][];
  assert.is(found.length, 2);
  // at least half a second each
  for (const [different, samples] of found) assert.ok(different >= 6 && samples > 8000, `${different}, ${samples}`);
});

test.run();
