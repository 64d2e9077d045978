/** The benchmark's ONNX files: onnxruntime gives our executors' outputs, so the timed network is the same. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BenchNetwork, benchNetworks, madeUpNetwork } from '../../host/bench/networks.ts';
import type { Graph, QuantParams, Tensor } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { onnxInput, onnxOf } from '../bench/onnx-of.ts';
import { runFloat } from '../graph/run-float.ts';
import { loadRuntime } from '../read/onnx-oracle.ts';
import { exactSums } from '../write/qdq.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('skipped: onnxruntime-web does not load here (npm ci, with development dependencies)');

async function answer(graph: Graph, window: Float32Array): Promise<Float32Array> {
  const session = await runtime?.InferenceSession.create(onnxOf(graph), { logSeverityLevel: 3, extra: exactSums });
  const { data, dims } = onnxInput(graph, window);
  const x = runtime && new runtime.Tensor('float32', data, dims);
  const out = await session?.run({ x: x as never });
  return out?.[session?.outputNames[0] ?? '']?.data as Float32Array;
}

for (const name of runtime ? Object.keys(benchNetworks) : []) {
  test(`${name}: float equals the float executor, and int8 is within a few steps of the integer reference`, async () => {
    const { graph } = (benchNetworks[name] as () => BenchNetwork)();
    const { int8, window } = madeUpNetwork(name);
    const exact = runFloat(graph, [window])[graph.outputs[0]?.tensor ?? -1] as Float32Array;
    const float = await answer(graph, window);
    for (const [i, v] of exact.entries()) assert.ok(Math.abs(v - (float[i] as number)) < 1e-4 * (1 + Math.abs(v)), `output ${i}`);
    const [stored] = quantiseSignals(int8, [window]) as [Int8Array];
    const { outputs } = runWindow(quantPlan(planStream(int8, { hop: graph.tensors[0]?.shape.t ?? 1, mode: 'windowed' })), stored);
    const { scale, zeroPoint } = (int8.tensors[int8.outputs[0]?.tensor ?? -1] as Tensor).quant as QuantParams;
    const got = await answer(int8, window);
    // onnxruntime rounds once where TensorFlow Lite rounds twice, so single steps add up. D9 has eight layers
    // that amplify them in few of 3,072 outputs. Noise hardly moves f_EEG and f_ACC, so their steps are
    // small.
    const tolerance = (name === 'D9' ? 8.01 : name.startsWith('f_') ? 6.01 : 3.01) * scale;
    for (const [i, v] of outputs[0]?.entries() ?? [])
      assert.ok(Math.abs((v - zeroPoint) * scale - (got[i] as number)) <= tolerance, `output ${i}`);
  });
}

test.run();
