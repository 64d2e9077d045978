/**
 * `npm run fit:calibrate`: fits the coefficients of `runlet fit`, and measures the errors of its estimates on
 * held-out networks.
 *
 * In: wasm2c, gcc for rv32imc and Cortex-M, QEMU, cargo (test/wamr).  Out: host/fit/coefficients.json.
 * Compiled code: two coefficients per core are fitted to random networks, for both targets together. The
 * spread is measured on the benchmark's networks, the zoo, third-party models and networks with other seeds.
 * `--folder DIR` keeps results, so that an interrupted run continues; `--jobs N`: number of processes,
 * default one per core of this machine; `--native` or `--wamr` selects one half, `--core` one core.  Cost:
 * half an hour on two cores, without WAMR.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Target } from '../assembly/emit/target.ts';
import type { Counted } from '../host/bench/count.ts';
import type { Checked, Coefficients, CountedCore, NativeCosts } from '../host/fit/coefficients.ts';
import { countHops } from '../host/fit/counts.ts';
import { type Executed, nativeCount } from '../host/fit/native-count.ts';
import { wamrCount } from '../host/fit/wamr-count.ts';
import { maxOf } from '../models/lists.ts';
import type { WamrCount } from '../test/wamr/bare.ts';
import { fittedTo, heldOut, known, ofOthers, seedsOf } from './fit/corpus.ts';
import { type CountedModule, fitWamr } from './fit/fit-wamr.ts';
import { nonNegative } from './fit/least-squares.ts';
import { Pool } from './fit/pool.ts';

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    core: { type: 'string' },
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

interface Built {
  name: string;
  target: Target;
  file: string;
  executed: Executed[];
}

const all = async <T>(tasks: Promise<T | undefined>[]): Promise<T[]> =>
  (await Promise.all(tasks)).filter((t) => t !== undefined) as T[];

/** Returns the mean number of WebAssembly instructions per hop. */
const meanOf = (executed: readonly Executed[]): Executed => ({
  narrow: executed.reduce((sum, { narrow }) => sum + narrow, 0) / executed.length,
  wide: executed.reduce((sum, { wide }) => sum + wide, 0) / executed.length,
});

/** Builds modules for both targets. Drops those with `largest` or more WebAssembly instructions per hop. */
async function built(names: readonly string[], largest: number): Promise<Built[]> {
  const modules = names.flatMap((name) => (['native', 'interp'] as const).map((target) => ({ name, target })));
  const made = await all(
    modules.map(async ({ name, target }) => {
      const file = join(folder, `${name.replace(/[^A-Za-z0-9]+/g, '-')}-${target}.wasm`);
      const executed = await pool.run<Executed[]>({ kind: 'build', name, target, file });
      return executed && { name, target, file, executed };
    }),
  );
  return made.filter(({ executed }) => meanOf(executed).narrow + meanOf(executed).wide < largest);
}

interface CountedBuilt extends Built {
  counted: Counted;
}

const counted = (models: readonly Built[], core: CountedCore): Promise<CountedBuilt[]> =>
  all(
    models.map(async (model) => {
      const found = await pool.run<Counted>({ kind: 'count', file: model.file, core });
      return found && { ...model, counted: found };
    }),
  );

/** Fits by least squares of relative errors, so that small and large networks have the same weight. */
function fitNative(models: readonly CountedBuilt[]): Pick<NativeCosts, 'narrow' | 'wide'> {
  const rows = models.map((model) => {
    const { narrow, wide } = meanOf(model.executed);
    return [narrow / model.counted.mean, wide / model.counted.mean];
  });
  const [narrow = 0, wide = 0] = nonNegative(
    rows,
    rows.map(() => 1),
  );
  return { narrow: Number(narrow.toPrecision(3)), wide: Number(wide.toPrecision(3)) };
}

/** Returns QEMU's count of the most expensive hop over its estimate, in ascending order. */
const ratiosOf = (models: readonly CountedBuilt[], costs: Pick<NativeCosts, 'narrow' | 'wide'>) =>
  models
    .map(({ name, target, executed, counted: { most } }) => ({
      name: `${name}, ${target}`,
      ratio: most / maxOf(nativeCount(executed, costs)),
    }))
    .sort((a, b) => a.ratio - b.ratio);

function judgeNative(core: CountedCore, what: string, ratios: ReturnType<typeof ratiosOf>): void {
  const percent = (ratio?: number) => `${(100 * ((ratio ?? 1) - 1)).toFixed(0)} %`;
  const at = (share: number) => percent(ratios[Math.floor(share * (ratios.length - 1))]?.ratio);
  const ends = [ratios[0], ratios.at(-1)].map((end) => `${percent(end?.ratio)} (${end?.name})`);
  const mean = ratios.reduce((sum, { ratio }) => sum + Math.abs(ratio - 1), 0) / ratios.length;
  say(
    `native ${core}, ${what}: ${ratios.length} modules, ${ends.join(' to ')}, four of five ${at(0.1)} to ${at(0.9)}, mean ${(100 * mean).toFixed(1)} %`,
  );
}

async function calibrateNative(): Promise<Partial<Coefficients>> {
  // a count in QEMU runs 17 hops, which takes seconds
  const largest = 2e7;
  const train = await built(fittedTo, largest);
  const check = await built(heldOut(), largest);
  say(`${train.length} modules to fit, ${check.length} to check`);
  const native: Partial<Coefficients['native']> = {};
  const tools: Coefficients['tools'] = {};
  for (const core of cores) {
    const fitted = await counted(train, core);
    const costs = fitNative(fitted);
    const ratios = ratiosOf(await counted(check, core), costs);
    judgeNative(core, 'fitted to', ratiosOf(fitted, costs));
    judgeNative(core, 'held out', ratios);
    for (const target of ['native', 'interp'])
      judgeNative(core, `held out, ${target}`, ratios.filter(({ name }) => name.endsWith(target))); // biome-ignore format: one line
    const end = (ratio = 1) => Number(ratio.toFixed(3));
    const spread = { modules: ratios.length, low: end(ratios[0]?.ratio), high: end(ratios.at(-1)?.ratio) };
    native[core] = { ...costs, fittedTo: fitted.length, spread };
    tools[core] = fitted[0]?.counted.tools ?? '';
  }
  return { native: native as Coefficients['native'], tools };
}

async function inWamr(models: readonly Built[], core: CountedCore): Promise<(CountedModule & Built)[]> {
  const size = 12;
  const batches = Array.from({ length: Math.ceil(models.length / size) }, (_, i) => models.slice(size * i, size * (i + 1)));
  const modules = await Promise.all(
    batches.map(async (batch) => {
      const result = await pool.run<{ counts: WamrCount[] }>({ kind: 'wamr', files: batch.map((m) => m.file), core });
      return Promise.all(
        (result ? batch : []).map(async (m, i) => ({
          ...m,
          counts: await countHops({ wasm: new Uint8Array(readFileSync(m.file)), weights: undefined }),
          most: result?.counts[i]?.most ?? 0,
        })),
      );
    }),
  );
  say(`WAMR ${core}: ${modules.flat().length} models counted`);
  return modules.flat();
}

function judgeWamr(core: CountedCore, rows: { name: string; error: number }[]): Checked {
  const worst = rows.reduce((a, b) => (Math.abs(b.error) > Math.abs(a.error) ? b : a), { name: '', error: 0 });
  const mean = rows.reduce((sum, { error }) => sum + Math.abs(error), 0) / (rows.length || 1);
  const within = rows.filter(({ error }) => Math.abs(error) <= 2).length;
  say(
    `WAMR ${core}: ${rows.length} models held out, ${within} within 2 %, mean ${mean.toFixed(2)} %, largest ${worst.error.toFixed(2)} % (${worst.name})`,
  );
  return { models: rows.length, within, worst: Number(worst.error.toFixed(2)), worstModel: worst.name };
}

async function calibrateWamr(): Promise<Partial<Coefficients>> {
  // larger modules take too long with WAMR in QEMU
  const largest = 300_000;
  const train = await built([...known, ...fittedTo], largest);
  const check = await built([...ofOthers(), ...seedsOf('made', 5001, 16)], largest);
  const wamrFast: Partial<Coefficients['wamrFast']> = {};
  const checked: Partial<Coefficients['checked']> = {};
  for (const core of cores) {
    const costs = fitWamr(await inWamr(train, core));
    wamrFast[core] = costs;
    const rows = (await inWamr(check, core)).map(({ name, target, counts, most }) => ({
      name: `${name}, ${target}`,
      error: 100 * (maxOf(wamrCount(counts, costs).hops) / most - 1),
    }));
    checked[core] = judgeWamr(core, rows);
  }
  return { wamrFast: wamrFast as Coefficients['wamrFast'], checked: checked as Coefficients['checked'] };
}

// a half or a core that is not measured keeps its coefficients
const kept = JSON.parse(readFileSync(output, 'utf8')) as Coefficients;
for (const half of [
  ...(both || values.native ? [await calibrateNative()] : []),
  ...(both || values.wamr ? [await calibrateWamr()] : []),
])
  for (const [name, of] of Object.entries(half)) Object.assign(kept[name as keyof Coefficients], of);
writeFileSync(output, `${JSON.stringify(kept)}\n`);
pool.close();
if (!values.folder) rmSync(folder, { recursive: true, force: true });
say('host/fit/coefficients.json is written');
