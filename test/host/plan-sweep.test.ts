/**
 * plan --sweep: rows equal single plans, a good hop has no smaller hop that is better, and windows vary only
 * if the model allows more than one.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sweepFile } from '../../host/report/plan-html/sweep-page.ts';
import { readModel } from '../../models/read/index.ts';
import type { Placements } from '../../models/report/placements.ts';
import { planJson } from '../../models/report/print.ts';
import { bestHops, hopsOf, type Sweep, sweepHops } from '../../models/report/sweep.ts';
import { planStream } from '../../models/stream/plan.ts';
import { chromiumPath } from '../browser/page.ts';
import { root } from '../shared.ts';
import { fEeg } from '../stages/paper-networks.ts';
import { checkViews } from './page-views.ts';

const zoo = join(root, 'models/zoo/ppg-hr/ppg-hr.onnx');
const dynamic = join(root, 'test/fixtures/onnx/dy-dynamic-time.onnx');
const ppg = await readModel(new Uint8Array(readFileSync(zoo)));
const ppgSweep = sweepHops(ppg);
const folder = mkdtempSync(join(tmpdir(), 'runlet-sweep-'));
test.after(() => rmSync(folder, { recursive: true }));

function plan(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'host/cli/bin.js'), 'plan', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('for every hop of ppg-hr, the row equals a single plan', () => {
  const { rows, totalStride, refused, sampledOf } = ppgSweep;
  assert.is(rows.length, 256);
  assert.is(totalStride, 16);
  assert.equal([refused, sampledOf], [[], undefined]);
  for (const hop of [1, 16, 50, 64, 256]) {
    const row = rows[hop - 1];
    const single = planJson(planStream(ppg, { hop }));
    assert.is(row?.hop, hop);
    assert.equal(
      [row?.mode, row?.macsPerHop, row?.stateBytes, row?.exact],
      [single.mode, single.macsPerHop, single.stateBytes, single.exact],
    );
    assert.is(row?.macsPerFrame, single.macsPerHop / hop);
    assert.is(row?.free, hop % 16 === 0);
  }
});

test('a good hop has less work per frame or less state than any smaller one, and at most 20 are shown', () => {
  for (const { rows } of [ppgSweep, sweepHops(fEeg(1))]) {
    for (const [i, row] of rows.entries()) {
      const beaten = rows.slice(0, i).some((r) => r.macsPerFrame <= row.macsPerFrame && r.stateBytes <= row.stateBytes);
      assert.is(row.good, !beaten, `hop ${row.hop}`);
    }
    const best = bestHops(rows).rows;
    assert.ok(best.length <= 20 && best.every((r) => r.good));
    assert.is(best[0]?.hop, 1);
  }
});

test('in mode stream, hops that do not fit are refused and counted', () => {
  const { rows, refused } = sweepHops(fEeg(1), { mode: 'stream' });
  assert.equal(
    rows.map((r) => r.hop),
    Array.from({ length: 16 }, (_, i) => 64 * (i + 1)),
  );
  assert.is(refused.length, 1024 - 16);
  assert.ok(refused.every((r) => r.code === 'RN201'));
});

test('of very many hops, small ones, multiples of the stride and some others are planned', () => {
  const hops = hopsOf(20_000, 64, 2048);
  assert.ok(hops.length < 4096);
  assert.equal(
    hops.slice(0, 100),
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  for (let h = 64; h <= 20_000; h += 64) assert.ok(hops.includes(h));
});

test('the SVG has a dot for every plan in every panel', () => {
  const svg = sweepFile({ sweep: ppgSweep, over: 'hop', mark: 64, rate: 32 }, 'ppg-hr');
  const dots = [...svg.matchAll(/data-dots="(\d+)"/g)].reduce((n, m) => n + Number(m[1]), 0);
  assert.is(dots, 3 * 256, 'MACs per hop, per second, state; there is no look-ahead');
  assert.not.match(svg, /NaN|undefined|Infinity/);
});

test('the command line gives a table, JSON and files, and refuses wrong options', () => {
  const [html, svg] = [join(folder, 'new/sweep.html'), join(folder, 'sweep.svg')];
  const shown = plan(zoo, '--sweep', 'hop', '--html', html, '--svg', svg);
  assert.is(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, /^16\* +stream +434,720 +27,170/m);
  assert.match(shown.stdout, /a multiple of the total stride 16/);
  assert.match(readFileSync(html, 'utf8'), /^<!doctype html>/);
  assert.match(readFileSync(svg, 'utf8'), /^<svg .*xmlns/);
  const json = JSON.parse(plan(zoo, '--sweep', 'hop', '--json').stdout) as Sweep & { over: string };
  assert.equal([json.over, json.rows.length], ['hop', 256]);
  assert.match(plan(zoo, '--sweep', 'window').stderr, /^RN751 ppg-hr has a fixed window of 256 frames/);
  for (const args of [
    ['--sweep', 'rate'],
    ['--sweep', 'hop', '--hop', '3'],
    ['--svg', svg],
  ]) {
    const { status, stderr } = plan(zoo, ...args);
    assert.is(status, 2, stderr);
    assert.match(stderr, /^RN740/);
  }
});

const har = join(root, 'models/zoo/har/har-watch.onnx');

test('placements of the strides as a table, JSON, an SVG and a page; wrong options are refused', async () => {
  const [html, svg] = [join(folder, 'pools.html'), join(folder, 'pools.svg')];
  const shown = plan(har, '--sweep', 'pools', '--html', html, '--svg', svg);
  assert.is(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, /^conv#1 2, conv#2 2, conv#3 2 \* +stream /m);
  assert.match(shown.stdout, /\d+ of 16 placements are good/);
  assert.match(readFileSync(svg, 'utf8'), /^<svg .*xmlns/);
  const page = readFileSync(html, 'utf8');
  assert.match(page, /16 placements of the downsampling/);
  if (chromiumPath) await checkViews('pools', page);
  const json = JSON.parse(plan(har, '--sweep', 'pools', '--strides', '4,8', '--json').stdout) as Placements;
  const single = JSON.parse(plan(har, '--json').stdout) as { macsPerHop: number; stateBytes: number };
  const given = json.rows.filter((r) => r.given).map((r) => [r.macsPerHop, r.stateBytes, r.total]);
  assert.equal(given, [[single.macsPerHop, single.stateBytes, 8]]);
  assert.ok(json.rows.some((r) => r.total === 4));
  for (const args of [['--strides', '4'], ['--sweep', 'pools', '--strides', '0'], ['--sweep', 'hop', '--strides', '4']]) // biome-ignore format: one line
    assert.match(plan(har, ...args).stderr, /^RN740/);
});

test('windows are swept for a model with an open time axis', () => {
  const json = JSON.parse(plan(dynamic, '--window', '24', '--hop', '1', '--sweep', 'window', '--json').stdout) as Sweep;
  assert.equal(
    json.rows.map((r) => r.window),
    Array.from({ length: 48 }, (_, i) => i + 1),
  );
  const at24 = JSON.parse(plan(dynamic, '--window', '24', '--hop', '1', '--json').stdout) as {
    macsPerHop: number;
    stateBytes: number;
  };
  const row = json.rows[23];
  assert.equal([row?.macsPerHop, row?.stateBytes], [at24.macsPerHop, at24.stateBytes]);
});

test.run();
