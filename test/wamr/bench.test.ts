/**
 * What npm run bench:wamr measures: naive kernels give the same bytes, and instructions on Cortex-M4 in WAMR are the same in every run.
 *
 * No test asserts a time. Counts are asserted to the instruction for the compiler that they were taken with (Debian 12).
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
    // and the kernels of other builds are as they were
    assert.ok((await selfTest(await openSession((await build(quant, { target: 'native' })).wasm as BufferSource))).ok);
  });

const absent = absentTools() ?? absentTools(bareTools('m4'));
if (absent) console.log(`skipped: ${absent}`);
(absent ? test.skip : test)("Cortex-M4: outputs are this engine's, counts are the same to the instruction", async () => {
  const quant = quantPlan(planStream(tinyStream(), { hop: 12 }));
  const modules = [{ wasm: await buildNaive(quant) }, await build(quant), await build(quant, { target: 'native' })];
  for (const weights of ['linear', 'tile'] as const) modules.push(await build(quant, { weights }));
  const { counts, tools } = await countInWamr([...modules, ...modules]);
  assert.equal(counts.slice(modules.length), counts.slice(0, modules.length));
  const most = counts.slice(0, modules.length).map((count) => count.most);
  console.log(`  naive, interp, native, interp linear and tile: ${most.join(', ')} instructions; ${tools}`);
  if (/ 12\.2\.\d/.test(tools)) assert.equal(most, [467560, 341800, 341160, 341840, 347680]);
});

test.run();
