/**
 * fuzzTflite: reads damaged TensorFlow Lite files.
 *
 * In: valid files, a seed and a count.  Out: the numbers of damaged copies that were refused with a
 * RunletError or accepted, and the slowest read. Throws if a copy gives another error, takes longer than two
 * seconds, or gives an inconsistent graph.
 */
import { isRunletError } from '../../models/error.ts';
import { elementsOf, type Graph } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';

export interface FuzzOptions {
  count: number;
  seed: number;
  files: Uint8Array[];
}
export interface FuzzResult {
  tried: number;
  refused: number;
  accepted: number;
  slowestMs: number;
  /** Number of refusals by error code. */
  codes: Record<string, number>;
}

const slowestAllowedMs = 2000;
const words = [
  0, 1, 2, 3, 4, 7, 8, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x7fc00000, 0x7f800000,
];

/** Returns a generator of reproducible whole numbers below `n` (mulberry32). */
export function generator(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 4294967296) * n);
  };
}

/** Returns a damaged copy of `file`: truncated, or with flipped bits, changed words or copied bytes. */
export function mutateTflite(file: Uint8Array, below: (n: number) => number): Uint8Array {
  const bytes = file.slice();
  // Tables are at both ends of a file, weights in between. Half of the damage is near the ends.
  const place = (): number => {
    const near = Math.min(bytes.length, 6144);
    if (below(2) === 0) return below(bytes.length);
    return below(2) === 0 ? below(near) : bytes.length - 1 - below(near);
  };
  const setWord = (at: number, value: number): void => {
    for (let i = 0; i < 4 && at + i < bytes.length; i++) bytes[at + i] = (value >>> (8 * i)) & 255;
  };
  switch (below(5)) {
    case 0:
      return bytes.subarray(0, below(bytes.length));
    case 1:
      for (let i = below(8); i >= 0; i--) {
        const at = place();
        bytes[at] = (bytes[at] as number) ^ (1 << below(8));
      }
      return bytes;
    case 2:
      for (let i = below(4); i >= 0; i--) setWord(place() & ~3, words[below(words.length)] as number);
      return bytes;
    case 3: {
      const from = place();
      bytes.copyWithin(place(), from, from + 1 + below(64));
      return bytes;
    }
    default:
      for (let i = below(4); i >= 0; i--) bytes[place()] = below(256);
      return bytes;
  }
}

/** Runs the campaign that the header describes. */
export function fuzzTflite({ count, seed, files }: FuzzOptions): FuzzResult {
  const below = generator(seed);
  const result: FuzzResult = { tried: 0, refused: 0, accepted: 0, slowestMs: 0, codes: {} };
  for (let i = 0; i < count; i++) {
    const bytes = mutateTflite(files[below(files.length)] as Uint8Array, below);
    const start = performance.now();
    try {
      checkGraph(readTflite(bytes));
      result.accepted++;
    } catch (error) {
      if (!isRunletError(error)) throw new Error(`mutation ${i} of seed ${seed}`, { cause: error });
      result.refused++;
      result.codes[error.code] = (result.codes[error.code] ?? 0) + 1;
    }
    const elapsedMs = performance.now() - start;
    result.slowestMs = Math.max(result.slowestMs, elapsedMs);
    if (elapsedMs > slowestAllowedMs) throw new Error(`mutation ${i} of seed ${seed} took ${elapsedMs.toFixed(0)} ms`);
    result.tried++;
  }
  return result;
}

/** Checks the consistency of a graph: shapes, scales, and values that are written before they are read. */
function checkGraph(graph: Graph): void {
  const quantised = graph.tensors.filter((t) => t.quant).length;
  if (quantised !== 0 && quantised !== graph.tensors.length) throw new Error('some tensors are quantised and some are not');
  const written = new Set(graph.inputs.map((port) => port.tensor));
  for (const { shape, quant, name } of graph.tensors) {
    const elements = elementsOf(shape);
    if (!(Number.isSafeInteger(elements) && elements >= 1)) throw new Error(`${name} has ${elements} elements`);
    if (quant && !(quant.scale > 0 && Number.isFinite(quant.scale) && Math.abs(quant.zeroPoint) <= 128))
      throw new Error(`${name} has bad scales`);
  }
  for (const node of graph.nodes) {
    if (!node.inputs.every((id) => written.has(id))) throw new Error(`${node.name} reads what is not written`);
    written.add(node.output);
    const { attrs } = node;
    const isInt8 = graph.tensors[node.output]?.quant !== undefined;
    if ('weights' in attrs && attrs.weights.data instanceof Int8Array !== isInt8)
      throw new Error(`${node.name} has mixed weights`);
    if ('weights' in attrs && !attrs.weights.data.every((x) => Number.isFinite(x)))
      throw new Error(`${node.name} has weights that are not finite`);
  }
  if (!graph.outputs.every((port) => written.has(port.tensor))) throw new Error('an output is not written');
}
