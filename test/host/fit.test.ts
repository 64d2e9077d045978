/**
 * runlet fit: its estimates, compared with QEMU's counts on held-out networks, and its output for boards.
 *
 * Tests that count in QEMU run if the tools are installed. The decoded module (segments, handlers) is
 * compared with a run of the module.
 */

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import type { Target } from '../../assembly/emit/target.ts';
import { type CoreName, cores, countInstructions } from '../../host/bench/count.ts';
import { boards, coreModels } from '../../host/fit/boards.ts';
import { coefficients } from '../../host/fit/coefficients.ts';
import { countHops } from '../../host/fit/counts.ts';
import { engines } from '../../host/fit/engines.ts';
import { interpreterWithin } from '../../host/fit/estimate.ts';
import { countedUnasked } from '../../host/fit/measured.ts';
import { executedIn, nativeCount } from '../../host/fit/native-count.ts';
import { wamrCount } from '../../host/fit/wamr-count.ts';
import { decodeModule } from '../../host/fit/wasm/decode.ts';
import { segmentsOf } from '../../host/fit/wasm/segments.ts';
import { openSession, selfTest } from '../../host/session/index.ts';
import { maxOf } from '../../models/lists.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { buildModel, fittedTo, otherSeeds } from '../../scripts/fit/corpus.ts';
import { root } from '../shared.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { countInWamr } from '../wamr/bare.ts';
import { absentTools } from '../wamr/runner.ts';
import { codeOf } from './helpers.ts';

const exec = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'runlet-fit-test-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const tiny = (target: Target): Promise<Bundle> => build(quantPlan(planStream(tinyStream(), { hop: 12 })), { target });
function write(name: string, { wasm }: Bundle): string {
  const path = join(folder, `${name}.wasm`);
  writeFileSync(path, wasm);
  return path;
}

async function fit(...args: string[]): Promise<{ code: number; text: string; error: string }> {
  try {
    const { stdout, stderr } = await exec(process.execPath, [join(root, 'host/cli/bin.js'), 'fit', ...args]);
    return { code: 0, text: stdout, error: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: stdout, error: stderr };
  }
}

test('segments cover each instruction once, and the module with counters computes the same bytes', async () => {
  for (const target of ['native', 'interp'] as const) {
    const bundle = await tiny(target);
    const module = decodeModule(bundle.wasm);
    for (const { code, codeEnd } of module.functions) {
      assert.is(code.at(-1)?.end, codeEnd);
      const segments = segmentsOf(code);
      assert.is(segments[0]?.from, 0);
      assert.is(segments.at(-1)?.to, code.length);
      for (const [i, { from }] of segments.entries()) if (i > 0) assert.is(from, segments[i - 1]?.to);
    }
    const counted = await countHops(bundle);
    assert.is(counted.hops.length, 16);
    // the module with counters computes the same bytes
    assert.ok((await selfTest(await openSession(counted.wasm as BufferSource))).ok);
    // a push of a whole hop runs rn_push once
    const push = counted.segments.flat().filter(({ counter }) => counter !== undefined && counted.hops[0]?.[counter] === 1);
    assert.ok(push.length > 0);
  }
});

test('executed instructions are equal in every run, and 64-bit ones occur only for target interp', async () => {
  for (const target of ['native', 'interp'] as const) {
    const [first, again] = [await countHops(await tiny(target)), await countHops(await tiny(target))];
    const executed = executedIn(first, first.hops);
    assert.equal(executedIn(again, again.hops), executed);
    const { narrow, wide } = executed[0] as { narrow: number; wide: number };
    assert.ok(narrow > 0);
    assert.is(wide / (narrow + wide) > 0.05, target === 'interp', `${target}: ${wide} of ${narrow + wide}`);
  }
});

/** Held-out networks: RUNLET_FIT of them (4), chosen by the seed. `npm run soak -- fit` takes all. */
const perDay = Math.min(otherSeeds.length, Number(process.env.RUNLET_FIT ?? 4));
const firstOfDay = (Number(process.env.RUNLET_SEED ?? 1) * perDay) % otherSeeds.length;
const today = Array.from({ length: perDay }, (_, i) => otherSeeds[(firstOfDay + i) % otherSeeds.length] as string);
/**
 * Largest accepted factor between a count and its estimate for compiled code. A choice: an estimate of half
 * or twice the count still tells a user which boards to consider; a larger error does not.
 */
const largestFactor = 2;
const installed = (tool: string) => spawnSync(tool, ['--version']).error === undefined;

for (const core of Object.keys(cores) as CoreName[]) {
  const { compiler, qemu, name, packages } = cores[core];
  const missing = ['wasm2c', compiler, qemu].filter((tool) => !installed(tool));
  if (missing.length > 0) console.log(`skipped: no ${missing.join(', ')}: apt-get install ${packages}`);
  (missing.length > 0 ? test.skip : test)(
    `${name}: compiled code is within a factor of ${largestFactor} on held-out networks`,
    async () => {
      for (const [i, model] of today.entries()) {
        assert.not.ok(fittedTo.includes(model));
        const target = i % 2 === 0 ? 'native' : 'interp';
        const bundle = await buildModel(model, target);
        const { most } = await countInstructions(bundle, core);
        const counts = await countHops(bundle);
        const estimated = maxOf(nativeCount(executedIn(counts, counts.hops), coefficients().native[core]));
        const text = `${model}, ${target}: ${most}, estimated ${estimated.toFixed(0)}, count ${(100 * (most / estimated - 1)).toFixed(0)} % off`;
        console.log(`  ${text}`);
        assert.ok(estimated <= most * largestFactor && most <= estimated * largestFactor, text);
      }
    },
  );
}

/** Boards of each core with a count, and one board that uses the count of another core. */
const measurable = { rv32: ['esp32c3', 'esp32'], m4: ['nrf52840'], m0: ['rp2040'] } as const;
for (const core of Object.keys(measurable) as CoreName[]) {
  const { compiler, qemu, name, packages } = cores[core];
  const missing = ['wasm2c', compiler, qemu].filter((tool) => !installed(tool));
  if (missing.length > 0) console.log(`skipped: no ${missing.join(', ')}: apt-get install ${packages}`);
  (missing.length > 0 ? test.skip : test)(
    `fit counts in QEMU on ${name}, with or without --measure, and names the tools`,
    async () => {
      const bundle = await tiny('native');
      const path = write(`measured-${core}`, bundle);
      const counted = await countInstructions(bundle, core);
      const { mean, most, tools } = counted;
      const lines = (text: string) => text.replace(/\s+/g, ' ');
      for (const board of measurable[core]) {
        const { text, error } = await fit(path, '--board', board, '--measure', '--json');
        assert.is(error, '');
        assert.equal(JSON.parse(text).instructions, { mean, most, from: 'counted', tools });
        const printed = lines((await fit(path, '--board', board, '--measure')).text);
        assert.match(printed, `counted in QEMU for ${name}: ${tools}`);
        assert.is(printed.includes('of RV32IMC, used for Xtensa LX6'), board === 'esp32');
        assert.not.match(printed, 'estimated');
        const unasked = await fit(path, '--board', board, '--json');
        assert.equal(JSON.parse(unasked.text).instructions, JSON.parse(text).instructions);
        assert.match((await fit(path, '--board', board, '--no-measure')).text, 'estimated');
      }
      const aot = await fit(path, '--board', measurable[core][0], '--measure', '--engine', 'aot', '--json');
      assert.is(JSON.parse(aot.text).instructions.most, engines.aot.times.native * most);
    },
  );
}

test('fit --measure names a missing tool with its packages, and refuses an interpreter', async () => {
  const path = write('unmeasured', await tiny('native'));
  const args = [join(root, 'host/cli/bin.js'), 'fit', path, '--board', 'rp2040', '--measure'];
  const { stderr, status } = spawnSync(process.execPath, args, { env: { ...process.env, PATH: folder }, encoding: 'utf8' });
  assert.ok(status !== 0);
  assert.match(stderr, /RN790[\s\S]*wasm2c[\s\S]*apt-get install wabt qemu-system-arm gcc-arm-none-eabi/);
  // without --measure fit estimates, and says which tools would count; also for a module that takes long
  const unasked = spawnSync(process.execPath, args.slice(0, -1), { env: { ...process.env, PATH: folder }, encoding: 'utf8' });
  assert.match(unasked.stdout.replace(/\s+/g, ' '), `estimated: `);
  assert.match(unasked.stdout.replace(/\s+/g, ' '), `to count it, install ${cores.m0.packages}`);
  const bundle = await tiny('native');
  const counts = await countHops(bundle);
  const long = await countedUnasked(bundle, { ...counts, all: counts.all.fill(1e8) }, 'm0');
  assert.match(long.notCounted ?? '', /--measure counts it in QEMU, which takes about \d+ s/);
  assert.not.ok(long.counted);
  const interpreted = await fit(path, '--board', 'rp2040', '--measure', '--engine', 'wamr-fast');
  assert.is(interpreted.code, 2);
  assert.match(interpreted.error, /RN740[\s\S]*--engine c/);
});

const absent = absentTools() ?? absentTools({ [cores.m4.compiler]: cores.m4.packages, [cores.m4.qemu]: cores.m4.packages });
if (absent) console.log(`skipped: ${absent}`);
(absent ? test.skip : test)("WAMR's fast interpreter on Cortex-M4 within 10 % on networks held out", async () => {
  const names = today.flatMap((name) => (['native', 'interp'] as const).map((target) => ({ name, target })));
  const bundles = [];
  for (const { name, target } of names) bundles.push(await buildModel(name, target));
  // small networks only: the interpreter in QEMU needs hundreds of instructions for each one of the module
  for (let i = bundles.length - 1; i >= 0; i--)
    if ((bundles[i]?.manifest.macsPerHop ?? 0) > 50_000) {
      bundles.splice(i, 1);
      names.splice(i, 1);
    }
  const { counts } = await countInWamr(bundles);
  for (const [i, bundle] of bundles.entries()) {
    const estimated = Math.max(...wamrCount(await countHops(bundle), coefficients().wamrFast.m4).hops);
    const off = estimated / (counts[i]?.most ?? 0) - 1;
    console.log(
      `  ${names[i]?.name}, ${names[i]?.target}: ${counts[i]?.most}, estimated ${estimated.toFixed(0)}, ${(100 * off).toFixed(2)} %`,
    );
    assert.ok(Math.abs(off) < interpreterWithin, `${names[i]?.name}: ${(100 * off).toFixed(2)} %`);
  }
});

test('every board has a core that was counted, and every core its coefficients', () => {
  const { native, wamrFast, checked } = coefficients();
  for (const { core } of Object.values(boards)) {
    const { counted } = coreModels[core];
    const { narrow, wide, fittedTo: modules, spread } = native[counted];
    assert.ok(narrow > 0 && wide > narrow, 'two registers hold 64 bits');
    assert.ok(spread.low < 1 && spread.high > 1 && modules > 100 && spread.modules > 100);
    assert.ok(Object.keys(wamrFast[counted]).length > 30);
    assert.ok(checked[counted].models > 0);
  }
});

test('on every board and engine the needs of kws are the sum of their parts, and text fits 80 columns', async () => {
  const path = write('kws', await buildModel('kws', 'native'));
  for (const board of Object.keys(boards)) {
    const { code, text, error } = await fit(path, '--board', board, '--json', '--no-measure');
    assert.ok(code === 0 || code === 1, error);
    const result = JSON.parse(text);
    assert.is(result.fit, code === 0);
    for (const need of ['flash', 'ram']) {
      const parts = Object.values(result[need].parts as Record<string, number>).reduce((a, b) => a + b, 0);
      assert.is(result[need].needs, parts);
      assert.is(result.fits[need], parts <= result[need].has);
    }
    const { hz } = boards[board] as { hz: number };
    const { cycles } = coreModels[(boards[board] as { core: keyof typeof coreModels }).core];
    assert.ok(Math.abs(result.ms.worst - (1000 * result.instructions.most * cycles) / hz) < 1e-9);
    assert.ok(result.instructions.mean <= result.instructions.most);
    const { range, costs } = result.instructions;
    assert.is(range.low, costs.spread.low * result.instructions.most);
    assert.is(range.high, costs.spread.high * result.instructions.most);
    assert.ok(Math.abs(result.ms.high / result.ms.worst - costs.spread.high) < 1e-9);
  }
  // 253 KB of memory does not fit 112 KB: exit code 1, and possible changes with their effects
  for (const engine of Object.keys(engines)) {
    const { code, text } = await fit(path, '--board', 'stm32l4', '--engine', engine, '--rate', '50', '--no-measure');
    assert.is(code, 1);
    assert.match(text, /does not fit/);
    assert.match(text, /--weights tile/);
    for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  }
});

test('for a hop that takes too long, fit suggests other kernels, engines, hops and channels, with numbers', async () => {
  const path = write('tiny', await tiny('interp'));
  const { code, text } = await fit(path, '--board', 'rp2040', '--engine', 'wamr-fast', '--rate', '20000', '--json');
  assert.is(code, 1);
  const { budget, advice, fits } = JSON.parse(text);
  assert.ok(fits.ram && fits.flash && !fits.time);
  assert.is(budget.ms, 0.6);
  const changes = advice.map((a: { change: string }) => a.change).join('\n');
  for (const wanted of [/--engine aot/, /--engine c/, /a hop of 24/, /channels/]) assert.match(changes, wanted);
  const slow = await fit(path, '--board', 'rp2040', '--rate', '1');
  assert.is(slow.code, 0);
  assert.match(slow.text, /fits/);
});

test('modules, boards, engines and rates that fit cannot handle are refused', async () => {
  const path = write('simd', await tiny('simd'));
  const simd = await fit(path, '--board', 'esp32');
  assert.is(simd.code, 2);
  assert.match(simd.error, /RN761[\s\S]*--target interp/);
  const unknown = await fit(path, '--board', 'esp8266');
  assert.is(unknown.code, 2);
  for (const board of Object.keys(boards)) assert.ok(unknown.error.includes(board), board);
  assert.match((await fit(path, '--board', 'esp32', '--engine', 'v8')).error, /RN740[\s\S]*wamr-classic/);
  assert.match((await fit(path, '--board', 'esp32', '--rate', '0')).error, /RN740/);
  assert.match((await fit(join(root, 'models/zoo/kws/kws.onnx'), '--board', 'esp32')).error, /RN763/);
  assert.is((await fit(path)).code, 2);
  const { wasm } = await tiny('native');
  assert.is(await codeOf(() => decodeModule((wasm as Uint8Array).slice(0, 40))), 'RN601');
  const broken = Uint8Array.from(wasm);
  const { functions } = decodeModule(wasm);
  broken.fill(0xff, functions[0]?.codeStart, functions[0]?.codeEnd);
  assert.is(await codeOf(() => decodeModule(broken)), 'RN761');
});

test.run();
