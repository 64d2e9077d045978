/**
 * fitFrontEnd: checks that the rows of a front end are the model's frames, and makes the table that rescales
 * them if necessary.
 *
 * In: an int8 Graph and a FrontEnd.  Out: the FrontEnd, with `remap` if the model's input has another scale,
 * or RN507. A model that was int8 in its file gets the features unchanged if its scale differs from the front
 * end's by less than one step over the whole range. Such models are fed this way at their origin:
 * microWakeWord's files differ in the third digit, and their hosts do not requantise. Otherwise q becomes
 * clamp(round(scale (q - zero) / scale') + zero'), as a host would quantise the feature's value.
 */
import { RunletError } from '../error.ts';
import type { Graph, QuantParams } from '../graph/types.ts';
import { f32 } from './float32.ts';
import type { FrontEnd } from './types.ts';

/** Smallest number of steps of the model's input. With fewer, it was trained on something else. */
const minSteps = 16;

const refuse = (graph: Graph, why: string): RunletError =>
  new RunletError('RN507', {
    what: "the model's input does not fit the front end",
    where: `${graph.name}, input ${graph.inputs[0]?.name}`,
    why,
    tryThis: 'the preset and the number of rows (--rows) that the model was trained with, or a bundle without --front-end',
  });

function requantised({ output }: FrontEnd, quant: QuantParams): Int8Array {
  return Int8Array.from({ length: 256 }, (_, i) => {
    const x = f32(f32(output.scale * (i - 128 - output.zeroPoint)) / f32(quant.scale));
    const q = Math.trunc(x < 0 ? x - 0.5 : x + 0.5) + quant.zeroPoint;
    return Math.min(127, Math.max(-128, q));
  });
}

/** @throws RN507 */
export function fitFrontEnd(graph: Graph, frontEnd: FrontEnd): FrontEnd {
  const [port] = graph.inputs;
  const tensor = graph.tensors[port?.tensor ?? -1];
  if (!port || !tensor || graph.inputs.length !== 1) throw refuse(graph, `the model has ${graph.inputs.length} inputs`);
  const { f, c } = tensor.shape;
  const { channels, output } = frontEnd;
  if (f * c !== channels || (f > 1 && c > 1)) throw refuse(graph, `a frame is [${f}][${c}], and a row has ${channels} features`);
  const { quant } = tensor;
  if (!quant) throw refuse(graph, 'it is float32; quantise the model first');
  const drift = Math.abs(quant.scale / output.scale - 1) * 255;
  if (quant.zeroPoint === output.zeroPoint && (drift === 0 || (port.hostType !== 'float32' && drift < 1))) return frontEnd;
  const remap = requantised(frontEnd, quant);
  const steps = new Set(remap).size;
  if (steps < minSteps)
    throw refuse(
      graph,
      `only ${steps} of the 256 values of a feature stay distinct: scale ${quant.scale} and zero point ${quant.zeroPoint} belong to something else`,
    );
  return { ...frontEnd, remap };
}
