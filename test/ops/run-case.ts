/**
 * The comparisons of an operator case.
 *
 * In: an int8 graph and a signal.  Out: the distance of the integer reference from the real values in output
 * steps; the number of bytes of a windowed or streamed module that differ from the integer reference.
 */
import type { Bundle } from '../../assembly/build.ts';
import {
  frameOf,
  type Graph,
  type Ints,
  type Node,
  type OpName,
  type QuantParams,
  storedRange,
  type Tensor,
} from '../../models/graph/types.ts';
import { opOf } from '../../models/ops/index.ts';
import type { OpDef } from '../../models/ops/op.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { differing, instantiate, poisonMemory, pushAll, untouchedPastEnd } from '../property/harness.ts';
import { random } from '../property/random-network.ts';
import { dequantised } from '../read/tflite-helpers.ts';

const tensorOf = (graph: Graph, id: number): Tensor => graph.tensors[id] as Tensor;

/** Returns a signal of runs of up to 6 frames: wide random values, values near one level, or an extreme. */
export function signalOf(graph: Graph, frames: number, seed: number): Int8Array {
  const input = tensorOf(graph, graph.inputs[0]?.tensor ?? -1);
  const rnd = random(seed);
  const int = (min: number, max: number) => min + Math.floor(rnd() * (max - min + 1));
  const frame = frameOf(input.shape);
  const signal = new Int8Array(frames * frame);
  for (let from = 0; from < frames; ) {
    const to = Math.min(frames, from + int(1, 6));
    const level = [-128, 127, input.quant?.zeroPoint ?? 0, int(-112, 111), int(-112, 111), undefined, undefined, undefined][
      int(0, 7)
    ];
    const around = level === undefined || Math.abs(level) > 112 ? 0 : int(0, 15);
    for (let i = from * frame; i < to * frame; i++)
      signal[i] = level === undefined ? int(-128, 127) : level + int(-around, around);
    from = to;
  }
  return signal;
}

export interface Distance {
  /** Largest distance from the real value, in output steps, for each operator. */
  steps: Partial<Record<OpName, number>>;
  /** Number of compared int8 elements of the graph. */
  elements: number;
  /** Number of distinct values of the graph's outputs. */
  distinct: number;
}

/**
 * Compares each node's integer result with its real value on the dequantised inputs. Real values outside the
 * type's range are clamped to it.
 */
export function distanceFromReal(quant: QuantPlan, windows: Int8Array[]): Distance {
  const { graph } = quant.plan;
  const real = dequantised(graph);
  const steps: Distance['steps'] = {};
  const values = new Set<number>();
  let elements = 0;
  for (const window of windows) {
    const { tensors, outputs } = runWindow(quant, window);
    const bytes = (id: number) => (id === graph.inputs[0]?.tensor ? window : tensors.get(id)?.data) as Int8Array;
    for (const output of outputs) for (const value of output) values.add(value);
    for (const node of real.nodes) {
      const shape = tensorOf(graph, node.output).shape;
      const quant = tensorOf(graph, node.output).quant as QuantParams;
      const { scale, zeroPoint } = quant;
      const [low, high] = storedRange(quant);
      const xs = node.inputs.map((id) => ({
        data: dequantise(bytes(id), tensorOf(graph, id)),
        shape: tensorOf(graph, id).shape,
      }));
      const wanted = (opOf(node.op) as OpDef<OpName>).float(xs, node.attrs, shape);
      const got = bytes(node.output);
      let largest = wanted.length === got.length ? (steps[node.op] ?? 0) : Number.POSITIVE_INFINITY;
      wanted.forEach((y, i) => {
        const distance = Math.abs(Math.min(high, Math.max(low, y / scale + zeroPoint)) - (got[i] as number));
        if (!(distance <= largest)) largest = distance;
      });
      steps[node.op] = largest;
      elements += got.length;
    }
  }
  return { steps, elements, distinct: values.size };
}

const dequantise = (bytes: Int8Array, { quant }: Tensor): Float32Array =>
  Float32Array.from(bytes, (v) => (v - (quant?.zeroPoint ?? 0)) * (quant?.scale ?? 1));

export interface Comparison {
  outputs: number;
  bytes: number;
  differing: number;
}

/** Changes the memory between two outputs, for negative controls. */
export type Disturb = (memory: Int8Array, map: Bundle['memory']) => void;

/**
 * Runs a module over a signal, with poisoned memory and frames pushed in uneven chunks, and compares it with
 * the integer reference.
 * @param expected outputs of the reference. Pass them if several modules are compared with it.
 */
export function compareModule(
  quant: QuantPlan,
  bundle: Bundle,
  signal: Ints,
  disturb?: Disturb,
  expected = [...runSignal(quant, signal)],
): Comparison {
  const { hop } = quant.plan;
  const exports = instantiate(bundle.wasm, bundle.weights);
  poisonMemory(exports, bundle.memory);
  exports.rn_reset();
  const chunks = [hop, 1, Math.ceil(hop / 2), Math.max(1, hop - 1)];
  const result: Comparison = { outputs: 0, bytes: 0, differing: 0 };
  for (const got of pushAll(exports, quant, signal, chunks)) {
    const wanted = expected[result.outputs++]?.outputs ?? [];
    result.bytes += wanted.reduce((sum, output) => sum + output.length, 0);
    result.differing += differing(got, wanted);
    disturb?.(new Int8Array(exports.memory.buffer), bundle.memory);
  }
  if (result.outputs !== expected.length) throw new Error(`${result.outputs} outputs were due, not ${expected.length}`);
  if (!untouchedPastEnd(exports, bundle.memory)) throw new Error('memory past the end was written');
  return result;
}

/** Returns the number of frames of a signal that gives `outputs` outputs after the warm-up. */
export const framesFor = ({ plan }: QuantPlan, outputs: number): number =>
  plan.window + plan.delayFrames + (plan.warmUpHops + outputs - 1) * plan.hop;

/** Returns consecutive windows, each with a different signal. */
export function windowsOf({ plan }: QuantPlan, count: number): Int8Array[] {
  return Array.from({ length: count }, (_, n) => signalOf(plan.graph, plan.window, 0x1000193 * (n + 1)));
}

/** Returns the product of the strides along time: the smallest hop that every branch can stream with. */
export const strideProduct = (nodes: Node[]): number =>
  nodes.reduce((product, node) => product * ('strideT' in node.attrs ? node.attrs.strideT : 1), 1);
