/**
 * Hand-written modules of the ABI, each with one error.
 *
 * In: the differences from a good module with one int8 input, one int8 output and hop 4.  Out: its bytes,
 * made by binaryen. The memory is 1 page, shrunk to 1,024 bytes: input at 64, output at 128, state of 32
 * bytes at 160, separate weights of 64 bytes at 256.
 */
import binaryen from 'binaryen';

export interface Parts {
  imports?: string;
  memory?: string;
  /** Values of rn_info that replace those of the good module. */
  info?: Record<number, number>;
  abi?: number;
  input?: number;
  output?: number;
  state?: number;
  /** Body of rn_push; `reset` is that of rn_reset. */
  push?: string;
  reset?: string;
  heapBase?: string;
  dataEnd?: string;
  /** Names of exports that are left out. */
  without?: string[];
  more?: string;
}

const constants: Record<number, number> = {
  0: 4, 1: 8, 2: 4, 3: 0, 4: 0, 5: 32, 6: 0, 7: 0, 8: 512, 9: 1, 10: 1, 16: 1, 17: 2, 18: 3, 19: 0x3f000000, 64: 1, 65: 2, 66: -3, 67: 0x3e800000,
}; // biome-ignore format: a table

export function makeModule(parts: Parts = {}): Uint8Array {
  const { imports = '', memory = '1 1', info = {}, abi = 1, input = 64, output = 128, state = 160, more = '' } = parts;
  const { push = '(i32.const 1)', reset = '', heapBase = '(i32.const 1024)', dataEnd = '(i32.const 1008)', without = [] } = parts;
  const answers = Object.entries({ ...constants, ...info }).reduce(
    (rest, [what, value]) =>
      `(if (result i32) (i32.eq (local.get 0) (i32.const ${what})) (then (i32.const ${value})) (else ${rest}))`,
    '(i32.const -1)',
  );
  const exported = (name: string) => (without.includes(name) ? '' : `(export "${name}")`);
  const at = (address: number) => `(if (result i32) (local.get 0) (then (i32.const 0)) (else (i32.const ${address})))`;
  const module = binaryen.parseText(`(module ${imports}
    ${memory ? `(memory ${exported('memory')} ${memory})` : ''}
    (global ${exported('__data_end')} i32 ${dataEnd})
    (global ${exported('__heap_base')} i32 ${heapBase})
    (func ${exported('rn_abi')} (result i32) (i32.const ${abi}))
    (func ${exported('rn_input')} (param i32) (result i32) ${at(input)})
    (func ${exported('rn_output')} (param i32) (result i32) ${at(output)})
    (func ${exported('rn_state')} (result i32) (i32.const ${state}))
    (func ${exported('rn_reset')} ${reset})
    (func ${exported('rn_push')} (param i32) (result i32) ${push})
    (func ${exported('rn_info')} (param i32) (result i32) ${answers}) ${more})`);
  module.setFeatures(binaryen.Features.All);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

/** The import of weights for home tile. */
export const tileImport = '(import "runlet" "weights" (func $weights (param i32 i32 i32)))';

/** Returns a copy in which the first `from` is replaced by `to`, a text or bytes of the same length. */
export function replaced(bytes: Uint8Array, from: string | number[], to: string | number[]): Uint8Array {
  const list = (text: string | number[]) => (typeof text === 'string' ? [...text].map((c) => c.charCodeAt(0)) : text);
  const [old, fresh] = [list(from), list(to)];
  const found = bytes.findIndex((_, i) => old.every((byte, k) => bytes[i + k] === byte));
  if (found < 0) throw new Error(`${from} is not there`);
  return Uint8Array.from([...bytes.subarray(0, found), ...fresh, ...bytes.subarray(found + old.length)]);
}

/** Returns a custom section. */
export function customSection(name: string, content: string): Uint8Array {
  const body = new TextEncoder().encode(`${String.fromCharCode(name.length)}${name}${content}`);
  return Uint8Array.of(0, (body.length & 127) | 128, body.length >> 7, ...body);
}
