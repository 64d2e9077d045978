/**
 * Modules are what they were: SHA-256 of code, data and C of some 700 builds, pinned in modules.json.
 *
 * RUNLET_GOLDEN=day (CI) takes the tenth that RUNLET_SEED picks, and ten days in a row have all; `npm run
 * golden` takes all, and `npm run golden -- --write` pins what there is now. Models of ../shared are left out
 * where it is not there.
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

test('every build is pinned, and nothing else', () => {
  assert.ok(builds.length >= 600);
  assert.equal(
    Object.keys(pinned),
    builds.map(({ name }) => name),
  );
});

test(`builds have the bytes that are pinned (one of ${every})`, async () => {
  const turn = turnOf(builds, every);
  const there = turn.filter(({ model }) => isThere(model));
  if (there.length < turn.length) console.log(`${turn.length - there.length} models of ../shared are not there`);
  const found = await hashesOf(there);
  assert.equal(found, Object.fromEntries(there.map(({ name }) => [name, pinned[name]])));
});

test.run();
