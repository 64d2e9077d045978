/**
 * search: the score and graph of each candidate equal those of quantising with its methods, the front is a
 * Pareto front, and the same seed tries the same candidates.
 */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { writeGraph } from '../../models/graph/file.ts';
import { planStream } from '../../models/stream/plan.ts';
import { evaluate } from '../../quant/evaluate/evaluate.ts';
import type { Labels } from '../../quant/evaluate/labels.ts';
import { quantPlan } from '../../quant/plan.ts';
import { presets } from '../../quant/presets.ts';
import { quantize } from '../../quant/quantize.ts';
import { candidatesOf, optionsText } from '../../quant/search/candidates.ts';
import { chooseFrom, type Score, search } from '../../quant/search/search.ts';
import { channels, noise, tellingClassifier, window } from './small-classifier.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const signal = noise(seed, 16 * 40);
const graph = tellingClassifier(seed, signal);
const options = { hop: 4 };

test('candidates start with the presets, have no duplicates, and are ordered by the seed', () => {
  for (const space of [{}, { analytic: true }, { mixedBudgets: [5, 20] }]) {
    const all = candidatesOf({ seed, ...space });
    const names = all.map(optionsText);
    assert.is(new Set(names).size, names.length);
    const times = 'mixedBudgets' in space ? 3 : 1;
    assert.equal(all.filter((_, i) => i % times === 0 && i < 3 * times).map((c) => c.methods), [presets.good, presets.best, presets.fast]); // biome-ignore format: one line
    assert.equal(candidatesOf({ seed, ...space }).map(optionsText), names);
    const other = candidatesOf({ seed: seed + 1, ...space }).map(optionsText);
    assert.not.equal(other, names);
    assert.equal([...other].sort(), [...names].sort());
  }
});

test('a candidate equals quantising with its methods, and repeating the search gives the same results', () => {
  const found = search(planStream(graph, options), signal, { seed, candidates: 36 });
  assert.is(found.tried.length, 36);
  assert.is(found.score, 'output SQNR');
  for (const { methods, graph: int8, score } of found.tried) {
    const made = quantize(graph, signal, { ...options, mode: 'stream', ...methods, noReport: true });
    assert.equal(writeGraph(int8), writeGraph(made.graph), optionsText({ methods }));
    assert.ok(score > 0 && score <= found.chosen.score);
  }
  assert.ok(new Set(found.tried.map((t) => t.score)).size > 8, 'methods differ');
  const again = search(planStream(graph, options), signal, { seed, candidates: 36 });
  const plain = (s: typeof found) => s.tried.map((t) => [t.options, t.score, t.bytes, t.work, t.front]);
  assert.equal(plain(again), plain(found));
});

test('with labels the score is the metric of the task, and int16 costs bytes and work', () => {
  const windows = (signal.length / channels - window) / options.hop + 1;
  const labels: Labels = { kind: 'classes', values: Array.from({ length: windows }, (_, n) => n % 3), names: ['0', '1', '2'] };
  const task = { data: signal, labels, metric: 'f1' as const };
  const { tried, score, chosen } = search(planStream(graph, options), signal, { seed, candidates: 6, mixedBudgets: [400], task });
  assert.is(score, 'f1');
  for (const t of tried) assert.is(t.score, evaluate(quantPlan(planStream(t.graph, options)), signal, labels).classes?.macroF1);
  assert.is(chosen.score, Math.max(...tried.map((t) => t.score)));
  const [plain, mixed] = tried;
  assert.is(plain?.mixedBudget, undefined);
  assert.is(mixed?.mixedBudget, 400);
  assert.ok((mixed?.work ?? 0) > (plain?.work ?? 0) && (mixed?.bytes ?? 0) > (plain?.bytes ?? 0));
});

test('the time limit ends the search after a candidate, never before the first, and an empty budget is refused', () => {
  let clock = 0;
  const tick = (ms: number) => () => {
    clock += ms;
    return clock;
  };
  assert.is(search(planStream(graph, options), signal, { seed, seconds: 10, now: tick(3000) }).tried.length, 3);
  assert.is(search(planStream(graph, options), signal, { seed, seconds: 1, now: tick(9000) }).tried.length, 1);
  for (const how of [{ seconds: 0 }, { candidates: 0 }, { seconds: Number.NaN }])
    try {
      search(planStream(graph, options), signal, how);
      assert.unreachable();
    } catch (error) {
      assert.ok(isRunletError(error) && error.code === 'RN437');
    }
});

test('the front and the choice equal their definitions', () => {
  const one = fc.record({ score: fc.nat(4), bytes: fc.nat(4), work: fc.nat(4), front: fc.constant(false) });
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 12 }), fc.constantFrom<Score>('accuracy', 'mae'), (given, score) => {
      const tried = given.map((t) => ({ ...t }));
      const chosen = chooseFrom(score, tried);
      const sign = score === 'mae' ? 1 : -1;
      const costs = (t: (typeof tried)[number]) => [sign * t.score, t.bytes, t.work];
      const beats = (a: number[], b: number[]) =>
        a.every((v, i) => v <= (b[i] as number)) && a.some((v, i) => v < (b[i] as number));
      for (const t of tried) assert.is(t.front, !tried.some((o) => beats(costs(o), costs(t))));
      assert.ok(chosen.front);
      assert.is(sign * chosen.score, Math.min(...tried.map((t) => sign * t.score)));
      const equals = tried.filter((t) => t.score === chosen.score);
      assert.is(chosen.bytes, Math.min(...equals.map((t) => t.bytes)));
    }),
    { seed, numRuns: 200 },
  );
});

test.run();
