/**
 * Other engines for browsers in one page with Runlet: their outputs differ from Runlet's by a few steps at
 * most, and each engine gets its turns.
 *
 * Skipped if Chromium or the peers' packages are missing. No test asserts a time.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChromiumRun, whyNot } from '../bench/chromium.ts';
import { networkInChromium, stepInChromium } from '../bench/chromium-jobs.ts';
import { shared } from '../shared.ts';

const missing = whyNot();
if (missing) console.log(`skipped: ${missing}`);
const nabu = shared('models', 'mww', 'v2', 'okay_nabu');

function check({ rows, absent, engine }: ChromiumRun, names: RegExp[], maxSteps: number): void {
  assert.equal(absent, []);
  assert.is(rows.length, names.length);
  for (const [i, name] of names.entries()) {
    const row = rows[i] as (typeof rows)[number];
    assert.match(row.name, name);
    assert.ok(row.p5Us > 0 && row.p5Us <= row.medianUs && row.medianUs <= row.p95Us && row.startMs > 0, row.name);
    assert.ok(row.steps <= (row.name.startsWith('Runlet') ? 0 : maxSteps), `${row.name}: ${row.steps} steps`);
  }
  console.log(`  ${engine}: ${rows.map((r) => `${r.name} ${r.steps} steps off`).join('; ')}`);
}

(missing ? test.skip : test)('N2: LiteRT.js and tfjs-tflite are within 2 steps of Runlet', async () => {
  const names = [/a hop$/, /the window$/, /LiteRT.*relaxed SIMD$/, /LiteRT.*alone$/, /LiteRT.*compatible$/, /^tfjs-tflite/];
  check(await networkInChromium('N2', 2, 2), names, 2);
});

// one step of its int8 logit is up to ten steps of the probability, which has 256
(missing || !nabu ? test.skip : test)("okay_nabu: tfjs-tflite gives Runlet's probabilities", async () => {
  check(await stepInChromium(nabu as string, 2), [/a step$/, /^tfjs-tflite/], 10);
});

test.run();
