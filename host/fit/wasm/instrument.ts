/**
 * A module that counts how often each of its segments runs.
 *
 * In: a decoded module.  Out: the same module with one more mutable global a live segment, exported as
 * `rn#0`, `rn#1`, ..., that is increased (mod 2^32) where the segment begins, and one a loop that may not
 * run, increased where its body runs first. It computes the same bytes.  Cost: some four instructions a
 * segment, so a hop takes about twice its time.
 */

import { leb } from '../../../assembly/emit/patch.ts';
import { append } from '../../../models/lists.ts';
import { type DecodedModule, op } from './decode.ts';
import { bodiesOf, type Segment, segmentsOf } from './segments.ts';

export type Counter = Segment & { counter?: number };

export interface Instrumented {
  wasm: Uint8Array;
  /** Per function its segments; `counter` is undefined where it never runs. */
  segments: Counter[][];
  /** Per function the first runs of its loops' bodies (bodiesOf). */
  firsts: Counter[][];
  counters: number;
}

export const counterName = (counter: number): string => `rn#${counter}`;

const vector = (items: number[][]): number[] => [...leb(items.length), ...items.flat()];

/** A section of `id` with what it had, and more entries. */
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
  const firsts: Instrumented['firsts'] = functions.map(({ code }, f) =>
    bodiesOf(code, segments[f] ?? []).map(({ from, depth }) => ({
      from,
      to: from,
      depth,
      dead: false,
      first: true,
      counter: counters++,
    })),
  );
  /**
   * One more global for each of `firsts`, not exported: 1 from where the loop is entered until its body runs.
   */
  let flags = 0;
  const get = (global: number): number[] => [op.globalGet, ...leb(global)];
  const set = (global: number): number[] => [op.globalSet, ...leb(global)];
  const increase = (counter: number): number[] => [...get(globals + counter), op.i32Const, 1, 0x6a, ...set(globals + counter)];
  const bodies = functions.map(({ bodyStart, codeStart, code }, f) => {
    const body = [...wasm.subarray(bodyStart, codeStart)];
    const list = segments[f] ?? [];
    const flagOf = new Map(firsts[f]?.map(({ from }) => [from, globals + counters + flags++]));
    for (const [s, { from, to, counter }] of list.entries()) {
      if (counter !== undefined) append(body, increase(counter));
      const first = (firsts[f] ?? []).find((b) => b.from === from)?.counter;
      const mine = flagOf.get(from);
      if (first !== undefined && mine !== undefined)
        append(body, [...get(globals + first), ...get(mine), 0x6a, ...set(globals + first), op.i32Const, 0, ...set(mine)]);
      const begin = from === 0 ? codeStart : (code[from - 1]?.end ?? 0);
      const end = code[to - 1]?.end ?? 0;
      const entered = code[to - 1]?.op === op.loop ? flagOf.get(list[s + 2]?.from ?? -1) : undefined;
      const loop = entered === undefined ? end : (code[to - 2]?.end ?? codeStart);
      append(body, wasm.subarray(begin, loop));
      if (entered !== undefined) append(body, [op.i32Const, 1, ...set(entered), ...wasm.subarray(loop, end)]);
    }
    return [...leb(body.length), ...body];
  });
  const numbers = Array.from({ length: counters }, (_, i) => i);
  const mutableZero = [0x7f, 1, op.i32Const, 0, op.end];
  const more = Array.from({ length: counters + flags }, () => mutableZero);
  const replaced: Record<number, number[]> = {
    6: extended(module, 6, more),
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
    if (id > 6) take(6); // a module without globals, or exports, has no such section
    if (id > 7) take(7);
    if (replaced[id]) take(id);
    else parts.push(wasm.subarray(offset, offset + fileBytes));
  }
  return { wasm: Uint8Array.from(Buffer.concat(parts)), segments, firsts, counters };
}
