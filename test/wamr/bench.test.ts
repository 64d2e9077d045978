/**
 * Checks the measurements of npm run bench:wamr: naive kernels give the same bytes, and every run counts the
 * same instructions on Cortex-M4 in WAMR.
 *
 * No test asserts a time. Counts are compared with exact numbers for the compiler of Debian 12.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { madeUpNetwork } from '../../host/bench/networks.ts';
import { openSession, selfTest } from '../../host/session/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { bareTools, countInWamr } from './bare.ts';
import { buildNaive } from './naive.ts';
import { absentTools } from './runner.ts';

for (const name of ['N1', 'N2', 'N1P'])
  test(`${name}: naive kernels give the reference's bytes`, async () => {
    const { int8, hops } = madeUpNetwork(name);
    const quant = quantPlan(planStream(int8, { hop: hops[0] as number }));
    assert.ok((await selfTest(await openSession((await buildNaive(quant)) as BufferSource))).ok);
    // later builds have the real kernels again
    assert.ok((await selfTest(await openSession((await build(quant, { target: 'native' })).wasm as BufferSource))).ok);
  });

const absent = absentTools() ?? absentTools(bareTools('m4'));
if (absent) console.log(`skipped: ${absent}`);
(absent ? test.skip : test)("Cortex-M4: outputs equal this engine's, and counts are exact", async () => {
  // the plan with the least work may not have the fewest instructions, so both plans are counted
  const plans = [{ hop: 12, prefer: 'work' as const }, { hop: 12 }].map((at) => quantPlan(planStream(tinyStream(), at)));
  const modules: { wasm: Uint8Array }[] = [];
  for (const quant of plans) {
    modules.push({ wasm: await buildNaive(quant) }, await build(quant), await build(quant, { target: 'native' }));
    for (const weights of ['linear', 'tile'] as const) modules.push(await build(quant, { weights }));
  }
  const { counts, tools } = await countInWamr([...modules, ...modules]);
  assert.equal(counts.slice(modules.length), counts.slice(0, modules.length));
  const most = counts.slice(0, modules.length).map((count) => count.most);
  const [work, balanced] = [most.slice(0, 5), most.slice(5)];
  console.log(`  naive, interp, native, interp linear and tile: ${work.join(', ')} instructions with the least work; ${tools}`);
  console.log(`  with the default plan: ${balanced.join(', ')}`);
  if (!/ 12\.2\.\d/.test(tools)) return;
  assert.equal(work, [467560, 341800, 341160, 341840, 347680]);
  assert.equal(balanced, [489000, 208880, 198520, 208920, 217600]);
});

test.run();
