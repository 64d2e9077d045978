/**
 * Judging of versions on labelled windows: estimates against other ways to compute them, intervals against
 * their defining equation, and the coverage that they claim.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bootstrap, effectiveCount, wilson, windowsFor, z95 } from '../../host/learn/intervals.ts';
import { accuracyAlarm, judgeClasses, judgeValues, type LabelledWindow } from '../../host/learn/judge.ts';
import { draws } from '../../models/xorshift.ts';

const near = (a: number, b: number, by = 1e-9) => Math.abs(a - b) <= by;
const names = ['a', 'b', 'c'];

const windowOf = (n: number, truth: number, answer: number, more: Partial<LabelledWindow> = {}): LabelledWindow => ({
  window: `w${n}`,
  reasons: ['random'],
  inclusion: 1,
  truth: truth < 0 ? { kind: 'nothing' } : { kind: 'class', class: truth },
  answers: { v1: answer },
  ...more,
});

test("Wilson's bounds are the shares p at z standard errors of p from the observed share", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, part) => {
      const share = Math.round(part * n) / n;
      for (const p of Object.values(wilson(share, n)))
        if (p > 0 && p < 1 && !near(Math.abs(share - p), z95 * Math.sqrt((p * (1 - p)) / n), 1e-9)) return false;
      const { low, high } = wilson(share, n);
      return low <= share && share <= high;
    }),
  );
  // 8 of 10, worked by hand: (0.8 + 0.19207 -+ 1.95996 sqrt(0.016 + 0.0096037)) / 1.38415
  const { low, high } = wilson(0.8, 10);
  assert.ok(near(low, 0.49016, 1e-4) && near(high, 0.94332, 1e-4), `${low} ${high}`);
  assert.equal(wilson(0.5, 0), { low: 0, high: 1 });
});

test("Wilson's interval covers the true share in 92 to 98 % of samples of 100, by exact sums over the binomial", () => {
  const n = 100;
  for (const p of [0.5, 0.7, 0.8, 0.9]) {
    let [term, covered] = [(1 - p) ** n, 0];
    for (let k = 0; k <= n; k++) {
      const { low, high } = wilson(k / n, n);
      if (low <= p && p <= high) covered += term;
      term *= ((n - k) / (k + 1)) * (p / (1 - p));
    }
    assert.ok(covered > 0.92 && covered < 0.98, `${p}: ${covered}`);
  }
});

test('the effective number of windows is the number itself for equal weights, and smaller for others', () => {
  assert.ok(near(effectiveCount([2, 2, 2]), 3));
  assert.ok(near(effectiveCount([1, 3]), 16 / 10));
  assert.is(effectiveCount([]), 0);
});

test('a bootstrap of a mean has the width of its standard error, and the seed alone decides it', () => {
  const draw = draws(5);
  const values = Array.from({ length: 400 }, () => draw());
  const mean = values.reduce((a, b) => a + b, 0) / 400;
  const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 400);
  const of = (seed: number) =>
    bootstrap(400, (times) => [values.reduce((sum, v, i) => sum + v * (times[i] as number), 0) / 400], { seed })[0];
  const found = of(1) as { low: number; high: number };
  // 1000 rounds: the error of a 2.5 % percentile is about 8 % of the half width
  const expected = (2 * z95 * deviation) / 20;
  assert.ok(near((found.high - found.low) / expected, 1, 0.25));
  assert.ok(found.low < mean && mean < found.high);
  assert.equal(of(1), found);
  assert.not.equal(of(2), found);
});

/** Macro F1 by precision and recall over lists of windows, for labels in the truth or in the answers. */
function macroByLists(truth: number[], answers: number[]): { macro: number; f1: number[] } {
  const f1 = names.map((_, c) => {
    const hits = truth.filter((t, i) => t === c && answers[i] === c).length;
    const precision = hits / answers.filter((a) => a === c).length;
    const recall = hits / truth.filter((t) => t === c).length;
    return hits === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  });
  const seen = f1.filter((_, c) => truth.includes(c) || answers.includes(c));
  return { macro: seen.reduce((a, b) => a + b, 0) / seen.length, f1 };
}

test('accuracy, F1 and confusion equal those computed from lists; a weight of 2 equals two windows', () => {
  const some = fc.array(fc.tuple(fc.integer({ min: -1, max: 2 }), fc.integer({ min: 0, max: 2 }), fc.constantFrom(1, 0.5)), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(some, (cases) => {
      const windows = cases.map(([t, a, inclusion], i) => windowOf(i, t, a, { inclusion }));
      const found = judgeClasses(windows, 'v1', names, { rounds: 2 });
      const lists = cases.flatMap(([t, a, inclusion]) => Array.from({ length: 1 / inclusion }, () => [t, a] as const));
      const [truth, answers] = [lists.map(([t]) => t), lists.map(([, a]) => a)];
      const byLists = macroByLists(truth, answers);
      const right = lists.filter(([t, a]) => t === a).length / lists.length;
      const counts = [...names, 'nothing'].map((_, t) =>
        names.map((_, a) => lists.filter(([x, y]) => (x < 0 ? 3 : x) === t && y === a).length),
      );
      assert.equal(found.confusion, counts);
      return (
        near(found.accuracy.value, right) &&
        near(found.macroF1.value, byLists.macro) &&
        found.f1.every(({ value }, c) => near(value, byLists.f1[c] as number))
      );
    }),
  );
});

test('only windows chosen at random count, and the others are counted by reason', () => {
  const windows = [
    windowOf(0, 1, 1),
    windowOf(1, 1, 0, { reasons: ['uncertain', 'random'] }),
    windowOf(2, 1, 0, { reasons: ['uncertain'] }),
    windowOf(3, 1, 0, { inclusion: 0 }),
    windowOf(4, 1, 0, { truth: undefined }),
    windowOf(5, 1, 0, { truth: { kind: 'value', value: 3 } }),
    windowOf(6, 1, 0, { answers: { v2: 1 } }),
    windowOf(7, 1, 9),
    windowOf(8, 7, 1),
  ];
  const found = judgeClasses(windows, 'v1', names);
  assert.is(found.windows, 2);
  assert.is(found.accuracy.value, 0.5);
  assert.equal(found.leftOut, { notRandom: 2, noTruth: 1, otherKind: 2, noAnswer: 2 });
  assert.is(judgeClasses(windows, 'toString', names).windows, 0);
});

test('weights correct a sample that took one half of the windows ten times as often', () => {
  const draw = draws(3);
  const errors = Array.from({ length: 200 }, () => {
    const windows: LabelledWindow[] = [];
    for (let i = 0; i < 2000; i++) {
      const hard = i % 2 === 0; // 60 % right, the others 90 %: 75 % overall
      const inclusion = hard ? 0.2 : 0.02;
      if (draw() < inclusion) windows.push(windowOf(i, 0, draw() < (hard ? 0.6 : 0.9) ? 0 : 1, { inclusion }));
    }
    const { accuracy } = judgeClasses(windows, 'v1', names, { rounds: 1 });
    const { low, high } = accuracy.interval as { low: number; high: number };
    return { error: accuracy.value - 0.75, covers: low <= 0.75 && 0.75 <= high };
  });
  const mean = errors.reduce((sum, { error }) => sum + error, 0) / errors.length;
  // unweighted, the mean would be 0.123 lower; the standard error of this mean is about 0.004
  assert.ok(Math.abs(mean) < 0.02, `bias ${mean}`);
  const covered = errors.filter(({ covers }) => covers).length / errors.length;
  assert.ok(covered > 0.9, `covered ${covered}`);
});

test('the interval of macro F1 contains its value, and narrows with the number of windows', () => {
  const width = (n: number) => {
    const draw = draws(4);
    const windows = Array.from({ length: n }, (_, i) => windowOf(i, i % 3, draw() < 0.8 ? i % 3 : Math.floor(3 * draw())));
    const { value, interval } = judgeClasses(windows, 'v1', names).macroF1;
    const { low, high } = interval as { low: number; high: number };
    assert.ok(low <= value && value <= high);
    return high - low;
  };
  assert.ok(width(900) < width(100) / 2);
});

test('a class that no window has and no answer names is in no mean and in no interval', () => {
  const windows = Array.from({ length: 40 }, (_, i) => windowOf(i, i % 2, i % 2));
  const { macroF1, f1 } = judgeClasses(windows, 'v1', names);
  assert.equal(macroF1, { value: 1, interval: { low: 1, high: 1 } });
  assert.equal(
    f1.map(({ interval }) => interval),
    [{ low: 1, high: 1 }, { low: 1, high: 1 }, undefined],
  );
});

test('values: the weighted mean absolute error with its interval; without windows there is no interval', () => {
  const of = (value: number, answer: number, inclusion = 1): LabelledWindow => ({
    ...windowOf(0, 0, answer, { inclusion }),
    truth: { kind: 'value', value },
  });
  const found = judgeValues([of(60, 62), of(60, 56, 0.5), { ...of(1, 1), truth: { kind: 'nothing' } }], 'v1');
  assert.ok(near(found.meanAbsoluteError.value, (2 + 2 * 4) / 3));
  assert.equal(found.meanAbsoluteError.interval, { low: 2, high: 4 });
  assert.is(found.leftOut.otherKind, 1);
  const none = judgeValues([], 'v1').meanAbsoluteError;
  assert.ok(Number.isNaN(none.value) && none.interval === undefined);
});

test('alarm: too few windows to tell, above the level, under it', () => {
  const judged = (n: number, wrong: number) =>
    judgeClasses(
      Array.from({ length: n }, (_, i) => windowOf(i, 0, i < wrong ? 1 : 0)),
      'v1',
      names,
      { rounds: 1 },
    );
  const needed = windowsFor(0.9);
  assert.ok(wilson(1, needed).low >= 0.9 && wilson(1, needed - 1).low < 0.9);
  assert.equal(accuracyAlarm(judged(needed - 1, needed - 1), 0.9), { state: 'too few', needed });
  assert.is(accuracyAlarm(judged(needed, 0), 0.9).state, 'above');
  assert.is(accuracyAlarm(judged(needed, 1), 0.9).state, 'under');
  assert.is(accuracyAlarm(judged(300, 15), 0.9).state, 'above');
});

test.run();
