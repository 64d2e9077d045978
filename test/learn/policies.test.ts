/**
 * Policies that choose windows: measures of uncertainty, the budget as a hard bound, the threshold that
 * follows the stream, the random share.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choose, RandomShare, UncertainWithin } from '../../host/learn/policies.ts';
import { entropy, margin, measures, uncertaintyOf } from '../../host/learn/uncertainty.ts';
import { draws } from '../../models/xorshift.ts';

const dayMs = 86_400_000;
const near = (a: number, b: number, by = 1e-9) => Math.abs(a - b) <= by;

test('margin and entropy: worked by hand, and equal to their definition on sorted scores', () => {
  assert.ok(near(margin([0.2, 0.5, 0.3]), 0.2) && near(margin([0.7]), 0.4) && near(margin([0.5, 0.5]), 0));
  assert.ok(near(entropy([0.25, 0.25, 0.25, 0.25]), 1) && near(entropy([1, 0, 0]), 0) && near(entropy([0.5]), 1));
  const parts = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(parts, (counts) => {
      const sum = counts.reduce((a, b) => a + b, 0);
      if (sum === 0) return true;
      const p = counts.map((n) => n / sum);
      const [first = 0, second = 0] = [...p].sort((a, b) => b - a);
      const bits = p.reduce((total, x) => total + (x > 0 ? x * Math.log2(1 / x) : 0), 0);
      // scores that miss the sum 1 have the entropy of their shares
      return near(margin(p), first - second) && near(entropy(counts), bits / Math.log2(p.length));
    }),
  );
  for (const measure of measures) {
    assert.ok(uncertaintyOf([0.4, 0.35, 0.25], measure) > uncertaintyOf([0.9, 0.06, 0.04], measure));
    assert.ok(near(uncertaintyOf([1, 0], measure), 0) && near(uncertaintyOf([0.5, 0.5], measure), 1));
  }
});

test('in no span are more windows taken than the budget and its burst allow', () => {
  const gap = fc.array(fc.integer({ min: 0, max: 4_000_000 }), { minLength: 200, maxLength: 200 });
  fc.assert(
    fc.property(gap, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 9 }), (gaps, labelsPerDay, burst) => {
      const policy = new UncertainWithin({ labelsPerDay, burst });
      let now = 0;
      const taken = gaps.flatMap((ms) => {
        now += ms;
        return policy.take((now % 97) / 97, now) ? [now] : [];
      });
      return taken.every((from, i) =>
        taken.slice(i).every((to, count) => count + 1 <= (labelsPerDay * (to - from)) / dayMs + burst + 1e-6),
      );
    }),
    { numRuns: 40 },
  );
});

/**
 * Runs a policy over days of windows every 10 s, with uncertainties from `of`. @returns those taken, by day
 */
function days(policy: UncertainWithin, count: number, of: (day: number) => number): number[][] {
  const taken = Array.from({ length: count }, () => [] as number[]);
  for (let at = 0; at < count * 8640; at++) {
    const day = Math.floor(at / 8640);
    const uncertainty = of(day);
    if (policy.take(uncertainty, at * 10_000)) taken[day]?.push(uncertainty);
  }
  return taken;
}

test('the budget of a day is spent, on the most uncertain windows', () => {
  const draw = draws(2);
  const taken = days(new UncertainWithin({ labelsPerDay: 86 }), 4, () => draw());
  for (const day of taken.slice(1)) {
    assert.ok(day.length >= 0.8 * 86 && day.length <= 1.2 * 86, `${day.length} labels`);
    // 86 of 8640 windows are the uppermost hundredth; a threshold that knows no future misses some
    const high = day.filter((u) => u > 0.97).length;
    assert.ok(high >= 0.9 * day.length, `${high} of ${day.length}`);
  }
});

test('the threshold follows a stream whose windows become more uncertain, and comes back', () => {
  const draw = draws(3);
  const policy = new UncertainWithin({ labelsPerDay: 86 });
  const thresholds: number[] = [];
  const taken = days(policy, 12, (day) => {
    thresholds[day] = policy.threshold;
    return draw() * (day >= 4 && day < 8 ? 1 : 0.5);
  });
  assert.ok((thresholds[3] as number) < 0.5 && (thresholds[7] as number) > 0.9 && (thresholds[11] as number) < 0.9);
  for (const day of [3, 7]) assert.ok((taken[day]?.length as number) >= 0.8 * 86);
});

test('few windows: all are taken as long as the budget has labels', () => {
  const policy = new UncertainWithin({ labelsPerDay: 48 });
  let taken = 0;
  for (let hour = 0; hour < 240; hour++) if (policy.take(0.01, hour * 3_600_000)) taken++;
  assert.ok(taken >= 230, `${taken} of 240`);
});

test('uncertainties and times that are no numbers take nothing, and a clock that goes back adds no label', () => {
  const policy = new UncertainWithin({ labelsPerDay: 24, burst: 1 });
  assert.not.ok(policy.take(Number.NaN, 0) || policy.take(2, 0) || policy.take(0.5, Number.NaN));
  assert.ok(policy.take(0.9, 10_000_000));
  assert.not.ok(policy.take(0.9, 0) || policy.take(0.9, 10_000_000));
  assert.throws(() => new UncertainWithin({ labelsPerDay: 0 }), /budget/);
});

test('a random share takes its share, whatever the other policy takes, and states its probability', () => {
  const random = new RandomShare(0.1, 7);
  const uncertain = new UncertainWithin({ labelsPerDay: 10_000, burst: 10_000 });
  let [both, all] = [0, 0];
  for (let i = 0; i < 20_000; i++) {
    const { reasons, inclusion } = choose({ uncertainty: i % 2 ? 0.9 : 0.1, timeMs: i * 1000 }, { random, uncertain });
    assert.is(inclusion, 0.1);
    if (!reasons.includes('random')) continue;
    all++;
    if (i % 2) both++;
  }
  // six standard errors
  assert.ok(near(all, 2000, 6 * Math.sqrt(1800)) && near(both, all / 2, 6 * Math.sqrt(all / 4)), `${all} ${both}`);
  assert.equal(choose({ timeMs: 0 }, {}), { reasons: [], inclusion: 0 });
  assert.throws(() => new RandomShare(0, 1), /share/);
});

test('the first draws of seeds that are counted up are spread evenly', () => {
  const first = Array.from({ length: 1000 }, (_, seed) => draws(seed)());
  for (let part = 0; part < 10; part++) {
    const count = first.filter((x) => Math.floor(10 * x) === part).length;
    assert.ok(count > 50 && count < 150, `${count} of 1000 in part ${part}`);
  }
});

test.run();
