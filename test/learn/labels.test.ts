/**
 * Labels of several annotators: verdicts, agreement, windows to ask again, cost. Cohen's kappa is compared
 * with its definition over the table of both annotators' categories.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Answer, agreements, askAgain, cohensKappa, costs, type Truth, verdicts } from '../../host/learn/labels.ts';

const isClass = (n: number): Truth => ({ kind: 'class', class: n });
const isValue = (value: number): Truth => ({ kind: 'value', value });
const notSure = { kind: 'not-sure' } as const;
const nothing = { kind: 'nothing' } as const;
const answer = (window: string, annotator: string, said: Answer['said'], seconds = 1): Answer => ({
  window,
  annotator,
  said,
  seconds,
});

/** Kappa by its definition: shares of a table, summed along its diagonal and its margins. */
function kappaOfTable(pairs: readonly (readonly [number, number])[], categories: number): number {
  const table = Array.from({ length: categories }, (_, a) =>
    Array.from({ length: categories }, (_, b) => pairs.filter(([x, y]) => x === a && y === b).length / pairs.length),
  );
  let [observed, chance] = [0, 0];
  for (let c = 0; c < categories; c++) {
    observed += table[c]?.[c] as number;
    const column = table.reduce((sum, row) => sum + (row[c] as number), 0);
    chance += (table[c] as number[]).reduce((sum, x) => sum + x, 0) * column;
  }
  return (observed - chance) / (1 - chance);
}

test('kappa: the example of two raters who both say yes 20 and no 15 times in 50 is 0.4', () => {
  const times = (n: number, pair: [number, number]) => Array.from({ length: n }, () => pair);
  const kappa = cohensKappa([...times(20, [1, 1]), ...times(5, [1, 0]), ...times(10, [0, 1]), ...times(15, [0, 0])]);
  // observed 35/50 = 0.7; chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5
  assert.ok(Math.abs((kappa as number) - 0.4) < 1e-12);
});

test('kappa equals its definition over the table, is symmetric, and is undefined if chance explains all', () => {
  const category = fc.integer({ min: 0, max: 3 });
  fc.assert(
    fc.property(fc.array(fc.tuple(category, category), { minLength: 1, maxLength: 40 }), (pairs) => {
      const kappa = cohensKappa(pairs);
      const alike = new Set(pairs.flat()).size === 1;
      if (alike) return kappa === undefined;
      const turned = cohensKappa(pairs.map(([a, b]) => [b, a] as const));
      return (
        Math.abs((kappa as number) - kappaOfTable(pairs, 4)) < 1e-9 && Math.abs((kappa as number) - (turned as number)) < 1e-12
      );
    }),
  );
  assert.is(cohensKappa([]), undefined);
});

test('the verdict is the answer of more than half of those who were sure', () => {
  const found = verdicts([
    answer('a', 'x', isClass(1)),
    answer('a', 'y', isClass(1)),
    answer('a', 'z', isClass(2)),
    answer('b', 'x', isClass(0)),
    answer('b', 'y', isClass(2)),
    answer('c', 'x', notSure),
    answer('c', 'y', nothing),
    answer('d', 'x', notSure),
  ]);
  assert.equal(
    found.map(({ window, truth, answers }) => [window, truth, answers]),
    [
      ['a', isClass(1), 3],
      ['b', undefined, 2],
      ['c', nothing, 2],
      ['d', undefined, 1],
    ],
  );
});

test('a later answer of the same annotator replaces the earlier one', () => {
  const [verdict] = verdicts([answer('a', 'x', isClass(1)), answer('a', 'x', isClass(2))]);
  assert.equal(verdict?.truth, isClass(2));
  assert.is(verdict?.answers, 1);
});

test('values: the median, the spread, and no verdict if as many say that there is none', () => {
  const [verdict] = verdicts([answer('a', 'x', isValue(60)), answer('a', 'y', isValue(70)), answer('a', 'z', isValue(62))]);
  assert.equal([verdict?.truth, verdict?.spread], [isValue(62), 10]);
  assert.is(verdicts([answer('a', 'x', isValue(60)), answer('a', 'y', nothing)])[0]?.truth, undefined);
});

test('windows to ask again: those that differ, until a class leads by two or five have answered', () => {
  const of = (window: string, ...classes: number[]) => classes.map((c, i) => answer(window, `p${i}`, isClass(c)));
  const answers = [...of('even', 1, 2), ...of('lead', 1, 2, 1), ...of('clear', 1, 2, 1, 1), ...of('same', 3, 3), ...of('one', 0)];
  assert.equal(askAgain(answers), ['even', 'lead']);
  assert.equal(askAgain([...answers, ...of('full', 1, 2, 1, 2, 0)]), ['even', 'lead']);
  assert.equal(askAgain(answers, { lead: 1 }), ['even']);
  assert.equal(askAgain([answer('a', 'x', notSure), answer('a', 'y', isClass(1))]), []);
  const values = [answer('v', 'x', isValue(60)), answer('v', 'y', isValue(63))];
  assert.equal([askAgain(values), askAgain(values, { tolerance: 3 })], [['v'], []]);
});

test('agreement of each pair: windows on which both were sure', () => {
  const found = agreements([
    answer('1', 'y', isClass(0)),
    answer('1', 'x', isClass(0)),
    answer('2', 'x', isClass(1)),
    answer('2', 'y', nothing),
    answer('3', 'x', notSure),
    answer('3', 'y', isClass(1)),
    answer('3', 'z', isClass(1)),
    answer('4', 'x', isClass(1)),
    answer('4', 'y', isClass(1)),
  ]);
  // x, y: (0, 0), (1, nothing), (1, 1): observed 2/3, chance (1 * 1 + 2 * 1) / 9
  assert.equal(
    found.map(({ annotators, windows }) => [annotators.join(' '), windows]),
    [
      ['x y', 3],
      ['y z', 1],
    ],
  );
  assert.ok(Math.abs((found[0]?.kappa as number) - (2 / 3 - 1 / 3) / (1 - 1 / 3)) < 1e-12);
  assert.is(found[1]?.kappa, undefined);
  const [values] = agreements([answer('v', 'x', isValue(60)), answer('v', 'y', isValue(63))]);
  assert.equal(values, { annotators: ['x', 'y'], windows: 1, meanDifference: 3 });
});

test('costs: answers, seconds and their median, by annotator', () => {
  const found = costs([answer('a', 'x', isClass(1), 2), answer('b', 'x', notSure, 4), answer('a', 'y', isClass(1), 3)]);
  assert.equal(found, [
    { annotator: 'x', answers: 2, notSure: 1, seconds: 6, medianSeconds: 3 },
    { annotator: 'y', answers: 1, notSure: 0, seconds: 3, medianSeconds: 3 },
  ]);
});

test.run();
