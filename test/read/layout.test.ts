/** Layouts: reshape, transposition, axis order and index map, checked against explicit moves of elements. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import type { Axis } from '../../models/graph/types.ts';
import {
  fileShapeOf,
  inputLayout,
  type Layout,
  orderOf,
  reshapeLayout,
  shapeOfLayout,
  toNormalForm,
  transposeLayout,
} from '../../models/read/layout.ts';

const t = (length: number) => ({ axis: 't' as const, length });
const f = (length: number) => ({ axis: 'f' as const, length });
const c = (length: number) => ({ axis: 'c' as const, length });
const throwsCode = (fn: () => unknown, code: string) => assert.throws(fn, (e: unknown) => isRunletError(e) && e.code === code);

test('a layout gives shapes and the order of axes', () => {
  const layout: Layout = [[], [t(49), f(40)], [c(8)]];
  assert.equal(shapeOfLayout(layout), { t: 49, f: 40, c: 8 });
  assert.equal(fileShapeOf(layout), [1, 1960, 8]);
  assert.equal(orderOf(layout), ['t', 'f', 'c']);
  assert.equal(orderOf([[], [c(8)], [t(10)]]), ['c', 't']);
  assert.equal(orderOf([[], [f(1)], [t(1)], [c(3)]]), ['c']);
  assert.equal(orderOf([[t(2)], [t(3)]]), ['t']);
  throwsCode(() => orderOf([[t(2)], [c(3)], [t(4)]]), 'RN122');
});

test('reshape regroups factors and tolerates unit dimensions anywhere', () => {
  const x: Layout = [[], [t(258)], [], [c(5)]];
  assert.equal(reshapeLayout(x, [1, 1, 258, 5], 'r'), [[], [], [t(258)], [c(5)]]);
  assert.equal(reshapeLayout(x, [1, 1290], 'r'), [[], [t(258), c(5)]]);
  assert.equal(reshapeLayout([[], [t(258), c(5)]], [1, 258, 1, 5, 1], 'r'), [[], [t(258)], [], [c(5)], []]);
  assert.equal(reshapeLayout([[], [t(1)], [f(1)], [c(64)]], [1, 64], 'r'), [[], [c(64)]]);
  throwsCode(() => reshapeLayout(x, [1, 129, 2, 5], 'r'), 'RN120');
  throwsCode(() => reshapeLayout(x, [1, 258, 1, 6], 'r'), 'RN120');
  throwsCode(() => reshapeLayout(x, [5, 258], 'r'), 'RN120');
  throwsCode(() => reshapeLayout(x, [-1, 5], 'r'), 'RN120');
  // channels may be split; feature rows and frames may not
  assert.equal(reshapeLayout([[], [t(3)], [c(6)]], [1, 3, 2, 3], 'r'), [[], [t(3)], [c(2)], [c(3)]]);
  throwsCode(() => reshapeLayout([[], [t(3)], [f(6)]], [1, 3, 2, 3], 'r'), 'RN120');
  throwsCode(() => reshapeLayout([[], [t(6)], [c(3)]], [1, 2, 3, 3], 'r'), 'RN120');
});

test('a transposition permutes the dimensions', () => {
  assert.equal(transposeLayout([[], [c(3)], [t(9)]], [0, 2, 1]), [[], [t(9)], [c(3)]]);
  // a permutation of three that is not its own inverse: dimension i of the result is dimension perm[i]
  assert.equal(transposeLayout([[t(9)], [f(4)], [c(3)]], [1, 2, 0]), [[f(4)], [c(3)], [t(9)]]);
  throwsCode(() => transposeLayout([[], [c(3)], [t(9)]], [0, 1, 1]), 'RN121');
  throwsCode(() => transposeLayout([[], [c(3)], [t(9)]], [0, 1]), 'RN121');
});

test('input layout: a flat input gets several factors', () => {
  const anchor: Layout = [[], [t(49)], [f(40)], []];
  assert.equal(inputLayout(anchor, [{ kind: 'reshape', from: [1, 1960] }]), [[], [t(49), f(40)]]);
});

test('input layout: a merged dimension is split into factors of one axis', () => {
  const layout = inputLayout([[], [t(1960)], []], [{ kind: 'reshape', from: [1, 49, 40] }]);
  assert.equal(layout, [[], [t(49)], [t(40)]]);
  assert.equal(orderOf(layout), ['t']);
});

test('input layout: reshapes and transpositions are undone in reverse order', () => {
  const chain = [
    { kind: 'reshape', from: [1, 30] },
    { kind: 'transpose', perm: [0, 2, 1] },
  ] as const;
  const layout = inputLayout([[], [t(10)], [c(3)]], chain); // [1, 30] -> [1, 3, 10] -> [1, 10, 3]
  assert.equal(layout, [[], [c(3), t(10)]]);
  assert.equal(orderOf(layout), ['c', 't']);
});

test('the index map reorders channel-first data', () => {
  assert.equal([...toNormalForm(['c', 't'], { t: 3, f: 1, c: 2 })], [0, 3, 1, 4, 2, 5]);
  assert.equal([...toNormalForm([], { t: 1, f: 1, c: 1 })], [0]);
  throwsCode(() => toNormalForm(['c'], { t: 3, f: 1, c: 2 }), 'RN122');
  throwsCode(() => toNormalForm(['t', 'c', 't'], { t: 3, f: 1, c: 2 }), 'RN122');
});

test('the index map is a permutation that agrees with the strides of any axis order', () => {
  const length = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(fc.shuffledSubarray<Axis>(['t', 'f', 'c'], { minLength: 3 }), length, length, length, (order, nt, nf, nc) => {
      const shape = { t: nt, f: nf, c: nc };
      const map = toNormalForm(order, shape);
      assert.equal(
        [...map].sort((a, b) => a - b),
        [...map.keys()],
      );
      const at = { t: nt - 1, f: Math.floor(nf / 2), c: 0 };
      const flat = order.reduce((index, axis) => index * shape[axis] + at[axis], 0);
      assert.is(map[(at.t * nf + at.f) * nc + at.c], flat);
    }),
  );
});

test.run();
