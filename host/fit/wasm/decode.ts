/**
 * Decodes a module's functions to lists of instructions with their positions in the file.
 *
 * In: the bytes of a valid .wasm file without SIMD; it is not validated.  Out: types, imports, globals,
 * functions.  Source: WebAssembly core specification 2.0, chapter 5 (binary format).  Cost: one pass.
 */
import { type WasmSection, wasmSections } from '../../../assembly/bundle/read.ts';
import { RunletError } from '../../../models/error.ts';

export interface Instruction {
  /** The opcode; 0xfc00 + the second number for opcodes with the prefix 0xfc. */
  op: number;
  /** Constant, index, label depth, or offset of a memory access. 64-bit constants are not exact. */
  value: number;
  /** br_table: depths, the default last. block, loop and if: types of the results. */
  list?: number[];
  /** Position of the first byte after it in the file. */
  end: number;
}

export interface FunctionType {
  params: number[];
  results: number[];
}

export interface WasmFunction {
  type: FunctionType;
  /** Types of parameters and locals, 0x7f i32 to 0x7c f64. */
  locals: number[];
  /** Positions in the file: first byte of the locals, first byte of the instructions, end of the function. */
  bodyStart: number;
  codeStart: number;
  codeEnd: number;
  code: Instruction[];
}

export interface DecodedModule {
  wasm: Uint8Array;
  sections: WasmSection[];
  types: FunctionType[];
  /** Types of the imported functions, which have the first function indices. */
  imported: FunctionType[];
  globals: number;
  functions: WasmFunction[];
}

export const op = {
  unreachable: 0x00,
  nop: 0x01,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
} as const;

class Reader {
  readonly bytes: Uint8Array;
  at: number;
  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }
  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined)
      throw new RunletError('RN762', {
        what: 'the module ends in the middle of its code',
        where: `byte ${this.at}`,
        tryThis: 'copy or build the bundle again',
      });
    return byte;
  }
  unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  signed(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return byte & 64 ? value - scale * 128 : value;
    }
  }
  times<T>(read: () => T): T[] {
    return Array.from({ length: this.unsigned() }, read);
  }
}

const none: FunctionType = { params: [], results: [] };

function instruction(reader: Reader, types: FunctionType[]): Instruction {
  let code = reader.byte();
  let value = 0;
  let list: number[] | undefined;
  if (code === 0xfc) code = 0xfc00 + reader.unsigned();
  if (code >= op.block && code <= op.if) {
    const type = reader.signed();
    list = type === -64 ? [] : type < 0 ? [type + 128] : (types[type] ?? none).results;
  } else if (code === op.brTable) {
    list = reader.times(() => reader.unsigned());
    list.push(reader.unsigned());
  } else if (code === op.br || code === op.brIf || code === op.call || (code >= op.localGet && code <= op.globalSet))
    value = reader.unsigned();
  else if (code === op.callIndirect) {
    value = reader.unsigned();
    reader.unsigned();
  } else if (code >= 0x28 && code <= 0x3e) {
    reader.unsigned();
    value = reader.unsigned();
  } else if (code === op.i32Const || code === op.i64Const) value = reader.signed();
  else if (code === op.f32Const) reader.at += 4;
  else if (code === op.f64Const) reader.at += 8;
  else if (code === 0x3f || code === 0x40 || code === 0xfc0b) reader.unsigned();
  else if (code === 0xfc0a) reader.at += 2;
  else if (code > 0xc4 && !(code >= 0xfc00 && code <= 0xfc07))
    throw new RunletError('RN761', {
      what: `the module has an instruction that interpreters on microcontrollers do not support, 0x${code.toString(16)}`,
      where: `byte ${reader.at - 1}`,
      why: code === 0xfd ? 'it is a SIMD128 instruction' : 'the module was not built by this version of Runlet',
      tryThis: 'build with --target interp or native',
    });
  return { op: code, value, list, end: reader.at };
}

/** Decodes a module. @throws RN600, RN601, RN762 the bytes are damaged; RN761 an unsupported instruction */
export function decodeModule(wasm: Uint8Array): DecodedModule {
  const sections = wasmSections(wasm);
  const open = (id: number) => {
    const section = sections.find((s) => s.id === id);
    return section ? new Reader(wasm, section.bytes.byteOffset - wasm.byteOffset) : new Reader(new Uint8Array(1), 0);
  };
  const typeReader = open(1);
  const types = typeReader.times((): FunctionType => {
    typeReader.byte();
    return { params: typeReader.times(() => typeReader.byte()), results: typeReader.times(() => typeReader.byte()) };
  });
  const importReader = open(2);
  const imported = importReader.times(() => {
    for (const _ of 'ab') importReader.at += importReader.unsigned(); // names of module and function
    importReader.byte();
    return types[importReader.unsigned()] ?? none; // bundles import functions only (RN607)
  });
  const functionReader = open(3);
  const typeOf = functionReader.times(() => types[functionReader.unsigned()] ?? none);
  const globals = open(6).unsigned();
  const reader = open(10);
  const functions = reader.times((): WasmFunction => {
    const size = reader.unsigned();
    const bodyStart = reader.at;
    const codeEnd = bodyStart + size;
    const type = typeOf.shift() ?? none;
    const locals = [...type.params];
    for (let groups = reader.unsigned(); groups > 0; groups--) {
      const count = reader.unsigned();
      const of = reader.byte();
      for (let i = 0; i < count; i++) locals.push(of);
    }
    const codeStart = reader.at;
    const code: Instruction[] = [];
    while (reader.at < codeEnd) code.push(instruction(reader, types));
    return { type, locals, bodyStart, codeStart, codeEnd, code };
  });
  return { wasm, sections, types, imported, globals, functions };
}
