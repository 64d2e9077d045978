/**
 * The three comparisons of an operator case.
 *
 * In: an int8 graph and a signal.  Out: distance of the integer reference from the real meaning in output
 * steps; bytes of a module, windowed or streamed, that differ from the integer reference.
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

/** Runs of up to 6 frames: wide random values, random values close to one level, or one extreme value. */
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
  /** int8 elements of the graph that were compared. */
  elements: number;
  /** Distinct values that the graph's outputs took. */
  distinct: number;
}

/**
 * Each node's integer result against its real meaning on its dequantised inputs; values outside its type
 * count as its ends.
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
      let most = wanted.length === got.length ? (steps[node.op] ?? 0) : Number.POSITIVE_INFINITY;
      wanted.forEach((y, i) => {
        const distance = Math.abs(Math.min(high, Math.max(low, y / scale + zeroPoint)) - (got[i] as number));
        if (!(distance <= most)) most = distance;
      });
      steps[node.op] = most;
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

/** What happens between two outputs, for negative controls. */
export type Disturb = (memory: Int8Array, map: Bundle['memory']) => void;

/**
 * A module over a signal, memory poisoned, frames pushed in uneven chunks, against the integer reference.
 * @param expected what the reference gives, where several modules are compared with it
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
  if (result.outputs !== expected.length) throw new Error(`${result.outputs} outputs fell due, ${expected.length} were expected`);
  if (!untouchedPastEnd(exports, bundle.memory)) throw new Error('memory past the end was written');
  return result;
}

/** Frames of a signal that gives `outputs` outputs after the warm-up. */
export const framesFor = ({ plan }: QuantPlan, outputs: number): number =>
  plan.window + plan.delayFrames + (plan.warmUpHops + outputs - 1) * plan.hop;

/** Windows that follow each other, with signals of their own. */
export function windowsOf({ plan }: QuantPlan, count: number): Int8Array[] {
  return Array.from({ length: count }, (_, n) => signalOf(plan.graph, plan.window, 0x1000193 * (n + 1)));
}

/** Strides along time multiplied: the smallest hop that every branch can stream with. */
export const strideProduct = (nodes: Node[]): number =>
  nodes.reduce((product, node) => product * ('strideT' in node.attrs ? node.attrs.strideT : 1), 1);
