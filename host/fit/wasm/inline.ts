/**
 * A module as a C compiler sees it: small functions, and those that are called from one place, stand where
 * they are called.
 *
 * In: a decoded module.  Out: a module that computes the same bytes, and for each of its instructions which
 * one of the first it was. The rule is what gcc -O2 does to the C of wasm2c, in every module that was traced
 * for calibration: 48 instructions were inlined wherever they were called, 49 were not, whatever was called
 * once was inlined. Machine code of an inlined function is another at each place, so that each needs its own
 * counts. Functions stay where they were, whether they are called or not.
 */

import { leb } from '../../../assembly/emit/patch.ts';
import { append } from '../../../models/lists.ts';
import { type DecodedModule, decodeModule, op } from './decode.ts';

/** Instructions of a function, up to which it is inlined everywhere. */
const mostInlined = 48;

export interface Origin {
  fn: number;
  /** Index of its instruction. */
  at: number;
}

export interface Inlined {
  module: DecodedModule;
  /** [function][instruction]; what carries arguments is part of the call. */
  origins: Origin[][];
}

interface Written extends Origin {
  bytes: number[];
}

const zeroOf: Record<number, number[]> = {
  127: [op.i32Const, 0],
  126: [op.i64Const, 0],
  125: [op.f32Const, 0, 0, 0, 0],
  124: [op.f64Const, 0, 0, 0, 0, 0, 0, 0, 0],
};

/** Whether a compiler inlines each function. */
function inlinable({ functions, imported, exported }: DecodedModule): boolean[] {
  const sites = functions.map((_, f): number => (exported.has(f) ? 1 : 0));
  for (const { code } of functions)
    for (const { op: code_, value } of code)
      if (code_ === op.call && value >= imported.length)
        sites[value - imported.length] = (sites[value - imported.length] ?? 0) + 1;
  return functions.map(({ code, type }, f) => type.results.length < 2 && (sites[f] === 1 || code.length <= mostInlined));
}

export function inlineCalls(module: DecodedModule): Inlined {
  const { wasm, functions, imported, sections } = module;
  const inlined = inlinable(module);

  /**
   * A function's code; as a block where `base` is the number of its first local in the function that it is
   * inlined in.
   */
  function codeOf(f: number, types: number[], base: number | undefined, path: readonly number[]): Written[] {
    const { code, codeStart } = functions[f] as (typeof functions)[number];
    const found: Written[] = [];
    let depth = 0;
    for (const [at, { op: code_, value, end }] of code.entries()) {
      const write = (...bytes: number[]) => found.push({ fn: f, at, bytes });
      const callee = value - imported.length;
      if (code_ >= op.block && code_ <= op.if) depth++;
      else if (code_ === op.end) depth--;
      if (base !== undefined && code_ >= op.localGet && code_ <= op.localTee) write(code_, ...leb(base + value));
      else if (base !== undefined && code_ === op.return) write(op.br, ...leb(depth));
      else if (code_ === op.call && callee >= 0 && inlined[callee] && !path.includes(callee)) {
        const { type, locals } = functions[callee] as (typeof functions)[number];
        const first = types.length;
        append(types, locals);
        for (let i = type.params.length - 1; i >= 0; i--) write(op.localSet, ...leb(first + i));
        for (let i = type.params.length; i < locals.length; i++) {
          write(...(zeroOf[locals[i] ?? 127] ?? []));
          write(op.localSet, ...leb(first + i));
        }
        write(op.block, type.results[0] ?? 0x40);
        append(found, codeOf(callee, types, first, [...path, callee]));
      } else write(...wasm.subarray(at === 0 ? codeStart : code[at - 1]?.end, end));
    }
    return found;
  }

  const origins: Origin[][] = [];
  const bodies = functions.map(({ locals, type }, f) => {
    const types = [...locals];
    const written = codeOf(f, types, undefined, [f]);
    origins.push(written.map(({ fn, at }) => ({ fn, at })));
    const declared = types.slice(type.params.length);
    const body = [...leb(declared.length), ...declared.flatMap((t) => [1, t]), ...written.flatMap(({ bytes }) => bytes)];
    return [...leb(body.length), ...body];
  });
  const payload = [...leb(bodies.length), ...bodies.flat()];
  const code = Uint8Array.from([10, ...leb(payload.length), ...payload]);
  const parts = sections.map(({ id, offset, fileBytes }) => (id === 10 ? code : wasm.subarray(offset, offset + fileBytes)));
  const bytes = Uint8Array.from(Buffer.concat([wasm.subarray(0, 8), ...parts]));
  return { module: decodeModule(bytes), origins };
}
