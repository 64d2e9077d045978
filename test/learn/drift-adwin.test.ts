/**
 * ADWIN: its window, its bound on false changes, its detection, its memory.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Adwin } from '../../host/learn/drift/adwin.ts';
import { draws } from '../../models/xorshift.ts';

test('the mean and the length are those of the values while nothing changes', () => {
  const adwin = new Adwin(0.001);
  const draw = draws(1);
  let sum = 0;
  for (let i = 1; i <= 500; i++) {
    const value = draw() < 0.3 ? 1 : 0;
    sum += value;
    if (adwin.see(value) !== 0) throw new Error('a change');
    assert.ok(Math.abs(adwin.mean - sum / i) < 1e-12);
    assert.is(adwin.length, i);
  }
});

test('false changes are at most delta per value, for several error rates', () => {
  const delta = 0.002;
  for (const rate of [0.02, 0.2, 0.5]) {
    let [changes, values] = [0, 0];
    for (let seed = 0; seed < 20; seed++) {
      const adwin = new Adwin(delta);
      const draw = draws(seed);
      for (let i = 0; i < 2000; i++, values++) if (adwin.see(draw() < rate ? 1 : 0) !== 0) changes++;
    }
    assert.ok(changes <= delta * values, `${rate}: ${changes} of ${values}`);
  }
});

test('a rise is found with its sign, and the window forgets what was before', () => {
  for (let seed = 0; seed < 20; seed++) {
    const adwin = new Adwin(0.01);
    const draw = draws(seed);
    for (let i = 0; i < 400; i++) adwin.see(draw() < 0.1 ? 1 : 0);
    let at = 0;
    while (at < 400 && adwin.see(draw() < 0.6 ? 1 : 0) <= 0) at++;
    // by the bound, 40 values at a difference of 0.5 suffice; chance may need some more
    assert.ok(at < 80, `seed ${seed}: ${at}`);
    for (let i = 0; i < 400; i++) adwin.see(draw() < 0.6 ? 1 : 0);
    assert.ok(Math.abs(adwin.mean - 0.6) < 0.15, `seed ${seed}: ${adwin.mean}`);
  }
  const falls = new Adwin(0.01);
  for (let i = 0; i < 100; i++) falls.see(1);
  let change = 0;
  for (let i = 0; i < 100 && change === 0; i++) change = falls.see(0);
  assert.ok(change < 0);
});

test('memory grows with the logarithm; values are clipped, NaN is left out', () => {
  const adwin = new Adwin(0.001);
  for (let i = 0; i < 100_000; i++) adwin.see(0.5);
  assert.is(adwin.length, 100_000);
  assert.ok(adwin.buckets <= 6 * Math.ceil(Math.log2(100_000)), `${adwin.buckets}`);
  adwin.see(Number.NaN);
  assert.is(adwin.length, 100_000);
  const clipped = new Adwin(0.1);
  clipped.see(9);
  assert.is(clipped.mean, 1);
  assert.throws(() => new Adwin(0), RangeError);
  assert.throws(() => new Adwin(1), RangeError);
});

test.run();
