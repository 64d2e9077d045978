/** The choice among sizes of one model, by figures that are made up, and metadata that states an accuracy. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choose, type Size } from '../../host/fit/choose.ts';
import { manifestFields } from '../../host/model-fields.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { codeOf } from './helpers.ts';

/** A size that needs so much; it fits unless `fits` is false. */
function sizeOf(file: string, accuracy: number, [ms, ram, flash]: readonly [number, number, number], fits = true): Size {
  const bytes = (needs: number) => ({ needs, has: 1e6, parts: {} });
  const figures = { ms: { mean: ms, worst: ms }, ram: bytes(ram), flash: bytes(flash), fits: { ram: fits, flash: true } };
  return { file, accuracy, rate: 50, figures, subject: { manifest: { outputs: [{ elements: 2 }] } } } as unknown as Size;
}

test('of equal accuracies less time, then less RAM, then less flash, then the first given is taken', () => {
  const chosen = (...sizes: [Size, ...Size[]]) => choose(sizes).chosen?.file;
  const a = sizeOf('a', 90, [2, 5, 5]);
  assert.is(chosen(a, sizeOf('b', 90, [1, 9, 9])), 'b');
  assert.is(chosen(a, sizeOf('b', 90, [2, 4, 9])), 'b');
  assert.is(chosen(a, sizeOf('b', 90, [2, 5, 4])), 'b');
  assert.is(chosen(a, sizeOf('b', 90, [2, 5, 5])), 'a');
  assert.is(chosen(a, sizeOf('b', 89.99, [1, 1, 1])), 'a');
  assert.is(chosen(a, sizeOf('b', 95, [1, 1, 1], false)), 'a');
  assert.is(chosen(sizeOf('b', 95, [1, 1, 1], false)), undefined);
  assert.is(choose([a, sizeOf('b', 95, [3, 1, 1], false), sizeOf('c', 80, [1, 9, 9])]).cheapest.file, 'c');
});

test('metadata states an accuracy from 0 to 100 in %; anything else is refused', async () => {
  const fields = (text: string) => manifestFields({ ...tinyStream(), metadata: { 'runlet.accuracy': text } });
  for (const [text, accuracy] of [
    ['0', 0],
    ['92.91', 92.91],
    [' 100 ', 100],
  ] as const)
    assert.is(fields(text).accuracy, accuracy);
  for (const text of ['', ' ', '-1', '100.01', '1e999', 'NaN', '92 %', '92,9', '\x1b[31m', 'x'.repeat(1e6)])
    assert.is(await codeOf(() => fields(text)), 'RN133', text.slice(0, 20));
  assert.is(manifestFields(tinyStream()).accuracy, undefined);
});

test('sizes need an accuracy each, and outputs of one meaning', async () => {
  const b = sizeOf('b', 80, [1, 1, 1]);
  const other = { ...b, subject: { manifest: { outputs: [{ elements: 2 }], labels: ['x', 'y'] } } } as unknown as Size;
  const unstated = { ...b, accuracy: undefined };
  assert.is(await codeOf(() => choose([b, unstated])), 'RN766');
  assert.is(choose([unstated]).chosen, unstated);
  assert.is(await codeOf(() => choose([b, other])), 'RN767');
  assert.is(await codeOf(() => choose([other, other])), 'none');
});

test.run();
