/** The rules and the metric of `npm run quant:compare`, on made-up rows and scores. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { networks } from '../../scripts/quant-compare/networks.ts';
import { metricOf, picked } from '../../scripts/quant-compare/runlet.ts';
import { type Row, verdicts } from '../../scripts/quant-compare/verdict.ts';
import { drawn } from '../../scripts/quant-compare/windows.ts';

const row = (change: Partial<Row>): Row => ({
  name: 'a',
  friendly: true,
  windows: 2000,
  float: 90,
  runlet: { fast: [89, 89], good: [89.95, 89.9], best: [90, 89.9] },
  peer: { method: 'minmax int8', metric: [90, 89.9] },
  ...change,
});
const held = (rows: Row[]) =>
  verdicts(rows)
    .filter((v) => !v.aside)
    .map((v) => v.holds);
const aside = (rows: Row[]) =>
  verdicts(rows)
    .filter((v) => v.aside)
    .map((v) => v.holds);

test('the rules hold without loss, and each can fail separately', () => {
  assert.equal(held([row({})]), [true, true, true]);
  assert.equal(aside([row({})]), [true, true]);
  const good = (...values: number[]) => ({ ...row({}).runlet, good: values });
  // an average loss of 0.15 points, where onnxruntime loses 0.05
  assert.equal(held([row({ runlet: good(89.9, 89.8) })]), [false, true, true]);
  // the same loss is allowed if onnxruntime loses twice as much, also on another network
  const lossy = { method: 'm', metric: [89.7, 89.7] };
  assert.equal(held([row({ runlet: good(89.9, 89.8), peer: lossy })]), [true, true, true]);
  assert.equal(held([row({ runlet: good(89.9, 89.8) }), row({ peer: { method: 'm', metric: [89, 89] } })]), [true, true, true]);
  assert.equal(aside([row({ runlet: good(89.9, 89.8) }), row({ peer: { method: 'm', metric: [89, 89] } })]), [false, true]);
  // 0.25 points behind on one network: two windows are 0.1 points of 2000, but 0.4 of 500
  const behind = { runlet: good(89.7, 89.7), peer: { method: 'm', metric: [90, 89.9] } };
  assert.equal(held([row(behind), row({ peer: { method: 'm', metric: [88, 88] } })]), [true, false, true]);
  assert.equal(held([row({ ...behind, windows: 500 }), row({ peer: { method: 'm', metric: [88, 88] } })]), [true, true, true]);
  // worse in one draw, better in another
  const oneBad = { runlet: good(90.2, 89.65), peer: { method: 'm', metric: [90, 89.9] } };
  assert.equal(held([row(oneBad)]), [true, true, true]);
  assert.equal(aside([row(oneBad)]), [true, false]);
  assert.equal(aside([row({ ...oneBad, windows: 500 })]), [true, true]);
  // best is judged only on friendly forms
  const best = { runlet: { ...row({}).runlet, best: [89.6, 89.6] } };
  assert.equal(held([row(best)]), [true, true, false]);
  assert.equal(held([row({ ...best, friendly: false })]), [true, true, true]);
  assert.equal(held([row({ peer: undefined })]), [true]);
});

test('the metric is the share of correct windows, or for a rate the mean absolute error in % of the mean', () => {
  const scores = [
    [0.1, 0.9],
    [0.6, 0.4],
    [0.2, 0.8],
  ];
  assert.ok(Math.abs(metricOf(scores, Float64Array.of(1, 1, 1)) - 200 / 3) < 1e-9);
  assert.ok(Math.abs(metricOf([[60], [90]], Float64Array.of(63, 87)) - 96) < 1e-9);
});

test('a draw repeats no window, and depends only on the seed', () => {
  const draw = drawn(1000, 60, 400);
  assert.is(new Set(draw).size, 60);
  assert.ok(draw.every((w) => w >= 0 && w < 400));
  assert.equal(drawn(1000, 60, 400), draw);
  assert.not.equal(drawn(1001, 60, 400), draw);
  assert.equal([...picked(Float32Array.of(0, 1, 2, 3, 4, 5), 2, Int32Array.of(2, 0))], [4, 5, 0, 1]);
});

test('there are at least 12 networks, each with friendly and other forms', () => {
  const family = (n: (typeof networks)[number]) => n.name.split(' ')[0];
  assert.ok(networks.length >= 12);
  assert.is(new Set(networks.map((n) => n.name)).size, networks.length);
  for (const name of new Set(networks.map(family)))
    assert.equal([...new Set(networks.filter((n) => family(n) === name).map((n) => n.friendly))].sort(), [false, true], name);
});

test.run();
