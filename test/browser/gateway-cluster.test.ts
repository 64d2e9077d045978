/**
 * The cluster on the gateway's page in headless Chromium, light and dark, wide and on a phone: gateways,
 * partitions, books, alarms. Texts of other gateways are hostile and stay texts. /metrics has the same
 * numbers.
 *
 * The status is made from summaries by the gateway's own functions; test/cluster has real gateways.
 */
import type { Browser } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { noBooks } from '../../host/gateway/cluster/books.ts';
import { alarmsOf, memberOf, sumOf } from '../../host/gateway/cluster/overview.ts';
import type { Summary } from '../../host/gateway/cluster/summary.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { Door } from '../../host/gateway/http/door.ts';
import type { Served } from '../../host/gateway/http/serve.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import type { ClusterView } from '../../host/gateway/watch/cluster-metrics.ts';
import { CrashDisk } from '../gateway/crash-disk.ts';
import { axeFindings, shot, stickingOut } from './accessible.ts';
import { chromiumPath } from './page.ts';
import { servePage } from './served-page.ts';

const only = chromiumPath ? test : test.skip;
const hostile = '<img src=x onerror=alert(1)>';
const partitions = 16;

const books = (received: number, lost: number) => ({ ...noBooks(), received, delivered: received - 30, late: 20, duplicate: 10, lost, filled: lost }); // biome-ignore format: one line

function summaryOf(held: number[], version: string, more: Partial<Summary> = {}): Summary {
  return {
    held: held.map((number) => [number, 12 + number, number === 3 ? 4200 : number === 5 ? 12 : 0, 1]),
    versions: [
      ['main', 'ppg-hr', version, (version === '1.0.0' ? 'a' : 'b').repeat(12)],
      ['har', hostile, '1.0.0', 'c'.repeat(12)],
    ],
    ...{ moves: { taken: 9, left: 4, failed: 0 }, failed: [], refused: 2, books: books(120_000, 40) },
    ...more,
  };
}

/** A cluster of four gateways in which all kinds of alarms occur. */
function statusOf(): ReturnType<ClusterView['status']> {
  const summaries: [string, number | undefined, Summary | undefined][] = [
    ['press-hall-1', undefined, summaryOf([0, 1, 4, 5, 9, 12], '1.0.0')],
    ['press-hall-2', 3, summaryOf([2, 3, 8, 15], '1.1.0', { failed: [8], moves: { taken: 4, left: 5, failed: 1 } })],
    [`${hostile}-a-name-of-many-letters`, undefined, summaryOf([6, 7, 10, 11], '1.0.0')],
    ['guest', undefined, undefined],
  ];
  const members = summaries.map((one) => memberOf(...one));
  const sum = sumOf(partitions, members);
  const owners = members.flatMap(({ id, partitions: held }) => held.map(({ number }) => ({ partition: number, id })));
  const health = { ready: true, faults: [], held: 6, share: 6 };
  const held = members[0]?.partitions.map(({ number, streams, lag }) => ({ number, streams, lag, refused: 0 })) ?? [];
  const alarms = alarmsOf(members, sum, [13, 14]);
  return { id: 'press-hall-1', partitions, members, owners, held, moves: { taken: 9, left: 4, failed: 0 }, health, sum, alarms };
}

let served: Served;
let browser: Browser | undefined;
let close = async () => {};
const wires: { lines: []; cluster?: ClusterView } = { lines: [] };

test.before(async () => {
  const gateway = await Gateway.open(new CrashDisk(), { policy: { insecureUnsigned: true } });
  const intake = new Intake(gateway);
  ({ served, browser, close } = await servePage({ gateway, intake, wires }, new Door()));
});
test.after(() => close());

only('the page shows gateways, partitions, books and alarms, and hostile names as text', async () => {
  const status = statusOf();
  wires.cluster = { status: () => status, health: () => status.health };
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const) {
    // biome-ignore format: one line
    const page = await (browser as Browser).newPage({ colorScheme, viewport: { width, height: 900 } });
    const faults: string[] = [];
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('dialog', (dialog) => faults.push(`dialog ${dialog.message()}`));
    await page.goto(served.url);
    await page.waitForSelector('#members article');
    const texts = (selector: string) => page.$$eval(selector, (all) => all.map((node) => node.textContent ?? ''));
    const alarms = await texts('#alarms li');
    assert.equal(alarms, status.alarms.map(({ text }) => text)); // biome-ignore format: one line
    for (const wanted of [/No gateway runs partitions 13, 14/, /press-hall-2: partition 8 failed/, /press-hall-2 is behind/, /guest reports nothing/, /Slot main runs 2 bundles side by side/]) // biome-ignore format: one line
      assert.ok(alarms.some((text) => wanted.test(text)), `${wanted}: ${alarms}`); // biome-ignore format: one line
    assert.match((await texts('#site'))[0] ?? '', /^4 gateways, \d+ streams, 4,212 messages waiting$/);
    const names = await texts('#members h3');
    assert.equal(names, ['press-hall-1this gateway', 'press-hall-2', `${hostile}-a-name-of-many-letters`, 'guest', 'no gateway']);
    assert.is((await page.$$('#cluster img')).length, 0, 'a name became an element');
    const rows = await page.$$eval('#partitions tbody tr', (all) => all.map((row) => [...row.children].map((cell) => cell.textContent))); // biome-ignore format: one line
    assert.is(rows.length, partitions);
    assert.equal([rows[3], rows[13]], [['3', 'press-hall-2', '15', '4,200'], ['13', 'none', '–', '–']]); // biome-ignore format: one line
    assert.match((await texts('#books')).join(), /received.*360,000/);
    assert.match((await texts('#balance'))[0] ?? '', /^They balance/);
    // the table scrolls by keys
    await page.focus('#cluster .rows');
    await page.keyboard.press('End');
    assert.equal(await stickingOut(page), [], `${width} wide`);
    assert.equal(await axeFindings(page), [], `${colorScheme}, ${width} wide`);
    assert.equal(faults, []);
    await shot(page, `gateway-cluster-${colorScheme}-${width}`);
    await page.close();
  }
});

only('/metrics has the numbers of the cluster, and no name of another gateway', async () => {
  const status = statusOf();
  wires.cluster = { status: () => status, health: () => status.health };
  const text = await (await fetch(`${served.url}/metrics`)).text();
  const value = (line: string) => Number(new RegExp(`^runlet_cluster_${line.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]); // biome-ignore format: one line
  assert.equal([value('partitions'), value('share_partitions'), value('ready'), value('members')], [6, 6, 1, 4]);
  assert.equal([value('lag_messages{partition="5"}'), value('sum_lag_messages')], [12, 4212]);
  assert.equal([value('ticks{what="received"}'), value('sum_ticks{what="received"}')], [120_000, 360_000]);
  assert.equal([value('balances'), value('sum_partitions')], [1, 14]);
  assert.equal([value('alarms{kind="behind"}'), value('alarms{kind="books"}'), value('moves_total{what="taken"}')], [1, 0, 9]);
  assert.not.match(text, /press-hall|guest|img/);
  wires.cluster = undefined;
});

test.run();
