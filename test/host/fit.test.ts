/**
 * runlet fit: its count of instructions against QEMU's on models that it was not calibrated on, and its answers for every board.
 *
 * Counts in QEMU run where the tools are installed. What is taken apart (segments, handlers) is held against running the module itself.
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
import { nativeCount } from '../../host/fit/native-count.ts';
import { wamrCount } from '../../host/fit/wamr-count.ts';
import { decodeModule } from '../../host/fit/wasm/decode.ts';
import { segmentsOf } from '../../host/fit/wasm/segments.ts';
import { openSession, selfTest } from '../../host/session/index.ts';
import { quantPlan } from '../../quant/plan.ts';
import { buildModel, known } from '../../scripts/fit/corpus.ts';
import { root } from '../shared.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { countInWamr } from '../wamr/bare.ts';
import { absentTools } from '../wamr/runner.ts';
import { codeOf } from './helpers.ts';

const exec = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'runlet-fit-test-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const tiny = (target: Target): Promise<Bundle> => build(quantPlan(tinyStream(), { hop: 12 }), { target, shrink: true });
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

test('segments are all instructions, each once, and what is counted is the module', async () => {
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
    // hops are counted where they run: a push of a whole hop runs rn_push once
    const push = counted.segments.flat().filter(({ counter }) => counter !== undefined && counted.hops[0]?.[counter] === 1);
    assert.ok(push.length > 0);
  }
});

/** Not calibrated on: other hops of a network, and other seeds. */
const heldOut = ['N1P:64', 'made 5001', 'made 5003', 'made 5009'];
const installed = (tool: string) => spawnSync(tool, ['--version']).error === undefined;

for (const core of Object.keys(cores) as CoreName[]) {
  const { compiler, qemu, name, packages } = cores[core];
  const missing = ['wasm2c', compiler, qemu].filter((tool) => !installed(tool));
  if (missing.length > 0) console.log(`skipped: no ${missing.join(', ')}: apt-get install ${packages}`);
  (missing.length > 0 ? test.skip : test)(`${name}: compiled code, within 2 % of QEMU's count on models held out`, async () => {
    for (const model of heldOut) {
      assert.not.ok(known.includes(model));
      const bundle = await buildModel(model, 'native');
      const counted = await countInstructions(bundle, core);
      const told = nativeCount(await countHops(bundle), coefficients().native[core]);
      const off = Math.max(...told.hops) / counted.most - 1;
      console.log(`  ${model}: ${counted.most}, told ${Math.max(...told.hops).toFixed(0)}, ${(100 * off).toFixed(2)} %`);
      assert.ok(Math.abs(off) <= 0.02, `${model}: ${(100 * off).toFixed(2)} %`);
    }
  });
}

const absent = absentTools() ?? absentTools({ [cores.m4.compiler]: cores.m4.packages, [cores.m4.qemu]: cores.m4.packages });
if (absent) console.log(`skipped: ${absent}`);
(absent ? test.skip : test)("WAMR's fast interpreter on Cortex-M4: within 2 % of QEMU's count on models held out", async () => {
  const names = heldOut.slice(1).flatMap((name) => (['native', 'interp'] as const).map((target) => ({ name, target })));
  const bundles = [];
  for (const { name, target } of names) bundles.push(await buildModel(name, target));
  const { counts } = await countInWamr(bundles);
  for (const [i, bundle] of bundles.entries()) {
    const told = Math.max(...wamrCount(await countHops(bundle), coefficients().wamrFast.m4).hops);
    const off = told / (counts[i]?.most ?? 0) - 1;
    console.log(
      `  ${names[i]?.name}, ${names[i]?.target}: ${counts[i]?.most}, told ${told.toFixed(0)}, ${(100 * off).toFixed(2)} %`,
    );
    assert.ok(Math.abs(off) <= 0.02, `${names[i]?.name}: ${(100 * off).toFixed(2)} %`);
  }
});

test('every board has a core that was counted, and every core its coefficients', () => {
  const { native, wamrFast, checked } = coefficients();
  for (const { core } of Object.values(boards)) {
    const { counted } = coreModels[core];
    assert.ok(Object.keys(native[counted].segments).length > 100);
    assert.ok(Object.keys(wamrFast[counted]).length > 30);
    assert.ok(checked[`native ${counted}`] && checked[`WAMR fast ${counted}`]);
  }
});

test('kws on every board and engine: needs are the sum of their parts, and text fits 80 columns', async () => {
  const path = write('kws', await buildModel('kws', 'native'));
  for (const board of Object.keys(boards)) {
    const { code, text, error } = await fit(path, '--board', board, '--json');
    assert.ok(code === 0 || code === 1, error);
    const told = JSON.parse(text);
    assert.is(told.fit, code === 0);
    for (const need of ['flash', 'ram']) {
      const parts = Object.values(told[need].parts as Record<string, number>).reduce((a, b) => a + b, 0);
      assert.is(told[need].needs, parts);
      assert.is(told.fits[need], parts <= told[need].has);
    }
    const { hz } = boards[board] as { hz: number };
    const { cycles } = coreModels[(boards[board] as { core: keyof typeof coreModels }).core];
    assert.ok(Math.abs(told.ms.worst - (1000 * told.instructions.most * cycles) / hz) < 1e-9);
    assert.ok(told.instructions.mean <= told.instructions.most);
  }
  // 253 KB of memory does not fit 112 KB: exit 1, and what to change, each with its effect
  for (const engine of Object.keys(engines)) {
    const { code, text } = await fit(path, '--board', 'stm32l4', '--engine', engine, '--rate', '50');
    assert.is(code, 1);
    assert.match(text, /does not fit/);
    assert.match(text, /--weights tile/);
    for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  }
});

test('a hop that takes too long: other kernels, engines, hops and channels, in numbers', async () => {
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

test('what fit does not take', async () => {
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
