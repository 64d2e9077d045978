/**
 * Which of two versions is better on the same labelled windows: few windows, weights, values, other windows.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareVersions } from '../../host/learn/compare.ts';
import type { LabelledWindow } from '../../host/learn/judge.ts';

const names = ['a', 'b'];
const classes = (truth: number, old: number, next: number, more: Partial<LabelledWindow> = {}): LabelledWindow => ({
  ...{ window: 'w', reasons: ['random'], inclusion: 1, truth: { kind: 'class', class: truth }, answers: { old, next } },
  ...more,
});
const times = <T>(count: number, one: T): T[] => new Array<T>(count).fill(one);
const compare = (windows: LabelledWindow[]) => compareVersions(windows, 'old', 'next', names);
const compareValues = (windows: LabelledWindow[]) => compareVersions(windows, 'old', 'next', undefined);

test('four windows on which only one version is right decide, three do not', () => {
  const [lost, won, same] = [classes(0, 0, 1), classes(1, 0, 1), classes(1, 1, 1)];
  assert.is(compare([...times(3, lost), ...times(200, same)]).verdict, 'no clear difference');
  assert.is(compare([...times(4, lost), ...times(200, same)]).verdict, 'worse');
  assert.is(compare([...times(4, won), ...times(200, same)]).verdict, 'better');
  const both = compare([...times(30, won), ...times(20, lost), ...times(50, same)]);
  assert.equal([both.windows, both.better, both.worse, both.verdict], [100, 30, 20, 'no clear difference']);
  assert.equal(
    [both.old, both.next].map((judged) => 'accuracy' in judged && judged.accuracy.value),
    [0.7, 0.8],
  );
  assert.equal([compare([]).verdict, compare([]).windows], ['no clear difference', 0]);
});

test('windows that were not drawn at random, without a truth or without an answer of both do not count', () => {
  const lost = classes(0, 0, 1);
  const others: Partial<LabelledWindow>[] = [
    { reasons: ['uncertain'] },
    { truth: undefined as never },
    { answers: { next: 1 } },
    { answers: { old: 0, next: Number.NaN } },
    { truth: { kind: 'value', value: 1 } },
    { truth: { kind: 'class', class: 2 } },
    { inclusion: 0 },
  ];
  for (const other of others) assert.is(compare(times(50, { ...lost, ...other })).windows, 0, JSON.stringify(other));
  const nothing = compare(times(5, classes(0, 0, 1, { truth: { kind: 'nothing' } })));
  assert.equal([nothing.windows, nothing.worse], [5, 0], 'every class is wrong');
});

test('rare windows weigh more, and few heavy windows decide nothing', () => {
  const won = times(20, classes(1, 0, 1));
  const heavy = times(2, classes(0, 0, 1, { inclusion: 0.01 }));
  assert.is(compare(won).verdict, 'better');
  const all = compare([...won, ...heavy]);
  assert.ok(all.won < 0.5);
  assert.is(all.verdict, 'no clear difference');
});

test('of two values the nearer one is better', () => {
  const value = (old: number, next: number) => classes(0, old, next, { truth: { kind: 'value', value: 60 } });
  const better = compareValues(times(10, value(70, 55)));
  assert.equal([better.verdict, 'meanAbsoluteError' in better.next && better.next.meanAbsoluteError.value], ['better', 5]);
  assert.is(compareValues(times(10, value(61, 55))).verdict, 'worse');
  assert.is(compareValues(times(10, value(55, 65))).verdict, 'no clear difference');
});

test.run();
