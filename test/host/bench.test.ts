/**
 * runlet bench: times of every target side by side, and instruction counts that are equal in every run.
 *
 * No test asserts a time. Counts are compared with exact numbers for the compilers of Debian 12; with other
 * compilers, two runs are compared.
 */

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { targets } from '../../assembly/emit/target.ts';
import { earlier, holdBounds, type Measured, ratios } from '../../host/bench/compare.ts';
import { type CoreName, cores, countInstructions } from '../../host/bench/count.ts';
import { interleaved } from '../../host/bench/measure.ts';
import { withPlainMemory } from '../../host/bench/plain-memory.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { root } from '../shared.ts';
import { tinyStream } from '../stages/tiny-networks.ts';

const exec = promisify(execFile);
const bench = async (...args: string[]) =>
  JSON.parse((await exec(process.execPath, [join(root, 'host/cli/bin.js'), 'bench', ...args, '--json'])).stdout);

test('each target has a row with bytes, times of hop and window, and the share of the peak for simd', async () => {
  const { network, macsPerHop, refused, rows } = await bench('N2', '--hop', '2', '--rounds', '1');
  assert.is(network, 'N2');
  assert.is(macsPerHop, 27136);
  assert.equal(
    rows.map((r: { target: string }) => r.target),
    targets.filter((target) => !refused.includes(target)),
  );
  assert.ok(refused.length === 0 || refused.join() === 'relaxed');
  for (const row of rows) {
    for (const key of [
      'medianUs',
      'p5Us',
      'p95Us',
      'windowUs',
      'timesLess',
      'macsPerNs',
      'codeBytes',
      'memoryBytes',
      'buildMs',
      'startMs',
    ])
      assert.ok(Number.isFinite(row[key]) && row[key] > 0, `${row.target} ${key}`);
    assert.ok(row.p5Us <= row.medianUs && row.medianUs <= row.p95Us);
    assert.is(row.shareOfPeak === undefined, !['relaxed', 'simd'].includes(row.target));
  }
  assert.is(rows[1].stateBytes, rows[0].stateBytes, 'state is the same for all targets');
});

test('subjects take turns, and each gets all its rounds', () => {
  const order: string[] = [];
  const subject = (name: string) => ({
    name,
    run: () => {
      if (order.at(-1) !== name) order.push(name);
    },
  });
  const times = interleaved([subject('a'), subject('b')], 3);
  assert.equal(
    times.map((t) => t.name),
    ['a', 'b'],
  );
  assert.equal(order.slice(-6), ['a', 'b', 'a', 'b', 'a', 'b']);
});

test('earlier figures give ratios per target, and other networks, cores and files are refused', async () => {
  const now: Measured = { network: 'a', hop: 2, rows: [{ target: 'simd', medianUs: 3, codeBytes: 90, startMs: 1 }] };
  const before = { ...now, rows: [{ target: 'native' }, { target: 'simd', medianUs: 2, codeBytes: 100 }] };
  assert.equal(
    ratios(before, now).map((r) => [r.target, r.figure, r.ratio]),
    [
      ['simd', 'us a hop', 1.5],
      ['simd', 'code', 0.9],
    ],
  );
  const folder = mkdtempSync(join(tmpdir(), 'runlet-compare-'));
  const file = join(folder, 'old.json');
  const refused = async (text: string, code: string) => {
    writeFileSync(file, text);
    try {
      await earlier(file, now);
      assert.unreachable(text);
    } catch (error) {
      assert.match(String((error as Error).message), code);
    }
  };
  for (const text of ['', 'null', '[]', '{"rows":[]', '{"rows":[1]}', '{"rows":[{}]}', JSON.stringify({ ...now, hop: 3 })])
    await refused(text, 'RN792');
  await refused(JSON.stringify({ ...now, core: 'm4' }), 'RN792');
  writeFileSync(file, JSON.stringify(before));
  assert.equal(await earlier(file, now), before);
  rmSync(folder, { recursive: true });
  try {
    await earlier(file, now);
    assert.unreachable();
  } catch (error) {
    assert.match(String((error as Error).message), 'RN720');
  }
});

test('--json --compare prints the figures, and their ratios to the earlier file under compared', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-compare-'));
  const file = join(folder, 'old.json');
  const options = ['N2', '--hop', '2', '--rounds', '1', '--target', 'native'];
  const old = await bench(...options);
  assert.is(old.compared, undefined);
  old.rows[0].medianUs = 1000;
  writeFileSync(file, JSON.stringify(old));
  const now = await bench(...options, '--compare', file);
  rmSync(folder, { recursive: true });
  assert.is(now.compared.file, file);
  const rows = now.compared.ratios as { target: string; figure: string; before: number; now: number; ratio: number }[];
  assert.equal(
    rows.map((r) => [r.target, r.figure]),
    ['us a hop', 'times less', 'code', 'memory', 'file, gz'].map((figure) => ['native', figure]),
  );
  for (const r of rows) assert.is(r.ratio, r.now / r.before);
  assert.is(rows[0]?.before, 1000);
  assert.is(rows[0]?.now, now.rows[0].medianUs);
  assert.equal(rows.slice(2).map((r) => r.ratio), [1, 1, 1], 'bytes are the same in every run'); // biome-ignore format: one line
});

const fixed = (timesLess: number, shareOfPeak: number, medianUs = 1): Measured => ({
  network: 'a',
  hop: 2,
  rows: [{ target: 'simd', medianUs, codeBytes: 100 * medianUs, timesLess, shareOfPeak }],
});

test('bounds apply to ratios that carry over between machines, never to times, bytes or counts', () => {
  holdBounds('f', fixed(9, 0.9), fixed(3, 0.3, 1000), 3);
  assert.throws(() => holdBounds('f', fixed(9, 0.9), fixed(2.9, 0.9), 3), /RN793.*simd, times less: 9\.00 before, 2\.90 now/s);
  assert.throws(() => holdBounds('f', fixed(9, 0.9), fixed(90, 0.2), 3), /RN793.*simd, of peak: 0\.90 before, 0\.20 now/s);
  const timesAlone: Measured = { network: 'a', hop: 2, rows: [{ target: 'simd', medianUs: 1 }] };
  assert.throws(() => holdBounds('f', timesAlone, fixed(9, 0.9), 3), /RN792/);
});

test('from a history or a file of several models, the figures of this network, hop and core are used', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-compare-'));
  const file = join(folder, 'history.json');
  const [wanted, other, counted] = [fixed(9, 0.9), { ...fixed(1, 1), hop: 4 }, { ...fixed(1, 1), core: 'm4' }];
  writeFileSync(file, JSON.stringify({ tables: { hop: { figures: [other, wanted] }, cores: { figures: [counted] } } }));
  assert.equal(await earlier(file, { network: 'a', hop: 2 }), wanted);
  assert.equal(await earlier(file, { network: 'a', hop: 2, core: 'm4' }), counted);
  const refused = await earlier(file, { network: 'b', hop: 2 }).then(() => '', String);
  assert.match(refused, /RN792.*a at hop 4, a at hop 2, but this run is b at hop 2/s);
  writeFileSync(file, JSON.stringify({ models: [other, wanted] }));
  assert.equal(await earlier(file, { network: 'a', hop: 2 }), wanted);
  rmSync(folder, { recursive: true });
});

test('a history that no hop can reach fails the command with exit code 1, one that every hop reaches does not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-compare-'));
  const file = join(folder, 'history.json');
  const figures = (timesLess: number) =>
    ['N1', 'N2'].map((network) => ({ network, hop: 16, rows: [{ target: 'native', medianUs: 1e-9, timesLess }] }));
  const run = (timesLess: number) => {
    writeFileSync(file, JSON.stringify({ tables: { hop: { figures: figures(timesLess) } } }));
    const options = ['--target', 'native', '--rounds', '1', '--compare', file, '--bounds', '2'];
    return spawnSync(process.execPath, [join(root, 'host/cli/bin.js'), 'bench', 'N1:16', 'N2:16', ...options], {
      encoding: 'utf8',
    });
  };
  const good = run(1e-9);
  assert.is(good.status, 0, good.stderr);
  const bad = run(1e9);
  rmSync(folder, { recursive: true });
  assert.is(bad.status, 1);
  assert.match(bad.stderr, 'RN793');
});

test('C of another version of wasm2c is refused', () => {
  assert.throws(() => withPlainMemory('int main(void) { return 0; }'), /RN791/);
});

const installed = (tool: string) => spawnSync(tool, ['--version']).error === undefined;
/** Instructions of a hop of tinyStream, hop 12, prefer work, on Debian 12 (gcc 12.2, wasm2c 1.0.32). */
// the timers of m4 and m0 count in steps of 40: code before a hop can move its count by one step
const known: Record<CoreName, { native: number; interp: number }> = {
  rv32: { native: 33706, interp: 38012 },
  m4: { native: 22440, interp: 26840 },
  m0: { native: 62320, interp: 76160 },
};

for (const core of Object.keys(cores) as CoreName[]) {
  const { compiler, qemu, name, packages } = cores[core];
  const missing = ['wasm2c', compiler, qemu].filter((tool) => !installed(tool));
  if (missing.length > 0) console.log(`skipped: no ${missing.join(', ')}: apt-get install ${packages}`);
  (missing.length > 0 ? test.skip : test)(
    `${name}: outputs are this engine's, counts are the same to the instruction`,
    async () => {
      for (const target of ['native', 'interp'] as const) {
        const { wasm } = await build(quantPlan(planStream(tinyStream(), { hop: 12, prefer: 'work' })), { target });
        const first = await countInstructions({ wasm }, core);
        assert.equal(await countInstructions({ wasm }, core), first);
        console.log(`  ${target}: ${first.least} to ${first.most} instructions; ${first.tools}`);
        assert.ok(first.least <= first.mean && first.mean <= first.most);
        if (/ 12\.2\.\d/.test(first.tools) && first.tools.includes('wasm2c 1.0.32,')) assert.is(first.most, known[core][target]);
      }
    },
  );
}

test('a missing tool is named, with the packages that have it', async () => {
  const { wasm } = await build(quantPlan(planStream(tinyStream(), { hop: 12 })));
  const path = process.env.PATH;
  process.env.PATH = '';
  try {
    await countInstructions({ wasm }, 'rv32');
    assert.unreachable();
  } catch (error) {
    assert.match(String((error as Error).message), /RN790.*wasm2c is not installed/s);
  } finally {
    process.env.PATH = path;
  }
});

test.run();
