/**
 * `npm run fit:calibrate`: measures what `runlet fit` needs to know, and says how far it is off for models
 * that it was not measured on.
 *
 * In: wasm2c, gcc for rv32imc and Cortex-M, QEMU, cargo (test/wamr).  Out: host/fit/coefficients.json. Random
 * networks are taken while they bring functions that no earlier one had; models of others, and networks of
 * other seeds, are only checked. `--candidates N` (160), `--folder DIR` keeps what was found, so that a run
 * that broke off goes on, `--jobs N` processes (one a core of this machine), `--native` or `--wamr` does one
 * of both, `--core` one core. `--fresh SEED` checks, beside, networks of seeds from there, which nobody has
 * looked at.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { wasmSections } from '../assembly/bundle/read.ts';
import type { Target } from '../assembly/emit/target.ts';
import type { Counted } from '../host/bench/count.ts';
import type { Checked, Coefficients, CountedCore, NativeCosts } from '../host/fit/coefficients.ts';
import { countCompiled, countHops } from '../host/fit/counts.ts';
import { nativeCount } from '../host/fit/native-count.ts';
import { wamrCount } from '../host/fit/wamr-count.ts';
import type { WamrCount } from '../test/wamr/bare.ts';
import { known, ofOthers } from './fit/corpus.ts';
import { fitNative, type TracedModule } from './fit/fit-native.ts';
import { type CountedModule, fitWamr } from './fit/fit-wamr.ts';
import { Pool } from './fit/pool.ts';
import type { Traced } from './fit/trace.ts';
import { type BuiltFunctions, tracedOutputs } from './fit/worker.ts';

const { values } = parseArgs({
  options: {
    candidates: { type: 'string', default: '160' },
    folder: { type: 'string' },
    core: { type: 'string' },
    fresh: { type: 'string' },
    jobs: { type: 'string' },
    native: { type: 'boolean', default: false },
    wamr: { type: 'boolean', default: false },
  },
});
const both = values.native === values.wamr;
const output = join(import.meta.dirname, '../host/fit/coefficients.json');
const cores = (['rv32', 'm4', 'm0'] as const).filter((core) => (values.core ?? core) === core);
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'runlet-fit-'));
mkdirSync(folder, { recursive: true });
const pool = new Pool(folder, values.jobs ? Number(values.jobs) : undefined);
const began = performance.now();
const say = (text: string) => process.stdout.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text}\n`);

interface Built extends BuiltFunctions {
  name: string;
  target: Target;
  file: string;
}

const fileOf = (name: string, target: Target) => join(folder, `${name.replace(/[^A-Za-z0-9]+/g, '-')}-${target}.wasm`);
async function built(name: string, target: Target): Promise<Built | undefined> {
  const file = fileOf(name, target);
  const functions = await pool.run<BuiltFunctions>({ kind: 'build', name, target, file });
  return functions && { ...functions, name, target, file };
}
const all = async <T>(tasks: Promise<T | undefined>[]): Promise<T[]> =>
  (await Promise.all(tasks)).filter((t) => t !== undefined) as T[];
const bytesOf = (file: string) => new Uint8Array(readFileSync(file));
const hopsOf = (file: string) => countHops({ wasm: bytesOf(file), weights: undefined });
const compiledOf = (file: string, due?: number) => countCompiled({ wasm: bytesOf(file), weights: undefined }, due);

/**
 * Random networks whose functions are not all known by the ones before: more than this share of their
 * instructions.
 */
const newShare = 0.01;
/** Wasm instructions of a hop, above which a trace takes too long. */
const mostSize = 6e6;

async function chosen(target: Target, candidates: number): Promise<Built[]> {
  const names = [
    ...known,
    ...Array.from({ length: candidates }, (_, i) => `made ${i + 1}`),
    ...Array.from({ length: candidates >> 2 }, (_, i) => `small ${i + 1}`),
    ...Array.from({ length: candidates >> 1 }, (_, i) => `spectrogram ${i + 1}`),
    ...(target === 'native' ? Array.from({ length: candidates }, (_, i) => `few ${i + 1}`) : []),
  ];
  const models = await all(names.map((name) => built(name, target)));
  const seen = new Set<string>();
  const kept = models.filter(({ name, functions, size }) => {
    if (size > mostSize) return false;
    const fresh = functions.reduce((sum, { key, share }) => sum + (seen.has(key) ? 0 : share), 0);
    const keep = fresh > newShare || known.includes(name);
    if (keep) for (const { key, share } of functions) if (share > 0) seen.add(key);
    return keep;
  });
  say(`${target}: ${kept.length} of ${models.length} models, ${seen.size} functions`);
  return kept;
}

async function traced(models: readonly Built[], core: CountedCore): Promise<TracedModule[]> {
  const modules = await all(
    models.map(async ({ file }) => {
      const result = await pool.run<Traced>({ kind: 'trace', file, core });
      const codeSectionBytes = wasmSections(bytesOf(file)).find(({ id }) => id === 10)?.bytes.length ?? 0;
      return result && { counts: await compiledOf(file, tracedOutputs), traced: result, codeSectionBytes };
    }),
  );
  say(`native ${core}: ${modules.length} models traced`);
  return modules;
}

async function inWamr(models: readonly Built[], core: CountedCore): Promise<(CountedModule & Built)[]> {
  const size = 12;
  const batches = Array.from({ length: Math.ceil(models.length / size) }, (_, i) => models.slice(size * i, size * (i + 1)));
  const modules = await Promise.all(
    batches.map(async (batch) => {
      const result = await pool.run<{ counts: WamrCount[]; tools: string }>({
        kind: 'wamr',
        files: batch.map((m) => m.file),
        core,
      });
      if (result) found.tools[`WAMR fast ${core}`] = `WAMR 2.4.3, ${result.tools}`;
      return Promise.all(
        (result ? batch : []).map(async (m, i) => ({ ...m, counts: await hopsOf(m.file), most: result?.counts[i]?.most ?? 0 })),
      );
    }),
  );
  say(`WAMR ${core}: ${modules.flat().length} models counted`);
  return modules.flat();
}

/** Differences from QEMU's counts, and the largest. */
function judged(what: string, rows: { name: string; error: number; known: number }[]): Checked {
  const worst = rows.reduce((a, b) => (Math.abs(b.error) > Math.abs(a.error) ? b : a), { name: '', error: 0, known: 1 });
  const far = rows.filter(({ error }) => Math.abs(error) > 1);
  for (const { name, error, known: share } of far)
    say(`  ${what.padEnd(16)} ${name.padEnd(34)} ${error.toFixed(2).padStart(7)} %   known ${(100 * share).toFixed(0)} %`);
  const mean = rows.reduce((sum, { error }) => sum + Math.abs(error), 0) / (rows.length || 1);
  const within = rows.filter(({ error }) => Math.abs(error) <= 2).length;
  say(
    `${what}: ${rows.length} models held out, ${within} within 2 %, ${mean.toFixed(2)} % off on average, at most ${worst.error.toFixed(2)} % (${worst.name})`,
  );
  return { models: rows.length, within, worst: Number(worst.error.toFixed(2)), worstModel: worst.name };
}

const most = (hops: readonly number[]) => Math.max(...hops);
const heldOutSeeds = Array.from({ length: 16 }, (_, i) => `made ${5001 + i}`);
const heldOut = [...ofOthers(), ...heldOutSeeds, ...heldOutSeeds.slice(0, 4).map((name) => name.replace('made', 'spectrogram'))];
const firstFresh = Number(values.fresh ?? 0);
const freshSeeds = (family: string, count: number) => Array.from({ length: count }, (_, i) => `${family} ${firstFresh + i}`);
const fresh = firstFresh > 0 ? [...freshSeeds('made', 16), ...freshSeeds('spectrogram', 6), ...freshSeeds('few', 10)] : [];
/** Of wasm in a hop, above which WAMR in QEMU takes too long. */
const wamrSize = 300_000;

/** What is in the file now: the other half stays, where only one is measured. */
const before = (): Coefficients => {
  try {
    return JSON.parse(readFileSync(output, 'utf8')) as Coefficients;
  } catch {
    return { tools: {}, native: {}, wamrFast: {}, calibratedWith: 0, checked: {} } as unknown as Coefficients;
  }
};
const found: Coefficients = { tools: {}, native: {}, wamrFast: {}, calibratedWith: 0, checked: {} } as unknown as Coefficients;

const candidates = Number(values.candidates);
const native = await chosen('native', candidates);
const interp = await chosen('interp', candidates >> 3);
found.calibratedWith = native.length + interp.length;

if (both || values.native) {
  const checkable = async (names: string[]) =>
    (await all(names.map((name) => built(name, 'native')))).filter(({ size }) => size < mostSize);
  const offOf = (models: Built[], core: CountedCore, costs: NativeCosts) =>
    all(
      models.map(async ({ name, file }) => {
        const counted = await pool.run<Counted>({ kind: 'count', file, core });
        if (!counted) return undefined;
        found.tools[core] = counted.tools;
        const told = nativeCount(await compiledOf(file), costs);
        return { name, error: 100 * (most(told.hops) / counted.most - 1), known: told.known };
      }),
    );
  const checkedWith = await checkable(heldOut);
  const freshModels = await checkable(fresh);
  for (const core of cores) {
    const costs = fitNative(await traced([...native, ...interp], core));
    found.native[core] = costs;
    const rows = await offOf(checkedWith, core, costs);
    found.checked[`native ${core}`] = judged(`native ${core}`, rows);
    if (freshModels.length === 0) continue;
    const freshRows = await offOf(freshModels, core, costs);
    judged(`fresh ${core}`, freshRows);
    found.checked[`native ${core}`] = judged(`both ${core}`, [...rows, ...freshRows]);
  }
}

if (both || values.wamr) {
  const small = (models: Built[]) => models.filter(({ size }) => size < wamrSize);
  // handlers are few: a third of the models tell them all
  const train = small([...native, ...interp].filter(({ name }, i) => i % 3 === 0 || known.includes(name)));
  const heldOutHalf = heldOut.filter((_, i) => i % 2 === 0);
  const checkedWith = small(await all(heldOutHalf.flatMap((name) => [built(name, 'native'), built(name, 'interp')])));
  for (const core of cores) {
    const costs = fitWamr(await inWamr(train, core));
    found.wamrFast[core] = costs;
    const rows = (await inWamr(checkedWith, core)).map(({ name, target, counts, most: counted }) => {
      const told = wamrCount(counts, costs);
      return { name: `${name}, ${target}`, error: 100 * (most(told.hops) / counted - 1), known: told.known };
    });
    found.checked[`WAMR fast ${core}`] = judged(`WAMR fast ${core}`, rows);
  }
}

const kept = before();
const merged: Coefficients = {
  tools: { ...kept.tools, ...found.tools },
  native: { ...kept.native, ...found.native },
  wamrFast: { ...kept.wamrFast, ...found.wamrFast },
  calibratedWith: found.calibratedWith,
  checked: { ...kept.checked, ...found.checked },
};
writeFileSync(output, `${JSON.stringify(merged)}\n`);
pool.close();
if (!values.folder) rmSync(folder, { recursive: true, force: true });
say('host/fit/coefficients.json is written');
