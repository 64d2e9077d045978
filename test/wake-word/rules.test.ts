/**
 * The rules of models/train/wake-word: phrases, voices and sentences apart, detection, targets.
 *
 * Needs Python with packages, but no voices; without them the test is skipped. The detector of the session is
 * the reference for the rule in Python.
 */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Detector } from '../../host/session/detector.ts';
import { withPython } from '../python.ts';
import { root } from '../shared.ts';
import { folder, run } from './python.ts';

interface Printed {
  good: string[];
  hostile: (string | { error: string })[];
  near: Record<string, [string, string][]>;
  texts: Record<string, string[]>;
  common: number;
  others: string[];
  speakers: Record<string, string[]>;
  detections: { scores: number[]; heard: Record<string, number[]> }[];
  pronounced: Record<string, string[]>;
  targets: number[];
  matched: [boolean[], number][];
  choice: number[];
}

const needs = { statement: 'import numpy, scipy', hint: 'pip install -r models/zoo/kws/requirements.txt', cwd: folder };

withPython('rules of phrases, voices, detection and targets', needs, () => {
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

  const [short, spoken] = [
    ['@', 'I2', 'E'],
    ['ax', 'ih', 'eh'],
  ];
  const every = (vowels: string[], say: (a: string, b: string) => string) =>
    vowels.flatMap((a) => vowels.map((b) => say(a, b))).sort();
  assert.equal(printed.pronounced, {
    'espeak-ng': every(short, (a, b) => `h ${a} l 'oU r 'V n l ${b} t`),
    flite: every(spoken, (a, b) => `pau hh ${a} l ow r ah n l ${b} t pau`),
  });

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

test.run();
