/**
 * asconfig.json is the only place for the compiler's flags. With it, asc gives the build's code.
 *
 * runlet and asc run as separate programs, for each target. For target interp the build rewrites tees after
 * asc (assembly/emit/tees.ts).
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { wasmSections } from '../../assembly/bundle/read.ts';
import { nodeTools } from '../../assembly/emit/compile.ts';
import { jobOf } from '../../assembly/emit/compiler.ts';
import { memoryBase, pagesFor, stackBytes } from '../../assembly/emit/static-memory.ts';
import { type Target, targets } from '../../assembly/emit/target.ts';
import { withoutTees } from '../../assembly/emit/tees.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { root } from '../shared.ts';
import { allFiles, textOf } from '../sources.ts';
import { tinyStream } from '../stages/tiny-networks.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-asconfig-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const config = JSON.parse(textOf('asconfig.json')) as { options: Record<string, unknown>; targets: Record<string, object> };
const codeSection = 10;
const codeOf = (wasm: Uint8Array): Buffer => Buffer.from(wasmSections(wasm).find(({ id }) => id === codeSection)?.bytes ?? []);
const program = (name: string, ...args: string[]) =>
  execFileSync(process.execPath, [join(root, name), ...args], { cwd: root, stdio: 'pipe' });

/** Compiles a kept source with asc. `last` rewrites the tees of target interp, as the build does. */
function byAsc(source: string, target: Target): { wasm: Uint8Array; last: (code: Uint8Array) => Uint8Array } {
  const compiled = `${source}.wasm`;
  program('node_modules/assemblyscript/bin/asc.js', source, '--config', 'asconfig.json', '--target', target, '-o', compiled);
  const last = (code: Uint8Array) => (target === 'interp' ? withoutTees(code) : code);
  return { wasm: new Uint8Array(readFileSync(compiled)), last };
}

test('the code section of runlet build is that of npx asc, for each target', async () => {
  const zoo = 'models/zoo/ppg-hr';
  const [kept, bundle] = [join(folder, 'ppg-hr'), join(folder, 'ppg-hr.wasm')];
  const model = [`${zoo}/ppg-hr.onnx`, '--calib', `${zoo}/calib.npy`, '--hop', '64'];
  program('host/cli/bin.js', 'build', ...model, '--target', 'all', '--emit-as', kept, '-o', bundle);
  for (const target of targets) {
    const { wasm, last } = byAsc(join(kept, target, 'module.ts'), target);
    const built = new Uint8Array(readFileSync(bundle.replace('.wasm', `.${target}.wasm`)));
    assert.ok(codeOf(built).length > 100);
    assert.ok(codeOf(last(wasm)).equals(codeOf(built)), target);
  }
});

test('without the second optimiser run of asconfig.mjs, asc gives longer code for one target or more', async () => {
  const quant = quantPlan(planStream(tinyStream(), { hop: 12 }));
  const lengths = await Promise.all(
    targets.map(async (target) => {
      const { source, memory } = await build(quant, { target });
      const job = jobOf(nodeTools, { files: source, target, pages: pagesFor(memory.end) });
      const [once, twice] = [await nodeTools.assemble({ ...job, transform: false }), await nodeTools.assemble(job)];
      return [once, twice].map(({ wasm }) => codeOf(wasm as Uint8Array).length) as [number, number];
    }),
  );
  assert.ok(lengths.some(([once, twice]) => twice < once), JSON.stringify(lengths)); // biome-ignore format: one line
});

test('asconfig.json has the three targets, the target for C, and the numbers of the memory map', () => {
  assert.equal(Object.keys(config.targets).sort(), [...targets, 'c'].sort());
  assert.equal([config.options.stackSize, config.options.memoryBase], [stackBytes, memoryBase]);
  assert.is(nodeTools.config(), textOf('asconfig.json'), 'the build reads this file');
});

test('compiler flags are in no other file', () => {
  const names = [...Object.keys(config.options), ...Object.values(config.targets).flatMap((options) => Object.keys(options))];
  assert.ok(names.length >= 9);
  const flag = new RegExp(`--(?:${names.join('|')})[= '"]`);
  const found = allFiles.filter(
    (f) => /^(?:assembly|host|scripts|models|quant)\/.*\.(?:ts|mjs)$/.test(f) && flag.test(textOf(f)),
  );
  assert.equal(found, []);
  assert.ok(flag.test('--stackSize=8'), 'the search finds one');
});

test('the package has asconfig.json and asconfig.mjs, at its root and in dist/', () => {
  const { files } = JSON.parse(textOf('package.json')) as { files: string[] };
  assert.ok(files.includes('asconfig.json') && files.includes('asconfig.mjs'));
  assert.match(textOf('scripts/prepare.mjs'), /asTheyAre = [^;]*'asconfig\.json'[^;]*'asconfig\.mjs'/);
});

test.run();
