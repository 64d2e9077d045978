/**
 * Runs a bundle with poisoned memory, and compares it with the integer reference.
 *
 * In: a QuantPlan, a built module and int8 frames.  Out: the number of compared outputs and the number of
 * differing bytes.
 */

import type { Bundle } from '../../assembly/build.ts';
import type { AbiExports } from '../../host/session/open.ts';
import { elementBytes, elementsOf, frameOf, type Ints, isInt16 } from '../../models/graph/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import type { Signals } from '../../quant/reference.ts';
import { runnable } from '../relaxed/dot-product.ts';

export type Exports = AbiExports;

/** Instantiates a module. Separate weights are copied into its memory, or passed to it in tiles. */
export function instantiate(wasm: Uint8Array, weights?: Uint8Array): Exports {
  const tile = (dst: number, src: number, n: number) => {
    if (!weights || src + n > weights.length || n < 1) throw new Error(`there are no weights ${src} to ${src + n}`);
    new Uint8Array(exports.memory.buffer, dst, n).set(weights.subarray(src, src + n));
  };
  const module = new WebAssembly.Module(runnable(wasm) as BufferSource);
  const exports = new WebAssembly.Instance(module, { runlet: { weights: tile } }).exports as unknown as Exports;
  if (weights && exports.rn_info(11) === 1) new Uint8Array(exports.memory.buffer, exports.rn_info(6)).set(weights);
  return exports;
}

const poison = 0xa5;

/** Returns the memory between and after the buffers. The module must not write there or depend on it. */
function gaps({ memory, bytes }: { memory: Bundle['memory']; bytes: number }): [from: number, to: number][] {
  const used: [number, number][] = [[0, memory.state.address]];
  const add = (address: number, length: number) => used.push([address, address + length]);
  for (const { address, bytes } of memory.stateItems) add(address, bytes);
  add(memory.io.address, memory.io.bytes);
  add(memory.scratch.address, memory.scratch.bytes);
  used.sort((a, b) => a[0] - b[0]);
  const found: [number, number][] = [];
  let at = 0;
  for (const [from, to] of used) {
    if (from > at) found.push([at, from]);
    at = Math.max(at, to);
  }
  if (bytes > at) found.push([at, bytes]);
  return found;
}

/**
 * Fills all memory that the module must not depend on: io, scratch, the gaps between state buffers, and
 * everything past the end.
 */
export function poisonMemory(exports: Exports, memory: Bundle['memory']): void {
  const bytes = new Uint8Array(exports.memory.buffer);
  bytes.fill(poison, memory.io.address);
  for (const [from, to] of gaps({ memory, bytes: bytes.length })) bytes.fill(poison, from, to);
}

/** Returns true if nothing was written past a buffer, between state buffers or past the memory map. */
export function untouchedPastEnd(exports: Exports, memory: Bundle['memory']): boolean {
  const bytes = new Uint8Array(exports.memory.buffer);
  return gaps({ memory, bytes: bytes.length }).every(([from, to]) => {
    for (let at = from; at < to; at++) if (bytes[at] !== poison) return false;
    return true;
  });
}

/**
 * Pushes a signal (or one for each input) in chunks of these sizes (in ticks, repeated cyclically), and
 * yields the outputs that are due.
 */
export function* pushAll(exports: Exports, quant: QuantPlan, signal: Signals, chunks: number[]): Generator<Ints[]> {
  const { graph, hop, clock } = quant.plan;
  const shape = (id: number) => graph.tensors[id]?.shape ?? { t: 0, f: 0, c: 0 };
  const tick = graph.inputs.map((p, i) => (clock.rates[i] ?? 1) * frameOf(shape(p.tensor)));
  const memory = new Int8Array(exports.memory.buffer);
  const signals = ArrayBuffer.isView(signal) ? [signal] : signal;
  const bytes = signals.map((s) => new Int8Array(s.buffer, s.byteOffset, s.byteLength));
  const total = Math.min(...signals.map((s, i) => s.length / (tick[i] ?? 1)));
  for (let at = 0, i = 0; at < total; i++) {
    const take = Math.min(hop, total - at, Math.max(1, chunks[i % chunks.length] ?? hop));
    for (const [i, n] of tick.entries()) {
      const rowBytes = n * (signals[i] as Ints).BYTES_PER_ELEMENT;
      memory.set((bytes[i] as Int8Array).subarray(at * rowBytes, (at + take) * rowBytes), exports.rn_input(i));
    }
    at += take;
    const due = exports.rn_push(take);
    if (due < 0) throw new Error(`rn_push gave ${due}`);
    if (due === 1) {
      yield graph.outputs.map((port, which) => {
        const from = exports.rn_output(which);
        const quant = graph.tensors[port.tensor]?.quant;
        const { buffer } = memory.slice(from, from + elementsOf(shape(port.tensor)) * elementBytes(quant));
        return isInt16(quant) ? new Int16Array(buffer) : new Int8Array(buffer);
      });
    }
  }
}

/** Returns the number of values that differ between two outputs. */
export function differing(a: Ints[], b: Ints[]): number {
  let n = 0;
  a.forEach((x, i) => {
    x.forEach((v, j) => {
      if (v !== b[i]?.[j]) n++;
    });
    if (x.length !== b[i]?.length) n += x.length;
  });
  return n;
}
