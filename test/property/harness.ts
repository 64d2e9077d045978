/**
 * Runs a bundle with poisoned memory and compares it with the integer reference.
 *
 * In: a QuantPlan, a built module and int8 frames.  Out: the number of outputs compared and the number of differing bytes.
 */
import type { Bundle } from '../../assembly/build.ts';
import { elementsOf, frameOf } from '../../models/graph/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';

export interface Exports {
  memory: WebAssembly.Memory;
  rn_abi(): number;
  rn_input(which: number): number;
  rn_output(which: number): number;
  rn_push(frames: number): number;
  rn_reset(): void;
  rn_state(): number;
  rn_info(what: number): number;
}

export function instantiate(wasm: Uint8Array): Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource)).exports as unknown as Exports;
}

const poison = 0xa5;

/** Fills everything that the module must not depend on: io, scratch, and all memory past the map's end. */
export function poisonMemory(exports: Exports, memory: Bundle['memory']): void {
  const bytes = new Uint8Array(exports.memory.buffer);
  bytes.fill(poison, memory.io.address);
}

/** True if nothing past the end was written. */
export function untouchedPastEnd(exports: Exports, memory: Bundle['memory']): boolean {
  return new Uint8Array(exports.memory.buffer).subarray(memory.end).every((b) => b === poison);
}

/** Pushes a signal in chunks of the given sizes (cycled) and yields the outputs that fall due. */
export function* pushAll(exports: Exports, quant: QuantPlan, signal: Int8Array, chunks: number[]): Generator<Int8Array[]> {
  const { graph, hop } = quant.plan;
  const shape = (id: number) => graph.tensors[id]?.shape ?? { t: 0, f: 0, c: 0 };
  const frame = frameOf(shape(graph.inputs[0]?.tensor ?? -1));
  const memory = new Int8Array(exports.memory.buffer);
  const total = signal.length / frame;
  for (let at = 0, i = 0; at < total; i++) {
    const take = Math.min(hop, total - at, Math.max(1, chunks[i % chunks.length] ?? hop));
    memory.set(signal.subarray(at * frame, (at + take) * frame), exports.rn_input(0));
    at += take;
    const due = exports.rn_push(take);
    if (due < 0) throw new Error(`rn_push gave ${due}`);
    if (due === 1) {
      yield graph.outputs.map((port, which) => {
        const from = exports.rn_output(which);
        return memory.slice(from, from + elementsOf(shape(port.tensor)));
      });
    }
  }
}

/** Bytes that differ between two outputs. */
export function differing(a: Int8Array[], b: Int8Array[]): number {
  let n = 0;
  a.forEach((x, i) => {
    x.forEach((v, j) => {
      if (v !== b[i]?.[j]) n++;
    });
    if (x.length !== b[i]?.length) n += x.length;
  });
  return n;
}
