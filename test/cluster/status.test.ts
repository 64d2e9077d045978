/**
 * Status of a cluster: when a gateway is ready, what it tells the others, and what it takes from them.
 *
 * Time is a number in these tests. A summary comes from outside: random changes of one are refused, or are
 * a summary.
 */
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addBooks, balances, bookNames, noBooks } from '../../host/gateway/cluster/books.ts';
import { alarmsOf, memberOf, sumOf } from '../../host/gateway/cluster/overview.ts';
import { maxSummaryBytes, readSummary, type Summary } from '../../host/gateway/cluster/summary.ts';
import { type Health, Watch } from '../../host/gateway/cluster/watch.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { bundleOf, keys } from '../gateway/bundles.ts';
import { CrashDisk } from '../gateway/crash-disk.ts';
import { randomOf } from '../host/helpers.ts';

const seed = Number(process.env.RUNLET_SEED ?? 20261202);
const leaseMs = 1000;

/** A watch over 4 partitions with a clock. */
function watched() {
  const clock = { ms: 0 };
  const watch = new Watch(4, leaseMs, () => clock.ms);
  /** Looks after `ms`, at what this gateway and another one hold. */
  const after = (ms: number, mine: number[], others: number[], more: { share?: number[]; silentMs?: number } = {}): Health => {
    clock.ms += ms;
    const owners = [...mine.map((partition) => ({ partition, id: 'a' })), ...others.map((partition) => ({ partition, id: 'b' }))];
    watch.see({ id: 'a', held: mine, owners, share: [0, 1], silentMs: 0, ...more });
    return watch.health;
  };
  return { watch, after };
}

test('a gateway is ready while it holds what it should, and not while it is cut off', () => {
  const { watch, after } = watched();
  assert.equal(watch.health.faults, ['cut off'], 'before it has seen anything');
  assert.equal(after(0, [0, 1], [2, 3]), { ready: true, faults: [], held: 2, share: 2 });
  assert.ok(after(10, [0, 1], [2, 3], { silentMs: leaseMs }).ready, 'one lease is not too long');
  assert.equal(after(10, [0, 1], [2, 3], { silentMs: leaseMs + 1 }).faults, ['cut off']);
  assert.ok(after(10, [0], [2, 3]).ready, 'a part of its share is enough');
});

test('a gateway that holds nothing of its share has two leases of time', () => {
  const { after } = watched();
  assert.ok(after(0, [], [0, 1, 2, 3]).ready);
  assert.ok(after(2 * leaseMs, [], [0, 1, 2, 3]).ready);
  assert.equal(after(1, [2], [0, 1, 3]).faults, ['holds nothing'], 'what it holds is not its share');
  assert.ok(after(1, [0], [1, 2, 3]).ready);
  assert.ok(after(1, [], [0, 1, 2, 3]).ready, 'the time begins anew');
  assert.ok(after(5 * leaseMs, [], [0, 1, 2, 3], { share: [] }).ready, 'it should hold nothing');
});

test('a partition that has failed counts until another gateway has it, or it has run for two leases', () => {
  for (const elsewhere of [true, false]) {
    const { watch, after } = watched();
    after(0, [0, 1], [2, 3]);
    watch.failed(1);
    assert.equal(after(0, [0], [2, 3]).faults, ['partition failed']);
    assert.equal(after(9 * leaseMs, [0], [2, 3]).faults, ['partition failed'], 'nobody has it');
    if (elsewhere) assert.ok(after(1, [0], [1, 2, 3]).ready);
    watch.failed(0);
    assert.not.ok(after(2 * leaseMs, [0], [1, 2, 3]).ready);
    assert.is(after(1, [0, ...(elsewhere ? [] : [1])], elsewhere ? [1, 2, 3] : [2, 3]).ready, true);
    assert.equal(watch.failing, []);
  }
});

test('a partition without owner is reported after a lease and a half', () => {
  const { watch, after } = watched();
  after(0, [0, 1], [2]);
  after(1.4 * leaseMs, [0, 1], [2]);
  assert.equal(watch.unowned, []);
  after(0.1 * leaseMs, [0, 1], []);
  assert.equal(watch.unowned, [3]);
  after(0, [0, 1], [2, 3]);
  assert.equal(watch.unowned, []);
});

test('/readyz says so, and /healthz does not', async () => {
  const gateway = await Gateway.open(new CrashDisk(), { policy: { keys: [keys.publicKey] } });
  const { app, health } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
  const asked = async () => {
    const answer = await app.request('/readyz');
    return [answer.status, await answer.json()];
  };
  let state: Health = { ready: true, faults: [], held: 2, share: 2 };
  health.set('cluster', () => state);
  assert.equal(await asked(), [503, { ready: false, safeMode: false, cluster: state }], 'no bundle runs');
  const { wasm, digest } = await bundleOf(1);
  await gateway.receive(wasm, digest);
  await gateway.try('main', { enduranceHops: 8, latencyMs: 1e5 });
  assert.equal(await asked(), [200, { ready: true, safeMode: false, cluster: state }]);
  state = { ready: false, faults: ['cut off'], held: 0, share: 2 };
  assert.equal(await asked(), [503, { ready: false, safeMode: false, cluster: state }]);
  assert.is((await app.request('/healthz')).status, 200);
  await gateway.close();
});

const summary = (more: Partial<Summary> = {}): Summary => ({
  held: [[0, 3, 0, 1]],
  versions: [['main', 'hr', '1.0.0', 'a'.repeat(12)]],
  ...{ moves: { taken: 1, left: 0, failed: 0 }, failed: [], refused: 0, books: noBooks() },
  ...more,
});

test('a summary has a bounded size, and one with other values is left out', () => {
  const random = randomOf(seed);
  const held = Array.from({ length: 1024 }, (_, i): Summary['held'][number] => [i, 99_999, 9_999_999, 1]);
  const versions = Array.from({ length: 16 }, (): Summary['versions'][number] => ['s'.repeat(64), 'n'.repeat(64), 'v'.repeat(64), 'a'.repeat(12)]); // biome-ignore format: one line
  const large = JSON.stringify(summary({ held, versions, failed: held.map(([number]) => number) }));
  assert.ok(large.length < maxSummaryBytes, `${large.length} characters`);
  assert.is(readSummary(large)?.held.length, 1024);
  assert.equal(readSummary(JSON.stringify({ ...summary(), most: 2, unknown: 'x' })), { ...summary(), most: 2 });
  const wrong: unknown[] = [
    ...[{}, null, [], 7, { ...summary(), books: {} }, { ...summary(), held: [[0, 1, 2]] }, { ...summary(), refused: -1 }],
    ...[
      { ...summary(), versions: [['main', 'hr', '1', 'no digest']] },
      { ...summary(), held: [...held, held[0]] },
    ],
  ];
  for (const one of wrong) assert.is(readSummary(JSON.stringify(one)), undefined, JSON.stringify(one).slice(0, 80));
  assert.is(readSummary(`${JSON.stringify(summary())}${' '.repeat(maxSummaryBytes)}`), undefined, 'too large');
  const text = JSON.stringify(summary());
  for (let run = 0; run < 2000; run++) {
    const at = random(text.length);
    const changed = readSummary(`${text.slice(0, at)}${String.fromCharCode(32 + random(95))}${text.slice(at + 1 + random(3))}`);
    if (changed) sumOf(4, [memberOf('x', undefined, changed)]);
  }
});

test('the sum counts a partition once, and says when it does not', () => {
  const books = { ...noBooks(), received: 10, delivered: 8, held: 2, lost: 3, filled: 3 };
  const members = (...held: number[][]) =>
    held.map((all, i) => memberOf(`g${i}`, undefined, summary({ held: all.map((number) => [number, 1, 2, 1]), books })));
  const whole = sumOf(4, members([0, 2], [1, 3]));
  assert.equal([whole.settled, whole.balances, whole.partitions, whole.streams, whole.lag], [true, true, 4, 4, 8]);
  assert.is(whole.books.received, 20);
  assert.not.ok(sumOf(4, members([0, 2], [1])).settled, 'one is missing');
  assert.not.ok(sumOf(4, members([0, 2], [1, 2, 3])).settled, 'one is reported twice');
  const reading = memberOf('g', undefined, summary({ held: [[3, 0, 0, 0]] }));
  assert.not.ok(sumOf(4, [...members([0, 1, 2]), reading]).settled, 'its records are not read yet');
});

test('books balance only if no count is changed', () => {
  const books = { ...noBooks(), received: 21, delivered: 9, late: 1, duplicate: 2, refused: 3, shed: 4, held: 2, lost: 5, filled: 3, resetTicks: 2 }; // biome-ignore format: one line
  assert.ok(balances(books));
  const free = ['reordered', 'gaps', 'resets'];
  for (const name of bookNames) assert.is(balances({ ...books, [name]: books[name] + 1 }), free.includes(name), name);
  const sum = noBooks();
  addBooks(sum, books);
  addBooks(sum, books);
  assert.ok(balances(sum));
  const alarms = alarmsOf([memberOf('a', undefined, summary({ books: { ...books, shed: 9 } }))], sumOf(1, [memberOf('a', undefined, summary({ books: { ...books, shed: 9 } }))]), []); // biome-ignore format: one line
  assert.equal(alarms.map(({ kind }) => kind), ['books']); // biome-ignore format: one line
});

test.run();
