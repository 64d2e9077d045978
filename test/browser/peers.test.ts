/**
 * Engines for browsers beside Runlet, in one page: they answer as Runlet does, to a step or two, and every
 * one gets its turns.
 *
 * Skipped where Chromium or the peers' packages are missing. Times are asserted nowhere.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChromiumRun, whyNot } from '../bench/chromium.ts';
import { networkInChromium, stepInChromium } from '../bench/chromium-jobs.ts';
import { shared } from '../shared.ts';

const missing = whyNot();
if (missing) console.log(`skipped: ${missing}`);
const nabu = shared('models', 'mww', 'v2', 'okay_nabu');

function check({ rows, absent, engine }: ChromiumRun, names: RegExp[], most: number): void {
  assert.equal(absent, []);
  assert.is(rows.length, names.length);
  for (const [i, name] of names.entries()) {
    const row = rows[i] as (typeof rows)[number];
    assert.match(row.name, name);
    assert.ok(row.p5Us > 0 && row.p5Us <= row.medianUs && row.medianUs <= row.p95Us && row.startMs > 0, row.name);
    assert.ok(row.steps <= (row.name.startsWith('Runlet') ? 0 : most), `${row.name}: ${row.steps} steps`);
  }
  console.log(`  ${engine}: ${rows.map((r) => `${r.name} ${r.steps} steps off`).join('; ')}`);
}

(missing ? test.skip : test)('N2: LiteRT.js and tfjs-tflite are within 2 steps of Runlet', async () => {
  const names = [/a hop$/, /the window$/, /LiteRT.*relaxed SIMD$/, /LiteRT.*alone$/, /LiteRT.*compatible$/, /^tfjs-tflite/];
  check(await networkInChromium('N2', 2, 2), names, 2);
});

// one step of its int8 logit is up to ten of the probability's 256
(missing || !nabu ? test.skip : test)("okay_nabu: tfjs-tflite hears Runlet's probabilities", async () => {
  check(await stepInChromium(nabu as string, 2), [/a step$/, /^tfjs-tflite/], 10);
});

test.run();
