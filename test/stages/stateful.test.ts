/**
 * Stateful models against TensorFlow Lite Micro's reference kernels: every byte of every run, for every
 * target and in both styles of module.
 *
 * The runs carry state from step to step (128 steps and recorded speech). The sizes of the bundle are
 * asserted, because they are reproducible.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { targets } from '../../assembly/emit/target.ts';
import { openSession } from '../../host/session/index.ts';
import { clockOf } from '../../models/graph/clock.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { parseNpy } from '../read/npy.ts';
import { runnable } from '../relaxed/dot-product.ts';
import { shared } from '../shared.ts';

const folder = shared('models', 'mww');
const check = folder ? test : test.skip;
const bytesAt = (...path: string[]) => new Uint8Array(readFileSync(join(folder as string, ...path)));
const npy = (...path: string[]) => parseNpy(bytesAt(...path));
const graphOf = (model: string) => readModel(bytesAt(model, 'model.tflite'));

for (const model of ['v2/okay_nabu', 'v2/hey_jarvis', 'v2/vad', 'v1/okay_nabu']) {
  check(`${model}: the reference and the modules equal every run`, async () => {
    const graph = await graphOf(model);
    const quant = quantPlan(planStream(graph, { hop: clockOf(graph).window }));
    const runs = readdirSync(join(folder as string, model)).flatMap((f) => /^(.*)\.in0\.npy$/.exec(f)?.[1] ?? []);
    assert.ok(runs.length >= 8);
    let outputs = 0;
    const variants = targets.flatMap((target) => (['calls', 'table'] as const).map((style) => ({ target, style })));
    for (const variant of variants) {
      const { wasm, manifest } = await build(quant, variant);
      const session = await openSession(runnable(wasm) as BufferSource);
      assert.is(manifest.warmUpHops, 0);
      const shift = manifest.outputs[0]?.hostType === 'uint8' ? 128 : 0;
      for (const run of runs) {
        const [x, want] = [npy(model, `${run}.in0.npy`), npy(model, `${run}.out0.npy`)];
        const steps = x.shape[0] as number;
        const per = x.data.length / steps;
        const reference = variant === variants[0] ? [...runSignal(quant, x.data as Int8Array)] : [];
        session.reset();
        for (let i = 0; i < steps; i++) {
          assert.ok(session.pushInt8((x.data as Int8Array).subarray(i * per, (i + 1) * per)));
          const got = [...session.outputRaw()].map((v) => v + shift);
          const expected = [...want.data.subarray(i * got.length, (i + 1) * got.length)];
          assert.equal(got, expected, `${run}, step ${i}`);
          if (reference.length > 0)
            assert.equal(
              [...(reference[i]?.outputs[0] ?? [])].map((v) => v + shift),
              expected,
            );
          outputs++;
        }
      }
    }
    console.log(`  ${model}: ${outputs} outputs of ${runs.length} runs as ${variants.length} modules equal`);
  });
}

check('okay_nabu v2 stays within its limits of file, code and memory', async () => {
  const graph = await graphOf('v2/okay_nabu');
  for (const [target, maxKiB] of [
    ['native', 36],
    ['interp', 46],
  ] as const) {
    const { file, manifest } = await build(quantPlan(planStream(graph, { hop: 3 })), { target });
    const { memoryBytes, weightBytes, tableBytes } = manifest.bytes;
    assert.ok(file.fileBytes <= maxKiB * 1024, `${file.fileBytes} bytes`);
    assert.ok(file.codeBytes <= 5 * 1024, `${file.codeBytes} bytes of code`);
    assert.ok(memoryBytes - weightBytes - tableBytes <= 6 * 1024);
    console.log(
      `  ${target}: file ${file.fileBytes}, code ${file.codeBytes}, memory ${memoryBytes}, without weights and tables ${memoryBytes - weightBytes - tableBytes}`,
    );
  }
});

check('another hop or mode is refused, and the message states the only possible hop', async () => {
  const graph = await graphOf('v2/vad');
  assert.throws(() => planStream(graph, { hop: 6 }), /RN208: hop 6 is not the model's step of 3/);
  assert.throws(() => planStream(graph, { hop: 3, mode: 'edge-exact' }), /RN208/);
});

check('a restored state continues with the same bytes', async () => {
  const quant = quantPlan(planStream(await graphOf('v2/hey_jarvis'), { hop: 3 }));
  const { wasm } = await build(quant);
  const [one, two] = [await openSession(wasm as BufferSource), await openSession(wasm as BufferSource)];
  const x = npy('v2/hey_jarvis', 'walk.in0.npy').data as Int8Array;
  for (let at = 0; at < 64 * 120; at += 120) one.pushInt8(x.subarray(at, at + 120));
  two.restore(one.snapshot());
  for (let at = 64 * 120; at < x.length; at += 120) {
    for (const s of [one, two]) assert.ok(s.pushInt8(x.subarray(at, at + 120)));
    assert.equal([...two.outputRaw()], [...one.outputRaw()]);
  }
});

test.run();
