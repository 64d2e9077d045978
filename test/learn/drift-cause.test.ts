/**
 * Causes of drift on random signals: each made fault is seen, and named with its channels.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cause } from '../../host/learn/drift/cause.ts';
import { draws } from '../../models/xorshift.ts';
import { learn, normals, run, type Source, watchOf, waves } from './drift-signals.ts';

const channels = 3;
const seeds = Array.from({ length: 20 }, (_, i) => i);

/** Changes every value of some channels. */
const each =
  (source: Source, of: (c: number) => boolean, change: (x: number, c: number) => number): Source =>
  (frames) =>
    source(frames).map((x, i) => (of(i % channels) ? change(x, i % channels) : x));

/** Makes the fault with a random strength. @returns the signal, and the channels that must be named */
type Fault = (source: Source, draw: () => number) => [Source, number[]];
const all = [0, 1, 2];
const one = (draw: () => number) => Math.floor(channels * draw());

const faults: Record<Exclude<Cause, 'other'>, Fault> = {
  gain: (source, draw) => {
    const factor = draw() < 0.5 ? 0.3 + 0.4 * draw() : 1.5 + 2 * draw();
    return [
      each(
        source,
        () => true,
        (x) => factor * x,
      ),
      all,
    ];
  },
  offset: (source, draw) => {
    const [c, shift] = [one(draw), (draw() < 0.5 ? -1 : 1) * (1 + 3 * draw())];
    return [
      each(
        source,
        (i) => i === c,
        (x) => x + shift,
      ),
      [c],
    ];
  },
  dead: (source, draw) => {
    const [c, value] = [one(draw), 4 * draw() - 2];
    return [
      each(
        source,
        (i) => i === c,
        () => value,
      ),
      [c],
    ];
  },
  // the mean of a channel is between -3 and 3, so this cuts a part of each
  saturation: (source) => {
    let limits: number[] | undefined;
    const sorted = (x: Float64Array, c: number) => x.filter((_, i) => i % channels === c).sort();
    return [
      (frames) => {
        const x = source(frames);
        limits ??= all.map((c) => sorted(x, c)[Math.floor(0.85 * frames)] as number);
        return x.map((v, i) => Math.min(v, limits?.[i % channels] as number));
      },
      all,
    ];
  },
  swapped: (source, draw) => {
    const a = one(draw);
    const b = (a + 1) % channels;
    const from = [...all];
    [from[a], from[b]] = [b, a];
    return [
      (frames) => {
        const x = source(frames);
        return x.map((_, i) => x[i - (i % channels) + (from[i % channels] as number)] as number);
      },
      [a, b].sort(),
    ];
  },
  rate: (source) => [(frames) => source(2 * frames).filter((_, i) => Math.floor(i / channels) % 2 === 0), all],
  noise: (source, draw) => {
    const [normal, level] = [normals(draw), 0.3 + 0.5 * draw()];
    return [
      each(
        source,
        () => true,
        (x) => x + level * normal(),
      ),
      all,
    ];
  },
};

for (const [name, fault] of Object.entries(faults) as [Exclude<Cause, 'other'>, Fault][])
  test(`${name} is seen and named, on random signals of ${channels} channels`, () => {
    let right = 0;
    for (const seed of seeds) {
      const source = waves(seed, channels);
      const watch = watchOf({ inputs: [channels] });
      learn(watch, source);
      assert.equal(
        run(watch, source, 40).filter(({ state }) => state === 'begins'),
        [],
        `seed ${seed}: a false alarm`,
      );
      const [changed, where] = fault(source, draws(seed + 9000));
      const [event] = run(watch, changed, 12);
      assert.is(event?.state, 'begins', `seed ${seed}: not seen`);
      if (event?.state !== 'begins') continue;
      if (event.cause === name && where.every((c) => event.channels.includes(c))) right++;
    }
    // the share that is asked of the whole evaluation
    assert.ok(right >= 0.8 * seeds.length, `${right} of ${seeds.length}`);
  });

test('another signal is no known cause', () => {
  let named = 0;
  for (const seed of seeds) {
    const source = waves(seed, channels);
    const watch = watchOf({ inputs: [channels] });
    learn(watch, source);
    const [event] = run(watch, waves(seed + 77, channels), 12);
    if (event?.state === 'begins' && event.cause !== 'other') named++;
  }
  assert.ok(named <= 0.2 * seeds.length, `${named} of ${seeds.length}`);
});

test.run();
