/**
 * Runs an exported QDQ file in onnxruntime, and compares it with the integer reference.
 *
 * In: an int8 Graph, windows of int8 frames.  Out: numbers of equal, neighbouring and other outputs.
 */

import { elementsOf, type Graph, type QuantParams, type Tensor } from '../../models/graph/types.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { writeQdq } from '../../quant/qdq.ts';
import { runWindow } from '../../quant/reference.ts';
import type { loadRuntime } from '../read/onnx-oracle.ts';

export type Runtime = NonNullable<Awaited<ReturnType<typeof loadRuntime>>>;
export const levels = ['all', 'disabled'] as const;
export type Level = (typeof levels)[number];

export interface Steps {
  outputs: number;
  equal: number;
  withinOne: number;
  most: number;
}

export const noSteps = (): Steps => ({ outputs: 0, equal: 0, withinOne: 0, most: 0 });

/** Adds the differences of two int8 arrays to the counts. */
export function count(into: Steps, a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length) throw new Error(`${a.length} outputs, not ${b.length}`);
  for (let i = 0; i < a.length; i++) {
    const gap = Math.abs((a[i] as number) - (b[i] as number));
    into.outputs++;
    if (gap === 0) into.equal++;
    if (gap <= 1) into.withinOne++;
    into.most = Math.max(into.most, gap);
  }
}

export const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(3)} %`;
export const show = (s: Steps): string =>
  `${s.outputs} outputs, ${percent(s.equal, s.outputs)} equal, ${percent(s.withinOne, s.outputs)} within 1 step, largest ${s.most}`;

const tensorOf = (graph: Graph, id: number): Tensor => graph.tensors[id] as Tensor;

/** Returns the reference's outputs for one window, with frames [t][f][c] for each input. */
export function reference(graph: Graph, windows: readonly Int8Array[]): Int8Array[] {
  const hop = Math.max(...graph.inputs.map((p) => tensorOf(graph, p.tensor).shape.t));
  return runWindow(quantPlan(planStream(graph, { hop, mode: 'windowed' })), windows).outputs as Int8Array[];
}

/**
 * An x86 processor without VNNI adds pairs of products in 16 bits, which saturate. With this setting
 * onnxruntime uses other instructions there.
 */
export const exactSums = { session: { x64quantprecision: '1' } };

/** Opens a session for one exported file with int8 inputs and outputs. */
export async function sessionOf(runtime: Runtime, graph: Graph, level: Level, rounding: 'onnx' | 'reference' = 'onnx') {
  const file = writeQdq(graph, { io: 'int8', rounding });
  const session = await runtime.InferenceSession.create(file, {
    graphOptimizationLevel: level,
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
    ...(rounding === 'onnx' && { extra: exactSums }), // rounding 'reference' has no fusable int8 layers
  });
  return {
    async run(windows: readonly Int8Array[]): Promise<Int8Array[]> {
      const feeds = Object.fromEntries(
        graph.inputs.map((port, i) => {
          const map = toNormalForm(port.order, tensorOf(graph, port.tensor).shape);
          const data = new Int8Array(map.length);
          for (const [at, from] of map.entries()) data[from] = (windows[i] as Int8Array)[at] as number;
          return [port.name, new runtime.Tensor('int8', data, port.fileShape)];
        }),
      );
      const results = await session.run(feeds);
      return graph.outputs.map((port) => {
        const data = results[port.name]?.data as Int8Array;
        return Int8Array.from(toNormalForm(port.order, tensorOf(graph, port.tensor).shape), (from) => data[from] as number);
      });
    },
    release: () => session.release(),
  };
}

/** Returns random frames for every input. */
export const randomWindow = (graph: Graph, rnd: () => number): Int8Array[] =>
  graph.inputs.map((port) =>
    Int8Array.from({ length: elementsOf(tensorOf(graph, port.tensor).shape) }, () => Math.floor(256 * rnd()) - 128),
  );

export const scaleOf = (graph: Graph, tensor: number): QuantParams => tensorOf(graph, tensor).quant as QuantParams;
