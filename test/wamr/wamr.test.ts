/**
 * Real WAMR, its fast interpreter: every bundle's golden frames give the bytes of Node and of the integer
 * reference, and its memory is as small as the module says.
 */

import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { isInt16 } from '../../assembly/bundle/manifest.ts';
import type { Target } from '../../assembly/emit/target.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { widen } from '../property/widen.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { sharedSubjects, zooSubjects } from './models.ts';
import { absentTools, runInWamr } from './runner.ts';
import { hopsOf, signalOf } from './signal.ts';

const absent = absentTools();
if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;

/** Modules whose linear memory is less than one page of WebAssembly. */
const belowPage = ['mww/v2/okay_nabu interp', 'mww/v2/vad interp', 'mlperf-tiny/str_ww_ref_model native'];

for (const { name, open } of absent ? [] : [...zooSubjects, ...sharedSubjects()]) {
  test(`${name}: the golden's bytes, interp and native`, async () => {
    const make = await open();
    for (const target of ['interp', 'native'] as Target[]) {
      const bundle = await make(target);
      const { manifest } = bundle;
      const { frames, outputs } = await signalOf(bundle);
      const { bytes, hops, linearBytes, poolBytes } = await runInWamr(bundle, frames);
      assert.is(hops, hopsOf(manifest));
      const differing = bytes.reduce((sum, byte, i) => sum + Number(byte !== outputs[i]), 0);
      assert.is(differing, 0, `${target}: bytes that differ`);
      assert.is(bytes.length, outputs.length);
      const golden = bytes.subarray(
        0,
        manifest.golden.outputs * manifest.outputs.reduce((sum, { elements }) => sum + elements, 0),
      );
      assert.is(createHash('sha256').update(golden).digest('hex'), manifest.golden.digest, 'the reference');
      // 16 bytes before the used memory and 8 of stack after it, and no padding to a page
      assert.ok(linearBytes <= manifest.bytes.memoryBytes + 24 && linearBytes >= manifest.bytes.memoryBytes, `${linearBytes}`);
      if (belowPage.includes(`${name} ${target}`)) assert.ok(linearBytes < 65536, `${linearBytes}`);
      if (name === 'mww/v2/okay_nabu') assert.ok(poolBytes <= 24 * 1024, `${poolBytes}`);
      console.log(`  ${name}, ${target}: ${bytes.length} bytes; linear memory ${linearBytes}, pool ${poolBytes}`);
    }
  });
}

only('activations, an input and an output of int16 give the bytes of Node and the reference, from every home', async () => {
  const graph = widen(tinyStream(), () => 0, 1);
  const quant = quantPlan(planStream(graph, { hop: 12 }));
  for (const [target, weights] of [
    ['interp', 'embed'],
    ['native', 'embed'],
    ['interp', 'linear'],
    ['native', 'tile'],
  ] as const) {
    const bundle = await build(quant, { target, weights });
    assert.ok([bundle.manifest.inputs[0], bundle.manifest.outputs[0]].every((port) => port && isInt16(port)));
    const { frames, outputs } = await signalOf(bundle);
    const { bytes } = await runInWamr(bundle, frames);
    assert.is(bytes.length, outputs.length);
    assert.is(
      bytes.reduce((sum, byte, i) => sum + Number(byte !== outputs[i]), 0),
      0,
      `${target} ${weights}: number of different bytes`,
    );
  }
});

only('a module is far smaller than one page', async () => {
  const bundle = await build(quantPlan(planStream(tinyStream(), { hop: 12 })));
  const { frames } = await signalOf(bundle);
  assert.ok((await runInWamr(bundle, frames)).linearBytes < 4096);
});

only('WAMR refuses a file that is no module, and a module with SIMD', async () => {
  const { wasm } = await build(quantPlan(planStream(tinyStream(), { hop: 12 })), { target: 'simd' });
  for (const [bytes, why] of [
    [Uint8Array.of(0, 97, 115, 109), /unexpected end|magic|version/],
    [wasm, /type|opcode|v128|simd/i],
  ] as const) {
    try {
      await runInWamr({ wasm: bytes }, new Uint8Array());
      assert.unreachable();
    } catch (error) {
      assert.match(String((error as { stderr?: string }).stderr), why);
    }
  }
});

test.run();
