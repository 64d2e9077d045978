/**
 * The detector: its rule compared with a slow implementation and with outputs of real wake word models;
 * several labels, voice, wrong options.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Detector, isBackground, LabelDetector } from '../../host/session/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { shared } from '../shared.ts';
import { codeOf, randomOf } from './helpers.ts';
import { tinyManifest } from './tiny-bundle.ts';

interface Heard {
  step: number;
  mean: number;
}

/** The rule in a slow implementation, with lists instead of a ring buffer. */
function slowly(
  probabilities: number[],
  cutoff: number,
  n: number,
  refractorySteps: number,
  voice = (_: number) => true,
): Heard[] {
  const heard: Heard[] = [];
  let recent: number[] = [];
  let wait = 0;
  for (const [step, p] of probabilities.entries()) {
    recent.push(p);
    if (p < cutoff) wait--;
    if (recent.length < n) continue;
    const last = recent.slice(-n);
    const mean = last.reduce((a, b) => a + b, 0) / n;
    if (wait > 0 || mean <= cutoff || !voice(step)) continue;
    heard.push({ step, mean });
    recent = [];
    wait = refractorySteps;
  }
  return heard;
}

const run = (detector: Detector, probabilities: number[], voice = (_: number) => true): Heard[] =>
  probabilities.flatMap((p, step) => {
    const found = detector.push(p, undefined, voice(step));
    return found ? [{ step: found.timeMs / detector.stepMs - 1, mean: found.probability }] : [];
  });

test('the detector equals the slow implementation on random bursts of probabilities', () => {
  const random = randomOf(3);
  let total = 0;
  for (let round = 0; round < 400; round++) {
    const [n, refractory] = [1 + random(8), random(12)];
    const cutoff = random(256) / 256;
    let level = 0;
    const probabilities = Array.from({ length: 200 }, () => {
      if (random(9) === 0) level = random(257);
      return Math.min(1, Math.max(0, (level + random(40) - 20) / 256));
    });
    const voiced = Array.from({ length: 200 }, () => random(4) > 0);
    const detector = new Detector({ cutoff, slidingWindow: n, refractoryMs: refractory * 30, stepMs: 30, label: 'x' });
    const expected = slowly(probabilities, cutoff, n, refractory, (i) => voiced[i] as boolean);
    assert.equal(
      run(detector, probabilities, (i) => voiced[i] as boolean),
      expected,
    );
    detector.reset();
    assert.equal(run(detector, probabilities).length, slowly(probabilities, cutoff, n, refractory).length, 'after a reset');
    total += expected.length;
  }
  assert.ok(total > 1000, `${total} detections`);
});

test('one long word is heard once, the cutoff itself is too low, and the window must be full', () => {
  const d = new Detector({ cutoff: 0.5, slidingWindow: 3, refractoryMs: 90, stepMs: 30, label: 'word' });
  assert.equal(run(d, [1, 1, 0.9, 1, 1, 1, 1, 1, 1, 1, 1]), [{ step: 2, mean: (1 + 1 + 0.9) / 3 }]);
  assert.is(d.waitMs, 90, 'time above the cutoff does not count');
  assert.ok(d.active, 'what a gate reads goes on');
  d.reset();
  assert.equal(run(d, [0.5, 0.5, 0.5, 0.5]), []);
  assert.equal(d.push(1, 150)?.label, 'word');
});

test('no word is detected before warmUpMs has passed', () => {
  const d = new Detector({ cutoff: 0.5, slidingWindow: 1, warmUpMs: 100, stepMs: 50, label: 'x' });
  assert.equal(run(d, [0, 1, 0, 1]), [{ step: 3, mean: 1 }]);
});

test('without voice nothing counts, and the word is heard once there is voice', () => {
  const d = new Detector({ cutoff: 0.5, slidingWindow: 2, stepMs: 10, label: 'x' });
  d.push(1);
  assert.is(d.push(1, 20, false), undefined);
  assert.ok(d.blocked);
  assert.equal(d.push(0.5, 30, true), { label: 'x', timeMs: 30, probability: 0.75 });
  assert.not.ok(d.blocked);
});

test('wrong options are refused', async () => {
  const good = { cutoff: 0.5, slidingWindow: 2, stepMs: 10, label: 'x' };
  const bad: object[] = [
    { cutoff: 1.1 },
    { cutoff: Number.NaN },
    { cutoff: '0.5' },
    { slidingWindow: 0 },
    { slidingWindow: 2.5 },
    { slidingWindow: 1e9 },
    { refractoryMs: -1 },
    { stepMs: Number.NaN },
    { warmUpMs: -1 },
  ];
  for (const options of bad)
    assert.is(await codeOf(() => new Detector({ ...good, ...options } as never)), 'RN770', JSON.stringify(options));
});

const classes = (detector?: object) => ({
  ...tinyManifest({ channels: 4, labels: ['_silence_', '_unknown_', 'yes', 'no'] }),
  detector: { cutoff: 0.5, slidingWindow: 2, refractoryMs: 40, output: 0, ...detector },
});

test('background is not heard, each label has its own cutoff and refractory time, and the highest mean wins', () => {
  const d = new LabelDetector(classes({ cutoffs: { no: 0.8 } }) as never, 20);
  let t = 0;
  const push = (...values: number[]) => {
    t += 20;
    const found = d.push(Float32Array.from(values), t);
    return found && `${found.label} ${found.timeMs}`;
  };
  assert.is(push(1, 0, 0, 0), undefined);
  assert.is(push(1, 0, 0, 0), undefined, 'silence');
  assert.is(push(0, 0, 0.7, 0.3), undefined);
  assert.is(push(0, 0, 0.7, 0.3), 'yes 80');
  assert.is(push(0, 0, 0.1, 0.75), undefined);
  assert.is(push(0, 0, 0.1, 0.75), undefined, 'no needs 0.8');
  assert.is(push(0, 0, 0, 0.95), 'no 140', 'another word may follow at once');
  assert.is(push(0, 0, 0.9, 0.9), undefined);
  assert.is(push(0, 0, 0.9, 0.95), 'yes 180', 'no was just heard');
  d.reset();
  assert.is(push(0, 0, 0.9, 0.95), undefined);
  assert.is(push(0, 0, 0.9, 0.95), 'no 220', 'the higher of two');
});

test('a label that is named like a property of every object is a word like others', () => {
  const labels = ['_silence_', 'constructor', 'toString', 'no'];
  const d = new LabelDetector({ ...classes({ cutoffs: { no: 0.8 } }), labels } as never, 20);
  assert.equal(
    d.parts.map((p) => p.detector.cutoff),
    [0.5, 0.5, 0.8],
  );
  d.push(Float32Array.of(0, 0.7, 0, 0), 20);
  assert.is(d.push(Float32Array.of(0, 0.7, 0, 0), 40)?.label, 'constructor');
});

test('one label can be chosen, and unknown or missing labels are refused', async () => {
  const one = new LabelDetector(classes() as never, 20, { label: 'no', cutoff: 0.25 });
  assert.equal(
    one.parts.map((p) => [p.element, p.detector.label, p.detector.cutoff]),
    [[3, 'no', 0.25]],
  );
  assert.is(await codeOf(() => new LabelDetector(classes() as never, 20, { label: 'go' })), 'RN771');
  assert.is(await codeOf(() => new LabelDetector({ ...classes(), labels: undefined } as never, 20)), 'RN771');
  const silent = { ...classes(), labels: ['_a_', 'silence', 'Unknown', 'noise'] };
  assert.is(await codeOf(() => new LabelDetector(silent as never, 20)), 'RN771');
  assert.not.ok(isBackground('yes') || isBackground('unknown word'));
});

/** Outputs that TensorFlow Lite Micro computed, uint8 [steps], as probabilities. */
function outputsOf(model: string): [string, number[]][] {
  const dir = shared('models', 'mww', model);
  if (!dir) return [];
  return readdirSync(dir)
    .filter((f) => /^audio_.*\.out0\.npy$/.test(f))
    .map((f) => [f.slice(6, -9), Array.from(readNpy(new Uint8Array(readFileSync(join(dir, f)))).data, (q) => Number(q) / 256)]);
}

for (const [model, word, cutoff, slidingWindow] of [
  ['v2/okay_nabu', 'okay_nabu', 0.97, 5],
  ['v2/hey_jarvis', 'hey_jarvis', 0.97, 5],
] as const)
  test(`${model}: each spoken word is heard once (twice in okay_nabu_3), and no other recording has one`, () => {
    for (const [name, probabilities] of outputsOf(model)) {
      const d = new Detector({ cutoff, slidingWindow, stepMs: 30, label: word });
      const times = name === 'okay_nabu_3' && word === 'okay_nabu' ? 2 : Number(name.startsWith(word));
      assert.is(run(d, probabilities).length, times, name);
    }
  });

test('v2/vad hears voice in every recording', () => {
  for (const [name, probabilities] of outputsOf('v2/vad')) {
    const d = new Detector({ cutoff: 0.5, slidingWindow: 5, stepMs: 30, label: 'vad' });
    assert.ok(
      probabilities.some((p) => {
        d.push(p);
        return d.active;
      }),
      name,
    );
  }
});

test.run();
