/**
 * Calibration of scores: the curve and its error against sums over the windows of each bin, the temperature
 * against a search over a grid and against the temperature that made the scores.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { atTemperature, fitTemperature, logLoss, reliability, type Scored } from '../../host/learn/scores.ts';
import { maxOf } from '../../models/lists.ts';
import { draws } from '../../models/xorshift.ts';

const near = (a: number, b: number, by: number) => Math.abs(a - b) <= by;

/** Windows whose scores are true probabilities at a temperature; classes are drawn before it is applied. */
function drawn(count: number, temperature: number, seed: number): Scored[] {
  const draw = draws(seed);
  return Array.from({ length: count }, () => {
    const powers = [0, 1, 2].map(() => Math.exp(2 * draw()));
    const sum = powers.reduce((a, b) => a + b, 0);
    const real = powers.map((p) => p / sum);
    let [truth, left] = [0, draw()];
    while (truth < 2 && left >= (real[truth] as number)) left -= real[truth++] as number;
    return { scores: atTemperature(real, temperature, 1e-12), truth };
  });
}

const windows = fc.array(
  fc.tuple(
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 3, maxLength: 3 }),
    fc.integer({ min: 0, max: 2 }),
    fc.constantFrom(1, 4),
  ),
  { minLength: 1, maxLength: 40 },
);
const scoredOf = (cases: [number[], number, number][]): Scored[] =>
  cases.map(([parts, truth, weight]) => {
    const sum = parts.reduce((a, b) => a + b, 0);
    return { scores: parts.map((p) => p / sum), truth, weight };
  });

test('the calibration error equals the sum over the windows of each bin, found by comparing with its bounds', () => {
  fc.assert(
    fc.property(windows, fc.integer({ min: 1, max: 12 }), (cases, count) => {
      const scored = scoredOf(cases);
      const { bins, expectedCalibrationError } = reliability(scored, count);
      let error = 0;
      for (let b = 0; b < count; b++) {
        const inside = scored.filter(({ scores }) => {
          const top = maxOf(Array.from(scores));
          return top > b / count && top <= (b + 1) / count;
        });
        assert.is(bins[b]?.windows, inside.length);
        const gaps = inside.map(({ scores, truth, weight = 1 }) => {
          const top = maxOf(Array.from(scores));
          return weight * ((Array.from(scores).indexOf(top) === truth ? 1 : 0) - top);
        });
        error += Math.abs(gaps.reduce((sum, gap) => sum + gap, 0));
      }
      const all = scored.reduce((sum, { weight = 1 }) => sum + weight, 0);
      return near(expectedCalibrationError, error / all, 1e-9);
    }),
  );
});

test('worked by hand: two windows with score 0.9, one of them right, have an error of 0.4', () => {
  const scored = [0, 1].map((truth) => ({ scores: [0.9, 0.1], truth }));
  const { bins, expectedCalibrationError } = reliability(scored);
  assert.ok(near(expectedCalibrationError, 0.4, 1e-12));
  assert.equal(
    bins.filter((bin) => bin.windows > 0).map(({ from, to, accuracy }) => [from, to, accuracy]),
    [[0.8, 0.9, 0.5]],
  );
});

test('no temperature of a grid has a smaller loss than the fitted one', () => {
  fc.assert(
    fc.property(windows, (cases) => {
      const scored = scoredOf(cases);
      const { temperature, lossAfter } = fitTemperature(scored) as { temperature: number; lossAfter: number };
      assert.ok(temperature >= 1 / 32 && temperature <= 32);
      for (let t = -5; t <= 5; t += 0.25) if (logLoss(scored, 2 ** t) < lossAfter - 1e-9) return false;
      return true;
    }),
    { numRuns: 30 },
  );
});

test('the temperature that made the scores overconfident is found, and the calibration error falls', () => {
  const scored = drawn(6000, 0.4, 11);
  const { temperature, atBound } = fitTemperature(scored, 1e-9) as { temperature: number; atBound: boolean };
  // scores at 0.4 are put right by 1 / 0.4; the standard error of 6000 windows is about 3 %
  assert.ok(near(temperature, 2.5, 0.3) && !atBound, `${temperature}`);
  const after = scored.map((one) => ({ ...one, scores: atTemperature(one.scores, temperature, 1e-9) }));
  assert.ok(reliability(after).expectedCalibrationError < reliability(scored).expectedCalibrationError / 3);
});

test('if no answer is wrong, the temperature ends at its bound and says so; without windows there is none', () => {
  const scored = Array.from({ length: 20 }, () => ({ scores: [0.7, 0.3], truth: 0 }));
  assert.ok(fitTemperature(scored)?.atBound);
  assert.is(fitTemperature([]), undefined);
});

test('temperature 1 changes nothing, and a score of 0 is taken as the floor', () => {
  const same = atTemperature([0.5, 0.25, 0.25], 1);
  assert.ok([0.5, 0.25, 0.25].every((p, i) => near(same[i] as number, p, 1e-12)));
  assert.ok(near(atTemperature([1, 0], 1, 0.25)[1] as number, 0.2, 1e-12));
  assert.ok(Number.isFinite(logLoss([{ scores: [1, 0], truth: 1 }])));
});

test.run();
