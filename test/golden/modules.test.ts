/**
 * Modules have not changed: SHA-256 of code, data and C of about 700 builds, pinned in modules.json.
 *
 * RUNLET_GOLDEN=day (CI) selects one tenth by RUNLET_SEED, so ten consecutive days cover all. `npm run
 * golden` tests all, and `npm run golden -- --write` pins the present bytes. Models of ../shared are skipped
 * if that folder is absent.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root, turnOf } from '../shared.ts';
import { builds } from './builds.ts';
import { isThere } from './models.ts';
import { type Hashes, hashesOf } from './run.ts';

const { RUNLET_GOLDEN: which = 'few' } = process.env;
const pinned = JSON.parse(readFileSync(join(root, 'test/golden/modules.json'), 'utf8')) as Hashes;
const every = { day: 10, few: 100 }[which] ?? 1;

test('modules.json has the hashes of all builds and no others', () => {
  assert.ok(builds.length >= 600);
  assert.equal(
    Object.keys(pinned),
    builds.map(({ name }) => name),
  );
});

test(`builds have the pinned bytes (one of ${every})`, async () => {
  const turn = turnOf(builds, every);
  const there = turn.filter(({ model }) => isThere(model));
  if (there.length < turn.length) console.log(`${turn.length - there.length} models of ../shared are not there`);
  const found = await hashesOf(there);
  assert.equal(found, Object.fromEntries(there.map(({ name }) => [name, pinned[name]])));
});

test.run();
