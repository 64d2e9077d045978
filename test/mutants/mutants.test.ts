/**
 * Seeded faults: each must make one of its tests fail (test/mutants/run.ts).
 *
 * The table is always checked: each text occurs exactly once, each test exists, each folder has faults.
 * RUNLET_MUTANTS=day (CI) runs those that RUNLET_SEED chooses; sixty consecutive days cover all.
 * RUNLET_MUTANTS=all (`npm run soak -- mutants`) runs all, and each test once without a fault.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';
import { all } from './all.ts';
import { countOf, dayOf } from './mutant.ts';
import { byFolder, lineOf, runMutants, runUnchanged } from './run.ts';

const { RUNLET_MUTANTS: which = 'none' } = process.env;
const seed = Number(process.env.RUNLET_SEED ?? 1);

/** Folders of the product that have faults. */
const folders = [
  ...['models/read', 'models/graph', 'models/ops', 'models/stream', 'models/report', 'models/frontend', 'models/write'],
  ...['quant', 'quant/ops', 'quant/observers', 'quant/calibration', 'quant/methods', 'quant/evaluate', 'quant/frontend'],
  ...['assembly/bundle', 'assembly/emit', 'assembly/runtime', 'assembly/kernels', 'assembly/c'],
  ...[
    'host/session',
    'host/sources',
    'host/report',
    'host/fit',
    'host/features',
    'host/flash',
    'host/mcu',
    'host/web',
    'host/cli',
    'host/command',
  ],
  ...['cluster', 'http', 'streams', 'worker', 'hub', 'store', 'fleet', 'mqtt', 'verify'].map((part) => `host/gateway/${part}`),
];

test('every fault can be put in, and names existing tests', () => {
  const wrong: string[] = [];
  for (const { id, file, find, replace, tests } of all) {
    const times = countOf(readFileSync(join(root, file), 'utf8'), find);
    if (times !== 1) wrong.push(`${id}: its text is ${times} times in ${file}`);
    if (find === replace) wrong.push(`${id}: it changes nothing`);
    for (const name of tests) if (!existsSync(join(root, name))) wrong.push(`${id}: there is no ${name}`);
  }
  assert.equal(wrong, []);
  assert.is(new Set(all.map(({ id }) => id)).size, all.length, 'names differ');
});

test('there are at least 150 faults, some in every folder, and sixty days cover all', () => {
  assert.ok(all.length >= 150, `${all.length}`);
  for (const folder of folders)
    assert.ok(
      all.some(({ file }) => file.startsWith(`${folder}/`)),
      folder,
    );
  const days = Array.from({ length: 60 }, (_, day) => dayOf(all, 20261101 + day)).flat();
  assert.is(days.length, all.length);
  assert.is(new Set(days).size, all.length);
});

const wanted = which === 'all' ? all : which === 'day' ? dayOf(all, seed) : [];
if (wanted.length === 0) console.log('skipped: seeded faults run where RUNLET_MUTANTS is day or all: npm run soak -- mutants');
else
  test(`the tests notice ${wanted.length} of ${all.length} seeded faults (seed ${seed})`, async () => {
    const wrong = which === 'all' ? await runUnchanged(wanted) : [];
    const results = await runMutants(wanted, (result) => console.log(`  ${lineOf(result)}`));
    for (const line of byFolder(results)) console.log(`  ${line}`);
    const lives = results.filter(({ killed }) => !killed).map(({ mutant, why }) => `${mutant.file} ${mutant.id}: ${why}`);
    assert.equal([...wrong, ...lives], []);
  });

test.run();
