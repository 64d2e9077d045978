/**
 * Mutated state patterns are refused or computed correctly, never silently wrong. RUNLET_STATEFUL_FILES
 * mutations (150), RUNLET_FUZZ_SEED (1); RUNLET_STATEFUL_BUILDS of them are also compiled (4).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { shared } from '../shared.ts';
import { fuzzStateful, realBases } from './stateful.ts';

const count = Number(process.env.RUNLET_STATEFUL_FILES ?? 150);
const seed = Number(process.env.RUNLET_FUZZ_SEED ?? 1);
const compiles = Math.min(60, Number(process.env.RUNLET_STATEFUL_BUILDS ?? 4));

test(`${count} mutations of streaming models are refused or computed correctly, seed ${seed}`, async () => {
  const result = await fuzzStateful({ count, seed, compiles, others: realBases(shared('models', 'mww')) });
  console.log(`  ${JSON.stringify(result.counts)}, ${result.compiled} outputs of modules`);
  if (count > 1000) console.log(JSON.stringify(result.byMutation));
  for (const line of result.failures) console.log(`  ${line}`);
  const { refused, equal, different, accepted, unjudged } = result.counts;
  assert.is(refused + equal + different + accepted + unjudged, count);
  assert.is(different, 0, 'silently wrong');
  assert.is(result.modulesDifferent, 0, 'modules that differ from their reference');
  assert.ok(refused > 0 && equal > 0 && result.compiled > 0, 'some files are refused, some are equal, and some are compiled');
  assert.ok(accepted + unjudged <= count / 50, 'few files without a defined result are accepted');
});

test.run();
