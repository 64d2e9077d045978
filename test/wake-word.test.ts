/**
 * models/train/wake-word: its rules, and the whole command on a hundredth of its scale.
 *
 * In: RUNLET_PYTHON (default python3) with packages, and the synthesisers; without them the tests are skipped.
 * The detector of the session is the reference for the rule in Python.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planOptions } from '../host/command/load.ts';
import { Detector } from '../host/session/detector.ts';
import { openSession } from '../host/session/index.ts';
import { readModel } from '../models/read/index.ts';
import { planStream } from '../models/stream/plan.ts';
import { root } from './shared.ts';

const folder = join(root, 'models/train/wake-word');
const python = process.env.RUNLET_PYTHON ?? 'python3';
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };

interface Printed {
  good: string[];
  hostile: (string | { error: string })[];
  near: Record<string, [string, string][]>;
  texts: Record<string, string[]>;
  common: number;
  others: string[];
  speakers: Record<string, string[]>;
  detections: { scores: number[]; heard: Record<string, number[]> }[];
  targets: number[];
  matched: [boolean[], number][];
  choice: number[];
}

const run = (...args: string[]) => spawnSync(python, args, { env, cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });

/** Adds a test, or skips it if a Python statement fails. The message says what is missing. */
function withPython(title: string, statement: string, hint: string, body: () => Promise<void> | void): void {
  const { status, stderr } = run('-c', statement);
  if (status === 0) return void test(title, body);
  console.log(`skipped: ${title}: ${stderr?.trim().split('\n').at(-1) || `${python} does not start`}; ${hint}`);
  test.skip(title, () => undefined);
}

const packages = 'pip install -r models/zoo/kws/requirements.txt, and RUNLET_PYTHON names the interpreter';

withPython('rules of phrases, voices, detection and targets', 'import numpy, scipy', packages, () => {
  const { status, stdout, stderr } = run(join(root, 'test/fixtures/wake-word/driver.py'));
  assert.is(status, 0, stderr);
  const printed = JSON.parse(stdout) as Printed;

  assert.equal(printed.good, ['hello runlet', "don't stop", 'half-way']);
  for (const answer of printed.hostile) {
    assert.type(answer, 'object', `${JSON.stringify(answer)} is accepted`);
    const { error } = answer as { error: string };
    assert.ok(/^[ -~]+$/.test(error) && error.length < 300, error);
  }

  for (const [phrase, list] of Object.entries(printed.near)) {
    const kinds = new Set(list.map(([, kind]) => kind));
    assert.equal([...kinds].sort(), ['part', 'sound', 'word']);
    assert.ok(new Set(list.map(([text]) => text)).size > 100);
    for (const [text] of list) assert.ok(/^[a-z]/.test(text) && !text.includes(phrase), text);
  }
  assert.is(printed.others.filter((text) => /\bthe window\b/.test(text.replaceAll(',', ''))).length, 0);

  const { train = [], tune = [], judged = [] } = printed.speakers;
  const all = [...train, ...tune, ...judged];
  assert.is(new Set(all).size, all.length, 'no voice is in two parts');
  assert.ok(judged.some((name) => name.startsWith('festival ')) && ![...train, ...tune].some((n) => n.startsWith('festival ')));
  const texts = [...(printed.texts.tune ?? []), ...(printed.texts.judged ?? [])];
  assert.is(new Set(texts).size, texts.length, 'no sentence is in two parts');
  assert.is(printed.common, 0);

  for (const { scores, heard } of printed.detections)
    for (const [cutoff, expected] of Object.entries(heard)) {
      const detector = new Detector({ cutoff: Number(cutoff), slidingWindow: 3, refractoryMs: 1000, stepMs: 40, label: 'x' });
      assert.ok(expected.length > 20, `${expected.length} detections`);
      assert.equal(
        scores.flatMap((score, i) => (detector.push(score) ? [i] : [])),
        expected,
      );
    }

  // 40 rows: 0.3 of them (11) before the last are not counted; then 11 hits and 20 rows that are not counted
  const counts = [128, 139, 150, 170].map((end, i) => printed.targets.slice([0, 128, 139, 150][i], end));
  assert.ok(counts[0]?.every((y) => y === 0) && counts[1]?.every((y) => y === 2) && counts[2]?.every((y) => y === 1));
  assert.ok(counts[3]?.every((y) => y === 2) && printed.targets.slice(170).every((y) => y === 0));

  assert.equal(printed.matched, [
    [[true, false], 0],
    [[true, false], 1],
    [[false, true], 1],
    [[false, false], 2],
  ]);
  assert.equal(printed.choice, [0.667, 0.8]);
});

const speak = 'import torch, onnx, onnxscript, clone, voices; voices.check()';
withPython('the command of the README makes a bundle that listens', speak, `see ${folder}/README.md`, async () => {
  const out = mkdtempSync(join(tmpdir(), 'runlet-wake-'));
  try {
    const page = readFileSync(join(folder, 'README.md'), 'utf8');
    const [, phrase] = /^ {4}python models\/train\/wake-word\/wake\.py "([^"]+)" --out \S+$/m.exec(page) ?? [];
    assert.is(phrase, 'hello runlet');
    const { status, stdout, stderr } = run('wake.py', phrase as string, '--out', out, '--scale', '0.01', '--threads', '1');
    assert.is(status, 0, `${stdout}\n${stderr}`);
    for (const line of stdout.split('\n').slice(-4)) assert.ok(line.length <= 200, line);

    const graph = await readModel(new Uint8Array(readFileSync(join(out, 'model.onnx'))));
    const plan = planStream(graph, planOptions(graph, {}));
    assert.is(plan.mode, 'stream');
    assert.is(plan.hop, 2);
    assert.ok(plan.macsPerHop < 150_000, `${plan.macsPerHop} multiply-adds per hop`);

    const { manifest } = await openSession(readFileSync(join(out, 'hello-runlet.wasm')));
    assert.equal(manifest.labels, ['hello runlet']);
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

test.run();
