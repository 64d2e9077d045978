/**
 * Networks with each kind of pooling: random ones (pooling-network.ts), and files of PyTorch's exporters. The
 * float graph is within 1e-5 of onnxruntime; the stream equals the windowed int8 model at hops 1, 2, 3 and
 * the stride, in modules of all targets.
 *
 * Counts: RUNLET_POOLS networks per kind (default 20), seed RUNLET_SEED (default 1). A tenth are also
 * compiled as calls.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
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

test('a mean over features that is added to all of them streams', () => {
  const graph = readOnnx(new Uint8Array(readFileSync(join(folder, 'broadcast.onnx'))));
  const { steps, mode } = planStream(graph, { hop: 1 });
  assert.is(mode, 'stream');
  const whole = steps.filter(({ section, kind }) => section === 'head' && kind === 'run');
  assert.equal(
    whole.map(({ node }) => node.op),
    ['dense'],
  );
});

test.run();
