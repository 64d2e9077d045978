/** The benchmark's TensorFlow Lite files: read again, they are the same network to the byte. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchNetworks, madeUpNetwork } from '../../host/bench/networks.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { tfliteOf } from '../bench/tflite-of.ts';

function outputs(graph: Graph, window: Float32Array): number[] {
  const [stored] = quantiseSignals(graph, [window]) as [Int8Array];
  const hop = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape.t ?? 1;
  return Array.from(runWindow(quantPlan(planStream(graph, { hop, mode: 'windowed' })), stored).outputs[0] ?? []);
}

for (const name of Object.keys(benchNetworks))
  test(`${name}: the file has the network's outputs, byte for byte`, async () => {
    const { int8, window } = madeUpNetwork(name);
    const again = await readModel(tfliteOf(int8));
    assert.is(again.inputs[0]?.hostType, 'float32');
    const expected = outputs(int8, window);
    assert.ok(expected.length > 0);
    assert.equal(outputs(again, window), expected);
  });

test('a network that TensorFlow Lite or the writer does not support is refused', () => {
  const { int8 } = madeUpNetwork('N1');
  const changed = (change: (graph: Graph) => void) => {
    const graph = structuredClone(int8);
    change(graph);
    return () => tfliteOf(graph);
  };
  const first = (graph: Graph) => graph.nodes[0]?.attrs as unknown as { clamp: number[]; padT: number[] };
  assert.throws(
    changed((g) => (first(g).clamp = [0, 6])),
    /activation/,
  );
  assert.throws(
    changed((g) => (first(g).padT = [4, 0])),
    /padding/,
  );
  assert.throws(
    changed((g) => ((g.nodes[0] as { op: string }).op = 'softmax')),
    /softmax/,
  );
});

test.run();
