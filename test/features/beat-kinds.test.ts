/**
 * Kinds of beats: the features of models/zoo/ecg/kinds.py over the demo's signal (golden-kinds.npy), the
 * classes that follow from them, independence of later samples, and a patient with only wide beats.
 */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kindWeights } from '../../host/demo/ecg-records.ts';
import { zooArray, zooFile } from '../../host/demo/zoo.ts';
import { beatKinds } from '../../host/features/beat-kinds.ts';
import type { Beat } from '../../host/features/beats.ts';
import { random } from '../property/random-network.ts';

const names = [
  'v',
  's',
  'early',
  'alike',
  'correlation',
  'share',
  'kindV',
  'kindEarly',
  'usualV',
  'energy',
  'width',
  'uneven',
  'usual',
];
const weights = kindWeights();
const rows = readFileSync(zooFile('ecg', 'demo.csv'), 'utf8').trim().split('\n').slice(1);
const signal = Float32Array.from(rows, (line) => Number(line.split(',')[1]));

/** Returns the sample, four sums, 13 features and the class of each golden beat. */
function golden(): number[][] {
  const { data } = zooArray('ecg', 'golden-kinds.npy');
  return Array.from({ length: data.length / 19 }, (_, i) => Array.from(data.subarray(19 * i, 19 * i + 19)));
}

const beatWith = (sums: readonly number[]): Beat => ({ answer: 0, beatClass: 0, evidence: 3, sums });

/** Classifies each beat when the signal is `ahead` samples past it, and calls `each` with the result. */
function judgeAll(
  beats: readonly (readonly [number, readonly number[]])[],
  ahead: number,
  each: (found: Beat, features: number[]) => void,
): void {
  const kinds = beatKinds(weights);
  let pushed = 0;
  for (const [sample, sums] of beats) {
    kinds.push(signal.subarray(pushed, Math.max(pushed, sample + ahead)));
    pushed = Math.max(pushed, sample + ahead);
    const found = kinds.judge(beatWith(sums), sample);
    each(found, Array.from(kinds.features));
  }
}

test('the features and classes equal those of kinds.py', () => {
  const beats = golden();
  assert.ok(beats.length > 300, `${beats.length}`);
  const kindsFound = new Set<number>();
  let [worst, i] = [0, 0];
  judgeAll(
    beats.map((b) => [b[0] as number, b.slice(1, 5)] as const),
    250,
    ({ beatClass }, features) => {
      const row = beats[i++] as number[];
      for (const [n, name] of names.entries()) {
        const difference = Math.abs((features[n] as number) - (row[5 + n] as number));
        assert.ok(difference < 1e-3, `beat ${i}, ${name}: ${features[n]} for ${row[5 + n]}`);
        worst = Math.max(worst, difference);
      }
      assert.is(beatClass, row[18], `beat ${i}`);
      kindsFound.add(beatClass);
    },
  );
  assert.ok(kindsFound.has(0) && kindsFound.has(1) && kindsFound.has(2), `${[...kindsFound]}`);
  console.log(`  ${beats.length} beats: features differ by ${worst.toExponential(1)} at most`);
});

test('40 samples after a beat determine its class, and later ones change nothing', () => {
  const rnd = random(Number(process.env.RUNLET_SEED ?? 1));
  const beats = golden().map((b) => [b[0] as number, b.slice(1, 5)] as const);
  const take = (ahead: number) => {
    const all: (number | number[])[] = [];
    judgeAll(beats, ahead, (found, features) => all.push(found.beatClass, features));
    return all;
  };
  const expected = take(40);
  assert.equal(take(40 + Math.ceil(400 * rnd())), expected);
  // with 38 samples, some beat differs
  assert.not.equal(take(38), expected);
});

/**
 * Makes a signal of bumps with these widths at these samples, and returns the classes of the beats. The
 * scores give V a probability of about one half for every wide beat.
 */
function classesOf(beats: readonly [sample: number, width: number][]): number[] {
  const last = beats.at(-1)?.[0] as number;
  const bumps = new Float32Array(last + 300);
  for (const [at, width] of beats)
    for (let n = at - 60; n < at + 60; n++) bumps[n] = (bumps[n] as number) + Math.exp(-0.5 * ((n - at) / width) ** 2);
  const kinds = beatKinds(weights);
  kinds.push(bumps.subarray(0, 100));
  let pushed = 100;
  return beats.map(([at, width]) => {
    kinds.push(bumps.subarray(pushed, at + 250));
    pushed = at + 250;
    return kinds.judge(beatWith(width > 5 ? [1.4, 0.1, 1.5, 0] : [2.9, 0.05, 0.05, 0]), at).beatClass;
  });
}

test('an early wide beat is V among narrow beats, but not if every beat is wide', () => {
  const early = (n: number) => n % 10 === 9;
  const at = (n: number) => 200 + 150 * n - (early(n) ? 60 : 0);
  const among = classesOf(Array.from({ length: 200 }, (_, n) => [at(n), early(n) ? 9 : 3]));
  const everywhere = classesOf(Array.from({ length: 200 }, (_, n) => [200 + 150 * n, 9]));
  for (const [n, c] of among.entries()) if (n > 20) assert.is(c, early(n) ? 2 : 0, `beat ${n}`);
  assert.ok(
    everywhere.slice(20).every((c) => c === 0),
    everywhere.join(''),
  );
});

test('a beat before any signal or without a score has a class', () => {
  const kinds = beatKinds(weights);
  assert.is(kinds.judge(beatWith([0, 0, 0, 0]), 0).beatClass, 0);
  assert.is(kinds.judge(beatWith([0, 0, 0, 0]), 500).beatClass, 0);
  assert.ok(Array.from(kinds.features).every(Number.isFinite));
});

test.run();
