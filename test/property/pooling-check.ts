/**
 * Checks of a float graph that ends in a pooling.
 *
 * In: the file's bytes and its graph.  Out: the error against onnxruntime; the number of streamed outputs,
 * each of which equals the windowed int8 model.
 */
import * as assert from 'uvu/assert';
import { elementsOf, frameOf, type Graph, type Ints } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runWindow } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError, seededNormal } from '../read/onnx-oracle.ts';
import { differing } from './harness.ts';
import { runStyles } from './styles.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

/** Largest error, relative to the largest output. */
const tolerance = 1e-5;

export async function checkFloat(bytes: Uint8Array, graph: Graph, seed: number): Promise<void> {
  if (!runtime) return;
  const inputs = randomInputs(graph, seed);
  const wanted = await oracle(runtime, bytes, graph, inputs);
  for (const [k, values] of ownOutputs(graph, inputs).entries()) {
    const apart = relativeError(values, wanted[k] as Float32Array);
    assert.ok(apart < tolerance, `seed ${seed}: ${apart} of the largest output`);
  }
}

const shapeOf = (graph: Graph) => graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 };

/** Quantises with a random signal, and plans in the default mode if that is exact, else in edge-exact. */
export function plannedPooling(graph: Graph, hop: number, seed: number): { quant: QuantPlan; stored: Ints[] } {
  const shape = shapeOf(graph);
  const signal = Float32Array.from({ length: 2 * elementsOf(shape) + 6 * hop * frameOf(shape) }, seededNormal(seed));
  const { graph: int8 } = quantize(graph, [signal], { hop, preset: 'fast', noReport: true, mode: 'edge-exact' });
  const chosen = planStream(int8, { hop });
  const exact = chosen.steps.every((step) => step.exact);
  const quant = quantPlan(exact ? chosen : planStream(int8, { hop, mode: 'edge-exact' }));
  return { quant, stored: quantiseSignals(int8, [signal]) };
}

/** Streams a random signal. @param both also as compiled calls */
export async function checkStream(graph: Graph, hop: number, seed: number, both: boolean): Promise<number> {
  const { quant, stored } = plannedPooling(graph, hop, seed);
  return compareStream(quant, stored, both, `seed ${seed}, hop ${hop}`);
}

/** Streams stored values and compares every output with the windowed model. Returns the number of outputs. */
export async function compareStream(quant: QuantPlan, stored: Ints[], both: boolean, what: string): Promise<number> {
  const { graph, hop } = quant.plan;
  const shape = shapeOf(graph);
  let n = 0;
  for await (const got of runStyles(quant, stored, [hop], both)) {
    const from = n * hop * frameOf(shape);
    const window = stored.map((s) => s.slice(from, from + elementsOf(shape)));
    assert.is(differing(runWindow(quant, window).outputs, got), 0, `${what}, output ${n}`);
    n++;
  }
  return n;
}
