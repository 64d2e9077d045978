/**
 * The front end's module in headless Chromium gives the reference's rows, for made-up signals and recordings,
 * and passes its self-test there.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetNames, presetParameters } from '../../models/frontend/presets.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { differing, madeSignals, wavSamples } from '../frontend/signals.ts';
import { shared } from '../shared.ts';
import { chromiumPath, runInChromium } from './page.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;

only("in Chromium every preset gives the reference's rows for made-up signals, and one for recordings", async () => {
  const audio = shared('audio');
  const recordings = audio
    ? readdirSync(audio)
        .filter((f) => f.endsWith('.wav'))
        .map((f) => wavSamples(join(audio, f)))
    : [];
  for (const name of presetNames) {
    const frontEnd = makeFrontEnd(presetParameters(name));
    const signals = [...Object.values(madeSignals()), ...(name === 'microwakeword' ? recordings : [])];
    const { runs, selfTest, userAgent } = await runInChromium(
      (await buildFrontEnd(frontEnd)).wasm,
      signals.map((frames) => ({ frames })),
    );
    assert.ok(selfTest, name);
    let rows = 0;
    for (const [i, signal] of signals.entries()) {
      const { outputs } = runs[i] as (typeof runs)[0];
      assert.is(differing(outputs.flat(), featureRows(frontEnd, signal)), 0, `${name}, signal ${i}`);
      rows += outputs.length;
    }
    console.log(`  ${name}: ${rows} rows, 0 differing bytes in ${/Chrome\/[\d.]+/.exec(userAgent)?.[0]}`);
  }
});

test.run();
