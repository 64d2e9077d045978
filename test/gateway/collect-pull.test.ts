/**
 * `runlet collect pull`: the .npz file of collected windows, as `quantize --calib`, `--eval` and
 * `--eval-labels` read it; bounds; windows of another shape; labels of several annotators.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WindowJson } from '../../host/gateway/collect/window-json.ts';
import { inputsOf, labelOf, writeWindowSet } from '../../host/remote/window-set.ts';
import { openSource } from '../../host/sources/index.ts';
import { readNpz } from '../../host/sources/npz.ts';
import { contentOf, membersOf } from '../../models/read/zip.ts';
import { codeOf } from '../host/helpers.ts';
import { each, elements, signal, ticks, valuesOf, windowOf } from '../window-sets.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-pull-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('the file holds the windows without the signal around them, and is read as separate windows', async () => {
  const path = join(folder, 'set.npz');
  const label = (annotator: string, value: string | number | null) => ({ annotator, label: value });
  const windows = [
    windowOf(1, { labels: [label('a', 'walk'), label('b', 'walk')] }),
    windowOf(2, { labels: [label('a', 'walk'), label('b', 'run')], reasons: ['uncertain'] }),
    windowOf(3, { windowTicks: 3 }),
    windowOf(4, { labels: [label('a', null), label('b', 'run')] }),
  ];
  const set = await writeWindowSet(path, each(windows), { signal, maxBytes: 1e6 });
  assert.equal(set, { windows: 3, bytes: 144, reasons: { random: 2, uncertain: 1 }, labelled: 3, annotators: 2, agreed: 2, otherShape: 1, full: false }); // biome-ignore format: one line
  const bytes = new Uint8Array(readFileSync(path));
  const array = await readNpz(bytes);
  assert.equal([array.shape, array.dtype], [[3, ticks, elements], 'f4']);
  assert.equal([...array.data], [1, 2, 4].flatMap(valuesOf));
  assert.equal([...(await readNpz(bytes, 'labels')).data], [1, Number.NaN, 2]);
  assert.equal([...(await readNpz(bytes, 'random')).data], [1, 0, 1]);
  assert.equal([...(await readNpz(bytes, 'shares')).data], [0.25, 0.25, 0.25]);
  const about = (await membersOf(bytes)).find(({ name }) => name === 'about.json');
  assert.ok(about);
  const facts = JSON.parse(new TextDecoder().decode(await contentOf(bytes, about, 'about'))) as WindowJson[];
  assert.equal(facts.map(({ id, stream, version }) => [id, stream, version]), [[1, 's1', '1.0.0'], [2, 's2', '1.0.0'], [4, 's4', '1.0.0']]); // biome-ignore format: one line
  assert.equal(facts[0]?.labels, windows[0]?.labels);

  const source = await openSource(path, { frameElements: elements, windowFrames: ticks });
  assert.is(source.windowFrames, ticks);
  const chunks: number[][] = [];
  for await (const chunk of source.frames) chunks.push([...chunk]);
  assert.equal(chunks, [1, 2, 4].map(valuesOf));
  assert.equal(readdirSync(folder), ['set.npz'], 'no part is left');
});

test('the size is bounded, and a failure leaves no file', async () => {
  const path = join(folder, 'bounded.npz');
  const windows = [1, 2, 3, 4].map((n) => windowOf(n));
  const set = await writeWindowSet(path, each(windows), { signal, maxBytes: 100 });
  assert.equal([set.windows, set.full], [2, true]);
  const broken = [windowOf(1), windowOf(2, { signal: 7 as unknown as string })];
  const failed = join(folder, 'failed.npz');
  assert.is(await codeOf(() => writeWindowSet(failed, each(broken), { signal, maxBytes: 1e6 })), 'RN861');
  assert.not.ok(existsSync(failed));
  assert.equal(
    readdirSync(folder).filter((name) => name.includes('part')),
    [],
  );
});

test('several inputs have an array each, and labels are classes, values or nothing', async () => {
  const inputs = [
    { name: 'a', hostType: 'int8', elements: 2, rate: 1 },
    { name: 'b', hostType: 'int16', elements: 1, rate: 2 },
  ] as const;
  const [a, b] = inputsOf(inputs, Uint8Array.of(1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16));
  assert.equal([[...(a as Uint8Array)], [...(b as Uint8Array)]], [[1, 2, 11, 12], [3, 4, 5, 6, 13, 14, 15, 16]]); // biome-ignore format: one line
  const of = (...labels: (string | number | false | null)[]) =>
    labelOf({ labels: labels.map((label, i) => ({ annotator: `${i}`, label })) }, ['x', 'y']);
  assert.equal([of('y'), of('y', 'y', null), of('x', 'y', 'y'), of(2.5), of(2.5, 3.5, 9)], [1, 1, 1, 2.5, 3.5]);
  for (const one of [of(), of(null), of('x', 'y'), of('z'), of(false, false, 'x')]) assert.ok(Number.isNaN(one));
});

test.run();
