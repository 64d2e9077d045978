/**
 * Counts how often each segment of a module runs in a hop: runs the module with counters in this process.
 *
 * In: a bundle, its separate weights if any.  Out: the decoded module, its segments, and their counts per
 * hop. Frames and hops are those of host/bench/core/main.c: frames are a linear congruential sequence, and
 * the first hop with an output is not counted.
 */
import type { Bundle } from '../../assembly/build.ts';
import { outputs } from '../bench/count.ts';
import { openModule } from '../session/open.ts';
import { type DecodedModule, decodeModule } from './wasm/decode.ts';
import { counterName, type Instrumented, instrument } from './wasm/instrument.ts';

export interface HopCounts extends Instrumented {
  module: DecodedModule;
  /** Counts of each hop with an output, by counter. */
  hops: Uint32Array[];
  /** Counts since instantiation, by counter. */
  all: Uint32Array;
}

/** Runs the module and counts. @throws RN761 a module with SIMD128, and the errors of openModule */
export async function countHops({ wasm, weights }: Pick<Bundle, 'wasm' | 'weights'>): Promise<HopCounts> {
  const module = decodeModule(wasm);
  const instrumented = instrument(module);
  const open = await openModule(instrumented.wasm as BufferSource, { weights: weights as BufferSource | undefined });
  const { exports, inputs } = open;
  const globals = Array.from(
    { length: instrumented.counters },
    (_, i) => (exports as unknown as Record<string, WebAssembly.Global>)[counterName(i)] as WebAssembly.Global,
  );
  const read = (): Uint32Array => Uint32Array.from(globals, (global) => global.value >>> 0);
  let seed = 1;
  exports.rn_reset();
  const hop = exports.rn_info(0);
  const hops: Uint32Array[] = [];
  for (let fell = 0; fell < outputs; ) {
    for (const { buffer, byteOffset, byteLength } of inputs) {
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      for (let i = 0; i < bytes.length; i++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        bytes[i] = seed >>> 24;
      }
    }
    const before = read();
    if (exports.rn_push(hop) !== 1) continue;
    if (fell++ > 0) hops.push(read().map((count, i) => count - (before[i] ?? 0)));
  }
  return { ...instrumented, module, hops, all: read() };
}
