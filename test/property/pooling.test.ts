/**
 * Networks with each kind of pooling: random ones (pooling-network.ts), and files of PyTorch's exporters. The
 * float graph is within 1e-5 of onnxruntime; the stream equals the windowed int8 model at hops 1, 2, 3 and
 * the stride, in modules of all targets. A hop's work does not depend on the window.
 *
 * Counts: RUNLET_POOLS networks per kind (default 20), seed RUNLET_SEED (default 1). A tenth are also
 * compiled as calls.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { countHops } from '../../host/fit/counts.ts';
import { executedIn } from '../../host/fit/native-count.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { noClamp } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { quantPlan } from '../../quant/plan.ts';
import { root } from '../shared.ts';
import { checkFloat, checkStream } from './pooling-check.ts';
import { type HeadName, heads, poolingNetwork } from './pooling-network.ts';

const runs = Number(process.env.RUNLET_POOLS ?? 20);
const seed = Number(process.env.RUNLET_SEED ?? 1);

for (const [kind, name] of (Object.keys(heads) as HeadName[]).entries())
  test(`${name} (${runs} networks, seed ${seed})`, async () => {
    let outputs = 0;
    for (let i = 0; i < runs; i++) {
      const own = (seed * 10 + kind) * 100_003 + i;
      const { model, stride } = poolingNetwork(name, own);
      const bytes = writeModel(model);
      const graph = readOnnx(bytes);
      await checkFloat(bytes, graph, own);
      for (const hop of new Set([1, 2, 3, stride])) outputs += await checkStream(graph, hop, own, i % 10 === 9);
    }
    console.log(`  ${outputs} outputs equal`);
    assert.ok(outputs > 10 * runs);
  });

const folder = join(root, 'test/fixtures/pooling');
for (const file of readdirSync(folder).filter((one) => one.endsWith('.onnx')))
  test(`PyTorch, ${file}`, async () => {
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    const graph = readOnnx(bytes);
    assert.is(
      graph.nodes.some(({ op }) => op === 'gem'),
      file.includes('gem'),
    );
    for (let one = 1; one <= 5; one++) await checkFloat(bytes, graph, one);
    let outputs = 0;
    for (const hop of [1, 2, 3]) outputs += await checkStream(graph, hop, 9, true);
    assert.ok(outputs > 60, `${outputs} outputs`);
  });

/** Returns the executed instructions of a hop, as a mean over hops. */
async function workOf(powers: number[], rows: number): Promise<number> {
  const b = new GraphBuilder('gem');
  const quant = { scale: 0.02, zeroPoint: -128 };
  const x = b.input('x', { t: rows, f: 1, c: powers.length }, { quant, hostType: 'int8' });
  const positive = b.node('activation', [x], { fn: 'abs', clamp: noClamp }, 'positive', quant);
  const attrs = { overF: false, clamp: noClamp, powers: Float32Array.from(powers) };
  b.output(b.node('gem', [positive], attrs, 'gem', quant), 'y');
  const plan = quantPlan(planStream(b.build(), { hop: 1, mode: 'stream' }));
  const counts = await countHops(await build(plan, { target: 'interp' }));
  const hops = executedIn(counts, counts.hops);
  return hops.reduce((sum, { narrow, wide }) => sum + narrow + wide, 0) / hops.length;
}

test('a generalised mean over 1,000 rows costs a hop what it costs over 100', async () => {
  for (const powers of [
    [3, 3, 3, 3],
    [1.5, 1.5, 4, 4],
  ]) {
    const [short, long] = [await workOf(powers, 100), await workOf(powers, 1000)];
    console.log(`  ${short} and ${long} instructions`);
    assert.ok(long <= 1.05 * short, `${long} against ${short}`);
  }
});

test.run();
