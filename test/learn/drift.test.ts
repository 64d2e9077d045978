/**
 * Drift: PSI, KS and features against values by formula, the bound of false alarms, causes, bounded memory.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allAbove, dependenceOf, falseAlarms, runFor } from '../../host/learn/drift/false-alarms.ts';
import { binOf, edgesOf, ks, psi } from '../../host/learn/drift/histogram.ts';
import { at, ChannelMeter, type Feature } from '../../host/learn/drift/meter.ts';
import { fits } from '../../host/learn/drift/watch.ts';
import { minOf } from '../../models/lists.ts';
import { draws } from '../../models/xorshift.ts';
import { correlated, learn, normals, run, watchOf } from './drift-signals.ts';

const near = (a: number, b: number, by = 1e-9) => Math.abs(a - b) <= by;

test('PSI and KS: worked by hand, and KS equal to the definition on sorted values', () => {
  // shares 0.25 and 0.75 against 0.5 and 0.5: (0.25)(ln 2) + (-0.25)(ln(2/3)) = 0.25 ln 3
  assert.ok(near(psi([2.5e8, 7.5e8], [5e8, 5e8]), 0.25 * Math.log(3), 1e-8));
  assert.ok(near(ks([1, 3], [2, 2]), 0.25));
  assert.ok(near(psi([3, 4, 5], [3, 4, 5]), 0) && near(ks([3, 4, 5], [6, 8, 10]), 0));
  assert.ok(Number.isNaN(psi([1, 1], [0, 0])) && Number.isNaN(ks([0, 0], [1, 1])));
  assert.ok(Number.isFinite(psi([10, 0], [0, 10])) && near(ks([10, 0], [0, 10]), 1));
  const list = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(list, list, (a, b) => {
      // an edge at every value: the histogram then loses nothing
      const edges = Array.from({ length: 31 }, (_, i) => i);
      const counts = (values: number[]) =>
        values.reduce((all, v) => {
          all[binOf(edges, v)] = (all[binOf(edges, v)] as number) + 1;
          return all;
        }, new Array<number>(32).fill(0));
      const cdf = (values: number[], x: number) => values.filter((v) => v <= x).length / values.length;
      const expected = edges.reduce((most, x) => Math.max(most, Math.abs(cdf(a, x) - cdf(b, x))), 0);
      return near(ks(counts(a), counts(b)), expected);
    }),
  );
});

test('KS of two samples is the value that scipy.stats.ks_2samp gives for them', () => {
  // ks_2samp([1,2,3,4,5], [3,4,5,6,7]).statistic is 0.4; ks_2samp([0,0,1], [1,1,1]).statistic is 2/3
  const edges = [0, 1, 2, 3, 4, 5, 6, 7];
  const counts = (values: number[]) => {
    const all = new Array<number>(9).fill(0);
    for (const v of values) all[binOf(edges, v)] = (all[binOf(edges, v)] as number) + 1;
    return all;
  };
  assert.ok(near(ks(counts([1, 2, 3, 4, 5]), counts([3, 4, 5, 6, 7])), 0.4));
  assert.ok(near(ks(counts([0, 0, 1]), counts([1, 1, 1])), 2 / 3));
});

test('edges ascend, hold about as much each, and give a repeated value a bin of its own', () => {
  const draw = draws(3);
  const values = Array.from({ length: 1600 }, () => draw());
  const edges = edgesOf(values);
  assert.is(edges.length, 15);
  const counts = new Array<number>(16).fill(0);
  for (const v of values) counts[binOf(edges, v)] = (counts[binOf(edges, v)] as number) + 1;
  assert.ok(
    counts.every((n) => Math.abs(n - 100) <= 1),
    counts.join(' '),
  );
  const saturated = edgesOf([...new Array<number>(900).fill(127), ...values.slice(0, 100)]);
  assert.is.not(binOf(saturated, 126.9), binOf(saturated, 127));
  assert.is.not(binOf(saturated, 127), binOf(saturated, 127.1));
  const constant = edgesOf([5, 5, 5]);
  assert.is(new Set([4, 5, 6].map((v) => binOf(constant, v))).size, 3);
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { maxLength: 80 }), (list) => {
      const found = edgesOf(list);
      return found.every((edge, i) => i === 0 || edge > (found[i - 1] as number));
    }),
  );
});

test('features of a block: of a sine, of white noise and of a constant by formula', () => {
  const meter = new ChannelMeter([0]);
  const [n, step] = [20_000, 0.05];
  const of = (value: (i: number) => number, beside = value) => {
    meter.cut();
    for (let i = 0; i < n; i++) meter.see(value(i), beside(i));
    const found = meter.take() as Float64Array;
    return (name: Feature) => found[at[name]] as number;
  };
  of(() => 3); // the mean of this block is the centre of the next one
  const sine = of(
    (i) => 3 + 2 * Math.sin(step * i),
    (i) => -Math.sin(step * i),
  );
  assert.ok(near(sine('mean'), 3, 0.01) && near(sine('scale'), Math.log(Math.SQRT2), 1e-3));
  // energy of a difference over the variance is 2 (1 - cos step), for the first and for the second difference
  const energy = Math.log(2 * (1 - Math.cos(step)));
  assert.ok(near(sine('rough'), energy, 1e-2) && near(sine('slope'), energy, 1e-2));
  assert.ok(near(sine('crossings'), Math.log(step / Math.PI), 0.02) && near(sine('link'), -1, 1e-6));
  const draw = draws(9);
  const normal = normals(draw);
  of(() => 0);
  const white = of(() => 5 * normal());
  assert.ok(near(white('scale'), Math.log(5), 0.02) && near(white('rough'), Math.log(2), 0.03));
  assert.ok(near(white('slope'), Math.log(3), 0.03) && near(white('crossings'), Math.log(0.5), 0.03));
  // the 20 % quantile of |N(0, 6)| is 0.2533 sqrt(6)
  assert.ok(near(white('floor'), Math.log(5 * 0.2533 * Math.sqrt(6)), 0.06));
  assert.ok(near(white('skew'), 0, 0.08) && near(of(() => -Math.log(1 - draw()))('skew'), 2, 0.3), 'exponential: 2');
  const clipped = of(() => Math.max(-5, Math.min(5, 5 * normal())));
  // N(0, 1) beyond one deviation: 31.7 %
  assert.ok(near(clipped('ends'), 0.3173, 0.01) && near(white('ends'), 0, 0.001));
  const constant = of(() => 1);
  assert.ok(constant('flat') > 0.999 && constant('ends') === 1 && constant('scale') < -10);
  assert.is(new ChannelMeter([0]).take(), undefined);
});

test('the probability of a run is that of exchangeable values: by formula and by counting', () => {
  assert.ok(near(allAbove(3, 1), 1 / 4) && near(allAbove(60, 4), 1 / 635_376) && near(allAbove(4, 2), 1 / 15));
  const draw = draws(4);
  let above = 0;
  const rounds = 20_000;
  for (let round = 0; round < rounds; round++) {
    const most = Math.max(draw(), draw(), draw(), draw());
    if (draw() > most && draw() > most) above++;
  }
  // four standard errors
  assert.ok(near(above / rounds, 1 / 15, 4 * Math.sqrt(1 / 15 / rounds)));
  for (const [blocks, perDay] of [
    [60, 0.01],
    [60, 1],
    [30, 1e-4],
  ] as const) {
    const found = runFor(blocks, 1536, perDay);
    assert.ok(falseAlarms(blocks, found, 1536) <= perDay && falseAlarms(blocks, found - 1, 1536) > perDay);
  }
  assert.is(runFor(6, 1e6, 1e-9), Number.POSITIVE_INFINITY);
  assert.ok(runFor(60, 1536, 0.01, 3) >= 3 * 2, 'dependent blocks need a longer run');
  assert.is(dependenceOf(Array.from({ length: 60 }, (_, i) => (i * 37) % 61)), 1);
  assert.ok(dependenceOf(Array.from({ length: 60 }, (_, i) => i)) > 10);
});

/** Counts false alarms over many references, each with the clean signal of days. */
function falseAlarmsOf(r: number, references: number, days: number): { alarms: number; days: number } {
  let alarms = 0;
  for (let seed = 0; seed < references; seed++) {
    // blocks of 100 frames, so that many days pass quickly; 200 blocks a day
    const watch = watchOf({ blockTicks: 100, blocksPerDay: 200, inputs: [2] });
    const source = correlated(1000 * (seed + 1), r, 2);
    learn(watch, source);
    alarms += run(watch, source, 200 * days).filter(({ state }) => state === 'begins').length;
  }
  return { alarms, days: references * days };
}

test('clean signal, white or autocorrelated, gives at most the stated number of false alarms', () => {
  for (const r of [0, 0.6, 0.9]) {
    const { alarms, days } = falseAlarmsOf(r, 10, 5);
    // at most one a day is stated
    assert.ok(alarms <= days, `correlation ${r}: ${alarms} in ${days} days`);
  }
});

test('memory: the state of a watch does not grow with the stream', () => {
  const watch = watchOf({ blockTicks: 50 });
  const source = correlated(5, 0.5);
  learn(watch, source);
  const size = () => JSON.stringify(watch.reference).length;
  const before = size();
  run(watch, source, 2000);
  assert.is(size(), before);
  assert.ok(fits(watch.reference as NonNullable<typeof watch.reference>, watch.options));
  assert.not.ok(fits(watch.reference as NonNullable<typeof watch.reference>, { ...watch.options, inputs: [2] }));
  assert.not.ok(fits(watch.reference as NonNullable<typeof watch.reference>, { ...watch.options, blockTicks: 51 }));
});

test('a block with too few frames neither continues nor ends a run', () => {
  const watch = watchOf();
  const source = correlated(6, 0.5);
  learn(watch, source);
  const loud = (frames: number) => source(frames).map((x) => 3 * x);
  const needed = minOf((watch.reference?.limits ?? []).map(({ run: n }) => n ?? 99));
  assert.equal(run(watch, loud, needed - 1), []);
  // a gap of many blocks, then the last one
  assert.is(watch.pass(100_000), undefined);
  assert.is(run(watch, loud, 1)[0]?.state, 'begins');
  const ended = run(watch, source, 40);
  assert.equal(
    ended.map(({ state }) => state),
    ['ends'],
  );
});

test('infinite values spoil their block only, and a reference with some is still finite JSON', () => {
  const watch = watchOf();
  const source = correlated(12, 0.5);
  let block = 0;
  const sick = (frames: number) => source(frames).map((x, i) => (block % 9 === 8 && i === 7 ? Number.POSITIVE_INFINITY : x));
  const blocks = (count: number, of: typeof sick) => {
    const events = [];
    for (let b = 0; b < count; b++, block++) events.push(...run(watch, of, 1));
    return events.map(({ state }) => state);
  };
  assert.equal(blocks(64, sick), ['learned']);
  const stored = JSON.parse(JSON.stringify(watch.reference));
  assert.equal(stored, watch.reference);
  assert.equal(blocks(40, sick), []);
  assert.equal(
    blocks(12, (frames) => source(frames).map((x) => 3 * x)),
    ['begins'],
  );
});

test('outputs that change while inputs do not are drift without a channel; of another version they do not count', () => {
  for (const judged of [true, false]) {
    const watch = watchOf({ outputs: [2], inputs: [1] });
    const source = correlated(8, 0.5);
    const normal = normals(draws(8));
    const blocks = (count: number, shift: number) => {
      const events = [];
      for (let b = 0; b < count; b++) {
        for (let i = 0; i < 100; i++) watch.output([Float64Array.of(normal() + shift, normal())]);
        events.push(...run(watch, source, 1));
      }
      return events;
    };
    assert.equal(
      blocks(64, 0).map(({ state }) => state),
      ['learned'],
    );
    watch.judgesOutputs = judged;
    const [event] = blocks(20, 2);
    if (judged) assert.equal([event?.state, event?.state === 'begins' && event.channels], ['begins', []]);
    else assert.is(event, undefined);
  }
});

test.run();
