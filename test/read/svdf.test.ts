/**
 * Operators of TensorFlow Lite that keep past rows: SVDF (float and int8, rank 1 and 2) and CIRCULAR_BUFFER.
 * The reference and the module give the outputs of TensorFlow Lite Micro step by step (test/fixtures/svdf and
 * circular, make.py).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isQuantised } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { runStyles } from '../property/styles.ts';
import { root } from '../shared.ts';

const folder = join(root, 'test/fixtures');

for (const name of ['svdf/float-1', 'svdf/float-2', 'svdf/int8-1', 'svdf/int8-2', 'circular/int8'])
  test(`${name}: equals TensorFlow Lite Micro in every step`, async () => {
    const graph = readTflite(new Uint8Array(readFileSync(join(folder, `${name}.tflite`))));
    const { x, y }: Record<'x' | 'y', number[][]> = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
    assert.ok(graph.stateful, 'it carries a state');
    const plan = planStream(graph, { hop: 1 });
    if (!isQuantised(graph)) {
      const signal = floatBlocks(plan, [Float32Array.from(x.flat())]);
      const got = [...executeStream(plan, signal, floatRunner, { warmUp: true })].map(({ outputs }) => [...(outputs[0] ?? [])]);
      assert.is(got.length, y.length);
      for (const [i, row] of got.entries())
        for (const [k, v] of row.entries()) assert.ok(Math.abs(v - (y[i]?.[k] as number)) < 2e-5, `step ${i}: ${v}`);
      return;
    }
    const signal = Int8Array.from(x.flat());
    const reference = [...runSignal(quantPlan(plan), signal, { warmUp: true })].map(({ outputs }) => [...(outputs[0] ?? [])]);
    assert.equal(reference, y);
    const module: number[][] = [];
    for await (const [output] of runStyles(quantPlan(plan), signal, [1], false)) module.push([...(output ?? [])]);
    assert.equal(module, y);
  });

test('CIRCULAR_BUFFER is refused if it skips steps or has no cycles_max', () => {
  const bytes = readFileSync(join(folder, 'circular/int8.tflite'));
  const at = bytes.indexOf('cycles_max');
  const named = Buffer.from(bytes);
  named.write('cycles_mix', at, 'latin1');
  assert.throws(() => readTflite(new Uint8Array(named)), /RN110.*cycles_max/s);
  const twice = Buffer.from(bytes);
  // after the name and its zero byte: one key, its width, one value 1
  const value = bytes.indexOf(Buffer.from([1, 1, 1, 1]), at + 11);
  assert.ok(value > 0 && value < at + 24);
  twice[value + 3] = 2;
  assert.throws(() => readTflite(new Uint8Array(twice)), /RN110.*one of 2 steps/s);
});

test.run();
