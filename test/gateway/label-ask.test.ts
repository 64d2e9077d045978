/**
 * Which window an annotator is asked next, over HTTP: the order, what is read for it, progress, agreement;
 * removal of one's own label; labels of many windows in and out; who may.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SlotCollection } from '../../host/gateway/collect/slot-collection.ts';
import { Windows } from '../../host/gateway/collect/windows.ts';
import { Door } from '../../host/gateway/http/door.ts';
import type { Disk } from '../../host/gateway/store/disk.ts';
import { CrashDisk } from './crash-disk.ts';
import { knocker } from './knock.ts';
import { labelGateway, recordOf } from './label-fixture.ts';

/** A disk that lists which files are read. */
const disk = new CrashDisk();
let reads: string[] = [];
const listing = new Proxy(disk, {
  get(target, name) {
    const value = Reflect.get(target, name, target) as unknown;
    if (typeof value !== 'function') return value;
    return (...args: unknown[]) => {
      if (name === 'read') reads.push(args[0] as string);
      return value.apply(target, args);
    };
  },
}) as Disk;

const token = 'a-token-of-this-test';
const { gateway, app, add, close } = await labelGateway(listing);
const knock = knocker(app, new Door({ token, requestsPerMinute: 100_000 }));
test.after(close);

const call = (
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = { authorization: `Bearer ${token}` },
) => knock(`/v1/slots/main${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;
interface Asked {
  window: { id: number; stream: string; labels: object[] } | null;
  why?: string;
  left: number;
  answered: number;
  disputed: number;
  others: number;
}
const ask = async (annotator: string, skip: number[] = []) =>
  (await (await call('GET', `/windows/ask?annotator=${annotator}&skip=${skip}`)).json()) as Asked;
const answer = async (id: number, annotator: string, label: string | number | false | null, seconds = 2) =>
  assert.is((await call('POST', `/windows/${id}/labels`, { annotator, label, seconds })).status, 204);
test.before.each(async () => {
  await call('DELETE', '/windows');
});
/** Asks and answers until `count` answers are given; returns the windows and why each was asked. */
async function session(annotator: string, labels: (string | null)[]) {
  const asked: [number, string][] = [];
  for (const label of labels) {
    const { window, why } = await ask(annotator);
    if (!window) break;
    asked.push([window.id, why as string]);
    await answer(window.id, annotator, label);
  }
  return asked;
}

test('an annotator is asked for the asked ones first, then reasons take turns, the newest first; never twice', async () => {
  const [r1, r2, u1, u2, asked] = await add(
    'main',
    recordOf('main', 1, ['random']),
    recordOf('main', 2, ['random']),
    recordOf('main', 3, ['uncertain']),
    recordOf('main', 4, ['uncertain']),
    recordOf('main', 0, ['asked']),
  );
  const before = await ask('anna');
  assert.equal([before.left, before.answered, before.others], [5, 0, 0]);
  const order = (await session('anna', Array(9).fill('walk'))).map(([id]) => id);
  assert.equal(order, [asked, r2, u2, r1, u1]);
  const after = await ask('anna');
  assert.equal([after.window, after.left, after.answered], [null, 0, 5]);
});

test('windows on which annotators differ come before all others, the least decided first, until they are settled', async () => {
  const ids = await add('main', ...[1, 2, 3, 4, 5, 6].map((n) => recordOf('main', n)));
  const [a, b, c] = ids as [number, number, number];
  await answer(a, 'anna', 'walk');
  await answer(a, 'ben', 'run');
  await answer(b, 'anna', 'sit');
  await answer(b, 'ben', 'sit');
  await answer(c, 'anna', 'sit');
  await answer(c, 'ben', 'stand');
  await answer(c, 'cleo', 'sit');
  const first = await ask('dora');
  assert.equal([first.window?.id, first.why, first.disputed, first.left], [a, 'differ', 2, 5], 'a tie is less decided');
  await answer(a, 'dora', 'walk');
  assert.is((await ask('dora')).window?.id, c);
  // those who gave one of the answers are not asked again
  const mine = await ask('anna');
  assert.equal([mine.why, mine.disputed], ['new', 0]);
  await answer(c, 'dora', 'sit');
  assert.is((await ask('eve')).window?.id, a, 'c is settled by three against one, a is not');
  // "not sure" is no vote
  await answer(a, 'eve', null);
  assert.is((await ask('fay')).window?.id, a);
  await answer(a, 'fay', 'walk');
  assert.not.equal((await ask('gina')).why, 'differ');
});

test('a fifth of the windows gets a second answer before new ones, and the rest when no new one is left', async () => {
  const ids = await add('main', ...Array.from({ length: 10 }, (_, n) => recordOf('main', n)));
  await session('anna', Array(7).fill('walk'));
  const ben = await session('ben', Array(20).fill('walk'));
  const why = ben.map(([, reason]) => reason).join(' ');
  assert.is(why, 'second second new new new more more more more more');
  assert.is(new Set(ben.map(([id]) => id)).size, 10);
  assert.is((await ask('ben')).window, null);
  assert.equal(
    ben.slice(2, 5).map(([id]) => id),
    ids.slice(0, 3).reverse(),
  );
});

test('two annotators at once get different windows, and skipped windows come back', async () => {
  const [a, b] = (await add('main', recordOf('main', 1), recordOf('main', 2))) as [number, number];
  assert.is((await ask('anna')).window?.id, b);
  assert.is((await ask('ben')).window?.id, a);
  assert.is((await ask('cleo')).window?.id, b, 'if all are shown to others, one is shown again');
  assert.is((await ask('anna', [b])).window?.id, a);
  assert.is((await ask('anna', [a, b])).window, null);
  assert.is((await ask('anna')).left, 2);
});

test('a question reads one file, also with many windows, and after a restart the labels once', async () => {
  const many = 400;
  const small = { signal: new Uint8Array(768), windowTicks: 128, from: 1000 };
  const ids = await add('main', ...Array.from({ length: many }, (_, n) => recordOf('main', n, ['random'], small)));
  for (const id of ids.slice(0, 30)) await answer(id, 'anna', 'walk');
  await ask('anna');
  reads = [];
  await ask('anna');
  await ask('ben');
  assert.equal(reads.map((path) => path.split('.').at(-1) === 'labels'), [false, false, true], 'the second one has a label'); // biome-ignore format: one line
  // as after a restart: the index has names of files only
  gateway.collection.slots.set('main', new SlotCollection(await Windows.open(listing, 'main'), () => {}));
  reads = [];
  assert.equal([(await ask('ben')).others, reads.filter((path) => path.endsWith('.labels')).length], [30, 31]);
  assert.is(reads.length, 32, 'the labels of 30 windows, and one window with its labels');
  reads = [];
  await ask('ben');
  assert.is(reads.length, 2, reads.join());
});

test('agreement: kappa, seconds, and the windows on which annotators differ', async () => {
  const ids = await add('main', ...[1, 2, 3, 4].map((n) => recordOf('main', n)));
  const anna = ['walk', 'walk', 'run', 'run'];
  const ben = ['walk', 'run', 'run', 'run'];
  for (const [i, id] of ids.entries()) {
    await answer(id, 'anna', anna[i] as string, 3);
    await answer(id, 'ben', ben[i] as string, i);
  }
  const found = (await (await call('GET', '/agreement')).json()) as Record<string, unknown>;
  // both agree on 3 of 4; by chance on (2 * 1 + 2 * 3) / 16
  assert.equal(found.pairs, [{ annotators: ['anna', 'ben'], windows: 4, kappa: (0.75 - 0.5) / (1 - 0.5) }]);
  assert.equal(found.annotators, [
    { annotator: 'anna', answers: 4, notSure: 0, seconds: 12, medianSeconds: 3 },
    { annotator: 'ben', answers: 4, notSure: 0, seconds: 6, medianSeconds: 1.5 },
  ]);
  assert.equal([found.windows, found.disputed], [4, 1]);
  const [dispute] = found.disputes as { window: number; labels: object[] }[];
  assert.is(dispute?.window, ids[1]);
  assert.is(dispute?.labels.length, 2);
});

test('one removes one’s own label; the last one leaves the window unlabelled, and no byte of it on the disk', async () => {
  const [id] = (await add('main', recordOf('main', 1))) as [number];
  await answer(id, 'anna', 'a-label-that-is-removed');
  await answer(id, 'ben', 'run');
  const removed = async (name: string) => (await call('DELETE', `/windows/${id}/labels?annotator=${name}`)).status;
  assert.is(await removed('nobody'), 204);
  assert.is(await removed('anna'), 204);
  const read = async () => ((await (await call('GET', `/windows/${id}`)).json()) as { labels: object[] }).labels;
  assert.equal(await read(), [{ annotator: 'ben', label: 'run', seconds: 2 }]);
  assert.is(await removed('ben'), 204);
  assert.equal(await read(), []);
  assert.is((await ask('anna')).left, 1);
  const { windows } = (await (await call('GET', '/windows')).json()) as { windows: { labelled: boolean }[] };
  assert.is(windows[0]?.labelled, false);
  assert.not.ok(
    disk.files().some((path) => path.includes('.labels')),
    disk.files().join(),
  );
  assert.is(await codeOf(await call('DELETE', '/windows/5/labels?annotator=anna')), 'RN874');
  assert.is(await codeOf(await call('DELETE', `/windows/${id}/labels`)), 'RN814');
});

test('a list of windows stays in the order of time when one of them is labelled', async () => {
  const ids = await add('main', ...[1, 2, 3].map((n) => recordOf('main', n)));
  await answer(ids[1] as number, 'anna', 'run');
  const { windows } = (await (await call('GET', '/windows')).json()) as { windows: { id: number }[] };
  assert.equal(windows.map(({ id }) => id), ids); // biome-ignore format: one line
});

test('labels of many windows go in at once and out in pages; those without a window are counted', async () => {
  const ids = (await add('main', ...[1, 2, 3].map((n) => recordOf('main', n)))) as [number, number, number];
  const labels = [
    ...ids.map((window) => ({ window, annotator: 'anna', label: 'run', seconds: 1 })),
    ...Array.from({ length: 17 }, (_, i) => ({ window: ids[2], annotator: `p${i}`, label: false as const })),
    { window: 99, annotator: 'anna', label: null },
  ];
  assert.equal(await (await call('POST', '/labels', { labels })).json(), { stored: 18, missing: 1, full: 2 });
  const page = async (query: string) =>
    ((await (await call('GET', `/labels${query}`)).json()) as { windows: { window: number; labels: object[] }[] }).windows;
  assert.equal((await page('')).map(({ window, labels: all }) => [window, all.length]), [[ids[0], 1], [ids[1], 1], [ids[2], 16]]); // biome-ignore format: one line
  assert.equal((await page(`?after=${ids[0]}&limit=1`)).map(({ window }) => window), [ids[1]]); // biome-ignore format: one line
  for (const wrong of [
    {},
    { labels: 1 },
    { labels: [{ window: -1, annotator: 'a', label: 'x' }] },
    { labels: Array(201).fill(labels[0]) },
  ])
    assert.is(await codeOf(await call('POST', '/labels', wrong)), 'RN814');
  assert.is(
    await codeOf(await call('POST', '/labels', { labels: Array(200).fill({ ...labels[0], annotator: 'x'.repeat(2000) }) })),
    'RN814',
  );
});

test('queries that are not valid, requests without the token, and pages of other origins get nothing', async () => {
  await add('main', recordOf('main', 1));
  for (const query of [
    '',
    '?annotator=',
    `?annotator=${'x'.repeat(65)}`,
    '?annotator=a%00b',
    '?annotator=a&skip=x',
    `?annotator=a&skip=${Array(101).fill(1)}`,
  ])
    assert.is(await codeOf(await call('GET', `/windows/ask${query}`)), 'RN814', query);
  for (const [method, path] of [
    ['GET', '/windows/ask?annotator=a'],
    ['GET', '/agreement'],
    ['GET', '/labels'],
    ['POST', '/labels'],
    ['DELETE', '/windows/1/labels?annotator=a'],
  ] as const) {
    // biome-ignore format: one line
    assert.is(await codeOf(await call(method, path, undefined, {})), 'RN811', path);
    const foreign = { authorization: `Bearer ${token}`, origin: 'https://example.org' };
    assert.is(await codeOf(await call(method, path, undefined, foreign)), 'RN841', path);
  }
  assert.is((await call('GET', '/agreement')).headers.get('cache-control'), 'no-store');
});

test.run();
