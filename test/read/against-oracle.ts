/**
 * Tests small ONNX models: the float graph against onnxruntime, the streamed integers against the windowed
 * model.
 *
 * In: models by name, and the reader's options.  Out: one test for each model.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph, Port } from '../../models/graph/types.ts';
import type { ReadOptions } from '../../models/read/index.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type ModelOf, writeModel } from '../../models/write/onnx/proto.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runWindow } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { differing } from '../property/harness.ts';
import { runStyles } from '../property/styles.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError, seededNormal } from './onnx-oracle.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

/** Largest error, relative to the largest output. It allows for the rounding of float32. */
const tolerance = 2e-5;

export function testAgainstOracle(
  models: Record<string, ModelOf>,
  optionsOf: (model: ModelOf) => ReadOptions = () => ({}),
): void {
  for (const [name, one] of Object.entries(models))
    test(name, async () => {
      const bytes = writeModel(one);
      const graph = readOnnx(bytes, optionsOf(one));
      const inputs = randomInputs(graph, 5);
      if (runtime) {
        const wanted = await oracle(runtime, bytes, graph, inputs);
        for (const [i, own] of ownOutputs(graph, inputs).entries()) {
          const apart = relativeError(own, wanted[i] as Float32Array);
          assert.ok(apart < tolerance, `${apart} of the largest output`);
        }
      }
      await checkStreamed(graph);
    });
}

/** Quantises a float graph and checks that its stream equals the windowed model in every style. */
export async function checkStreamed(graph: Graph): Promise<void> {
  const [port] = graph.inputs;
  if (!port) throw new Error('no input');
  const signal = longer(graph, port);
  for (const hop of [1, 3]) {
    const { graph: int8 } = quantize(graph, [signal], { hop, mode: 'edge-exact', preset: 'fast', noReport: true });
    const quant = quantPlan(planStream(int8, { hop, mode: 'edge-exact' }));
    const stored = quantiseSignals(int8, [signal]);
    const width = (int8.tensors[port.tensor]?.shape.f ?? 1) * (int8.tensors[port.tensor]?.shape.c ?? 1);
    let n = 0;
    for await (const got of runStyles(quant, stored, [hop], false)) {
      const window = stored.map((s) => s.slice(n * hop * width, (n * hop + quant.plan.window) * width));
      assert.is(differing(runWindow(quant, window).outputs, got), 0, `hop ${hop}, output ${n}`);
      n++;
    }
    assert.ok(n > 3);
  }
}

/** Returns a random signal of four windows. */
function longer(graph: Graph, port: Port): Float32Array {
  const draw = seededNormal(9);
  const { t, f, c } = graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 };
  return Float32Array.from({ length: 4 * t * f * c }, draw);
}
