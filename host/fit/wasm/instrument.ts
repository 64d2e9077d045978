/**
 * Adds counters to a module: each counts how often a segment runs.
 *
 * In: a decoded module.  Out: the same module with a mutable global for each live segment, exported as
 * `rn#0`, `rn#1`, .... The segment increments it (mod 2^32) at its begin. The module's outputs are the same.
 * Cost: four instructions per segment; a hop takes about twice as long.
 */

import { leb } from '../../../assembly/emit/patch.ts';
import { append } from '../../../models/lists.ts';
import { type DecodedModule, op } from './decode.ts';
import { type Segment, segmentsOf } from './segments.ts';

export type Counter = Segment & { counter?: number };

export interface Instrumented {
  wasm: Uint8Array;
  /** Segments per function; `counter` is undefined for segments that never run. */
  segments: Counter[][];
  counters: number;
}

export const counterName = (counter: number): string => `rn#${counter}`;

const vector = (items: number[][]): number[] => [...leb(items.length), ...items.flat()];

/** Section `id` with more entries at its end. */
function extended(module: DecodedModule, id: number, more: number[][]): number[] {
  const bytes = module.sections.find((s) => s.id === id)?.bytes ?? new Uint8Array([0]);
  let at = 0;
  let had = 0;
  for (let scale = 1, byte = 128; byte >= 128; scale *= 128) {
    byte = bytes[at++] ?? 0;
    had += (byte & 127) * scale;
  }
  const payload = [...leb(had + more.length), ...bytes.subarray(at), ...more.flat()];
  return [id, ...leb(payload.length), ...payload];
}

export function instrument(module: DecodedModule): Instrumented {
  const { wasm, sections, functions, globals } = module;
  let counters = 0;
  const segments: Instrumented['segments'] = functions.map(({ code }) =>
    segmentsOf(code).map((segment) => (segment.dead ? segment : { ...segment, counter: counters++ })),
  );
  const increase = (counter: number): number[] => {
    const global = leb(globals + counter);
    return [op.globalGet, ...global, op.i32Const, 1, 0x6a, op.globalSet, ...global];
  };
  const bodies = functions.map(({ bodyStart, codeStart, code }, f) => {
    const body = [...wasm.subarray(bodyStart, codeStart)];
    for (const { from, to, counter } of segments[f] ?? []) {
      if (counter !== undefined) append(body, increase(counter));
      append(body, wasm.subarray(from === 0 ? codeStart : code[from - 1]?.end, code[to - 1]?.end));
    }
    return [...leb(body.length), ...body];
  });
  const numbers = Array.from({ length: counters }, (_, i) => i);
  const mutableZero = [0x7f, 1, op.i32Const, 0, op.end];
  const replaced: Record<number, number[]> = {
    6: extended(
      module,
      6,
      numbers.map(() => mutableZero),
    ),
    7: extended(
      module,
      7,
      numbers.map((i) => {
        const name = [...new TextEncoder().encode(counterName(i))];
        return [...leb(name.length), ...name, 3, ...leb(globals + i)];
      }),
    ),
    10: (() => {
      const code = vector(bodies);
      return [10, ...leb(code.length), ...code];
    })(),
  };
  const parts: Uint8Array[] = [wasm.subarray(0, 8)];
  const take = (id: number) => {
    const bytes = replaced[id];
    if (bytes) parts.push(Uint8Array.from(bytes));
    delete replaced[id];
  };
  for (const { id, offset, fileBytes } of sections) {
    if (id > 6) take(6); // the module may have no section of globals or exports
    if (id > 7) take(7);
    if (replaced[id]) take(id);
    else parts.push(wasm.subarray(offset, offset + fileBytes));
  }
  return { wasm: Uint8Array.from(Buffer.concat(parts)), segments, counters };
}
