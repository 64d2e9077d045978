/**
 * The beat finder: the running finder finds the same beats in random scores as the rule applied to all scores
 * at once, which is that of models/zoo/ecg/beats.py.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Beat, beatFinder } from '../../host/features/beats.ts';
import { random } from '../property/random-network.ts';

/** Applies the rule to all scores at once. */
function whole(scores: number[][], threshold: number): Beat[] {
  const sums = scores.map((_, j) =>
    [1, 2, 3, 4].map((c) => [j - 1, j, j + 1].reduce((sum, n) => sum + (scores[n]?.[c] ?? 0), 0)),
  );
  const evidence = sums.map((s) => s.reduce((a, b) => a + b, 0));
  return evidence.flatMap((own, j) => {
    const before = evidence.slice(Math.max(0, j - 4), j);
    const after = evidence.slice(j + 1, j + 5);
    if (!(own > threshold) || before.some((e) => e >= own) || after.some((e) => e > own)) return [];
    const own4 = sums[j] as number[];
    const s = own4.map((sum, c) => (c === 2 ? 1.5 * sum : sum));
    return [{ answer: j, beatClass: s.indexOf(Math.max(...s)), evidence: own, sums: own4 }];
  });
}

function running(scores: number[][], threshold?: number): Beat[] {
  const finder = beatFinder(threshold);
  const found = scores.map((s) => finder.push(s)).filter((b) => b !== undefined);
  return [...found, ...finder.end()];
}

test('on random scores the running finder equals the rule over all scores', () => {
  const rnd = random(Number(process.env.RUNLET_SEED ?? 1));
  let beats = 0;
  for (let round = 0; round < 300; round++) {
    // few levels, so that many scores are equal
    const scores = Array.from({ length: round % 60 }, () => {
      const parts = Array.from({ length: 5 }, (_, c) => (rnd() < 0.6 && c > 0 ? 0 : Math.ceil(4 * rnd()) / 32));
      return parts;
    });
    const expected = whole(scores, 0.3);
    assert.equal(running(scores, 0.3), expected, `round ${round}`);
    beats += expected.length;
  }
  assert.ok(beats > 300, `${beats}`);
});

test('one pulse of V is one beat, which is reported five outputs later', () => {
  const finder = beatFinder();
  const none = [1, 0, 0, 0, 0];
  const ventricular = [0.1, 0.1, 0, 0.8, 0];
  const when: number[] = [];
  for (let n = 0; n < 30; n++) {
    const beat = finder.push(n === 10 || n === 11 || n === 12 ? ventricular : none);
    if (!beat) continue;
    when.push(n);
    assert.equal([beat.answer, beat.beatClass], [11, 2]);
  }
  assert.equal(when, [16]);
});

test('a beat in the last outputs is found at the end', () => {
  const finder = beatFinder();
  for (let n = 0; n < 5; n++) finder.push([0.9, 0.1, 0, 0, 0]);
  for (let n = 0; n < 2; n++) assert.is(finder.push([0, 1, 0, 0, 0]), undefined);
  assert.equal(
    finder.end().map((b) => [b.answer, b.beatClass]),
    [[5, 0]],
  );
  assert.equal(beatFinder().end(), []);
});

test.run();
