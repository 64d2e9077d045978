/**
 * The choice among versions: the sign test's margin, the windows that are like the latest ones, and which
 * mechanism has the last word.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { better, chooseVersion, likeLatest, newestOf, type ScoredWindow, type Version } from '../../host/learn/choose-version.ts';
import { draws } from '../../models/xorshift.ts';
import { featuresOf } from '../../quant/calibration/coverage.ts';

const versions: Version[] = [
  { id: 'old', sequence: 3 },
  { id: 'new', sequence: 11 },
  { id: 'other', sequence: 7 },
];
const scored = (scores: Record<string, number>): ScoredWindow => ({ scores });
const times = (n: number, scores: Record<string, number>) => Array.from({ length: n }, () => scored(scores));
/** A window around a level, as its features. */
const at = (level: number, draw: () => number) =>
  featuresOf(0, [Float32Array.from({ length: 64 }, () => level + draw() - 0.5)], [1]);

test('the newest version has the highest sequence number', () => {
  assert.is(newestOf(versions), 'new');
  assert.is(newestOf(versions.toReversed()), 'new');
});

test('a version replaces the running one if the windows on which they differ favour it by the margin', () => {
  const [win, loss, tie] = [
    { old: 1, new: 0 },
    { old: 0, new: 1 },
    { old: 1, new: 1 },
  ];
  const winner = (wins: number, losses: number, ties = 0) =>
    better([...times(wins, win), ...times(losses, loss), ...times(ties, tie)], versions, 'new').id;
  // wins - losses >= 2 sqrt(wins + losses)
  for (const [wins, losses, ties, wanted] of [
    [0, 0, 100, 'new'],
    [3, 0, 0, 'new'],
    [4, 0, 0, 'old'],
    [4, 0, 200, 'old'],
    [5, 1, 0, 'new'],
    [6, 1, 0, 'new'],
    [7, 1, 0, 'old'],
    [50, 50, 0, 'new'],
    [59, 41, 0, 'new'],
    [60, 40, 0, 'old'],
    [0, 40, 0, 'new'],
  ] as const)
    assert.is(winner(wins, losses, ties), wanted, `${wins} wins, ${losses} losses`);
  // a version without answers never wins, and errors of values are compared by their order
  assert.is(better(times(50, { new: 0 }), versions, 'new').id, 'new');
  assert.is(better(times(4, { new: -2.5, other: -0.5, old: -2.5 }), versions, 'new').id, 'other');
  const both = [...times(9, { new: 0, old: 1, other: 1 }), ...times(3, { new: 0, old: 0, other: 1 })];
  assert.equal(better(both, versions, 'new'), { id: 'other', wins: 12, losses: 0 });
});

test('noise does not swap: two equal versions with independent mistakes', () => {
  let swaps = 0;
  const runs = 400;
  for (let seed = 0; seed < runs; seed++) {
    const draw = draws(seed);
    const windows = Array.from({ length: 50 }, () => scored({ old: draw() < 0.9 ? 1 : 0, new: draw() < 0.9 ? 1 : 0 }));
    if (better(windows, versions.slice(0, 2), 'new').id !== 'new') swaps++;
  }
  // the test has a level of 2.3 %; 5 % are more than three standard deviations of 400 runs above it
  assert.ok(swaps < 0.05 * runs, `${swaps} of ${runs}`);
});

test('the windows like the latest ones are those near them, each once, and of the same shape only', () => {
  const draw = draws(5);
  const low = Array.from({ length: 20 }, () => ({ scores: {}, features: at(-5, draw) }));
  const high = Array.from({ length: 20 }, () => ({ scores: {}, features: at(5, draw) }));
  const wrong = [{ scores: {} }, { scores: {}, features: featuresOf(0, [new Float32Array(8)], [2]) }];
  const found = likeLatest([...low, ...high, ...wrong], [at(5, draw), at(5, draw), at(5, draw)], 3);
  assert.ok(found.length >= 3 && found.length <= 9);
  assert.ok(found.every((one) => (high as ScoredWindow[]).includes(one)));
  assert.is(new Set(found).size, found.length);
  assert.is(likeLatest([...low, ...high], [at(5, draw)], 100).length, 40);
  assert.equal(likeLatest(low, []), []);
  assert.equal(likeLatest(wrong.slice(0, 1), [at(5, draw)]), []);
  // the nearest ones exactly
  const levels = [0, 10, 20, 30, 40, 50].map((level) => ({ scores: {}, features: at(level, () => 0.5) }));
  assert.equal(likeLatest(levels, [at(31, () => 0.5)], 2), [levels[3], levels[4]]);
});

test('a condition that comes back is recognised by its inputs before there is a label; without inputs labels decide', () => {
  const draw = draws(9);
  const winter = Array.from({ length: 60 }, (_, i) => ({ scores: { old: 1, new: i % 3 ? 1 : 0 }, features: at(-5, draw) }));
  const summer = Array.from({ length: 60 }, (_, i) => ({ scores: { old: i % 3 ? 1 : 0, new: 1 }, features: at(5, draw) }));
  const two = versions.slice(0, 2);
  const cold = Array.from({ length: 10 }, () => at(-5, draw));
  const warm = Array.from({ length: 10 }, () => at(5, draw));
  const all = [...winter, ...summer];
  // the latest labels are of summer, and the latest inputs of winter
  const back = chooseVersion(two, 'new', all, cold);
  assert.equal([back.newest, back.lastK, back.nearest, back.recommended, back.by], ['new', 'new', 'old', 'old', 'nearest']);
  assert.ok(back.wins >= 4 && back.losses === 0);
  assert.is(chooseVersion(two, 'old', all, cold).recommended, 'old', 'the last labels are of another condition');
  assert.equal(chooseVersion(two, 'old', all, warm).recommended, 'new');
  const blind = chooseVersion(
    two,
    'old',
    all.map(({ scores }) => ({ scores })),
    [],
  );
  assert.equal([blind.nearest, blind.lastK, blind.recommended, blind.by], [undefined, 'new', 'new', 'lastK']);
  assert.is(
    chooseVersion(
      two,
      'old',
      [...summer, ...winter.slice(0, 20)].map(({ scores }) => ({ scores })),
      [],
      { k: 20 },
    ).by,
    'running',
  );
  assert.equal(chooseVersion(two, 'new', [], cold).recommended, 'new');
  // what lies before the history does not count
  assert.is(chooseVersion(two, 'new', all, cold, { history: 60 }).nearest, 'new');
});

test.run();
