/**
 * fuzzOnnx: damaged ONNX files must quickly give a graph or a RunletError.
 *
 * In: valid files, a count, a seed.  Out: the numbers of tried, refused and accepted files, and the slowest
 * read in ms. Mutations: truncation, bit flips, splices of two files, changed varints, changed dims, repeated
 * and removed ranges. Some of the accepted graphs are run (below a MAC limit), because a wrong graph may fail
 * only then.
 */

import { isRunletError } from '../../models/error.ts';
import { elementsOf, type Graph } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { dequantised } from '../read/onnx-oracle.ts';

export interface FuzzResult {
  tried: number;
  refused: number;
  accepted: number;
  slowestMs: number;
  /** Number of refusals by error code. */
  codes: Record<string, number>;
}

const macLimit = 2_000_000;

/** Runs the campaign. Throws an Error with the seed and the mutation at the first failure. */
export function fuzzOnnx(options: { count: number; seed: number; files: Uint8Array[] }): FuzzResult {
  const result: FuzzResult = { tried: 0, refused: 0, accepted: 0, slowestMs: 0, codes: {} };
  for (let i = 0; i < options.count; i++) {
    const seed = options.seed + i;
    const { bytes, how } = mutate(options.files, seed);
    const start = performance.now();
    try {
      const graph = readOnnx(bytes, { window: 24 });
      result.accepted++;
      if (i % 4 === 0) run(graph);
    } catch (error) {
      if (!isRunletError(error)) {
        throw new Error(`seed ${seed} (${how}): ${error instanceof Error ? error.stack : error}`);
      }
      result.refused++;
      result.codes[error.code] = (result.codes[error.code] ?? 0) + 1;
    }
    const spent = performance.now() - start;
    if (spent > 2000) throw new Error(`seed ${seed} (${how}): ${spent.toFixed(0)} ms`);
    result.slowestMs = Math.max(result.slowestMs, spent);
    result.tried++;
  }
  return result;
}

function run(given: Graph): void {
  const graph = dequantised(given);
  let macs = 0;
  for (const node of graph.nodes) {
    const out = viewOf(graph).shape(node.output);
    macs += viewOf(graph).macsPerWindow(node) + elementsOf(out);
    const { attrs } = node;
    if ('kernelT' in attrs) macs += elementsOf(out) * attrs.kernelT * attrs.kernelF;
  }
  for (const port of graph.inputs) macs += elementsOf(graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 });
  if (!(macs < macLimit)) return;
  const inputs = graph.inputs.map((port) => {
    const shape = graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 };
    return Float32Array.from({ length: elementsOf(shape) }, (_, i) => Math.sin(i));
  });
  const values = runFloat(graph, inputs);
  for (const port of graph.outputs) {
    const expected = elementsOf(graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 });
    if (values[port.tensor]?.length !== expected) throw new Error(`output ${port.name} has another length than its shape`);
  }
}

/** Returns the mutated file of one seed, also to reproduce a failure. */
export function mutate(files: readonly Uint8Array[], seed: number): { bytes: Uint8Array; how: string } {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  const below = (n: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return Math.floor((((z ^ (z >>> 14)) >>> 0) / 2 ** 32) * n);
  };
  const pick = (): Uint8Array => files[below(files.length)] as Uint8Array;
  let bytes: Uint8Array = pick().slice();
  // half of the files keep their length, so that more of them pass the decoder
  const inPlace = below(2) === 0;
  const steps = 1 + below(3);
  const how: string[] = [];
  for (let step = 0; step < steps; step++) {
    const kind = inPlace ? ([2, 4, 4][below(3)] as number) : below(7);
    const at = below(bytes.length || 1);
    if (kind === 0 && step === 0 && below(3) === 0) {
      bytes = bytes.slice(0, at);
      how.push(`cut at ${at}`);
    } else if (kind <= 2) {
      const bit = below(8);
      if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << bit);
      how.push(`bit ${bit} of ${at}`);
    } else if (kind === 3) {
      const other = pick();
      const from = below(other.length);
      const length = 1 + below(64);
      bytes = join(bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(at + (below(2) ? length : 0)));
      how.push(`splice at ${at}`);
    } else if (kind === 4) {
      const place = smallVarint(bytes, at);
      const value = [0, 1, 2, 3, 5, 17, 100, 127][below(8)] as number;
      if (place >= 0) bytes[place] = value;
      how.push(`varint ${place} = ${value}`);
    } else if (kind === 5) {
      const place = smallVarint(bytes, at);
      const long = Uint8Array.from([0xff, 0xff, 0xff, 0xff, [0x07, 0x0f, 0x7f][below(3)] as number]);
      if (place >= 0) bytes = join(bytes.subarray(0, place), long, bytes.subarray(place + 1));
      how.push(`varint ${place} is long`);
    } else {
      const length = 1 + below(32);
      const part = bytes.subarray(at, at + length);
      const twice = below(2) === 0;
      bytes = join(bytes.subarray(0, at + (twice ? length : 0)), twice ? part : new Uint8Array(0), bytes.subarray(at + length));
      how.push(`${twice ? 'repeat' : 'remove'} ${length} at ${at}`);
    }
  }
  return { bytes, how: how.join(', ') };
}

/**
 * Returns the position of the value of a varint field 1..20 after `from` (dims, strides, pads, ...), or -1.
 */
function smallVarint(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) {
    const tag = bytes[at] as number;
    if ((tag & 7) === 0 && tag >> 3 >= 1 && tag >> 3 <= 20 && (bytes[at + 1] as number) < 128) return at + 1;
  }
  return -1;
}

function join(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
