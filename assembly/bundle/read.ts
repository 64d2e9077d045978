/**
 * Reads a bundle's manifest and counts its bytes, without compiling it.
 *
 * In: the bytes of a .wasm file.  Out: a checked Manifest; the list of sections; bytes of code, data and
 * custom sections.
 * Source: WebAssembly core specification 1.0, section 5.5 (modules are sections `id:byte size:u32 payload`).
 * Every length is checked before it is used, so any bytes give a result or a RunletError. Cost: one pass over
 * the headers.
 */
import { RunletError } from '../../models/error.ts';
import { checkManifest } from './check.ts';
import { importsOf, type Manifest, manifestSection } from './manifest.ts';

export interface WasmSection {
  /** 0 custom, 1 type, 2 import, 5 memory, 8 start, 10 code, 11 data (core specification 5.5.2). */
  id: number;
  /** Custom sections only. */
  name?: string;
  /** Offset of the section's id byte in the file. */
  offset: number;
  /** Length of the whole section in the file: id, size and payload. */
  fileBytes: number;
  /** The payload; in a custom section, the part after the name. A view, not a copy. */
  bytes: Uint8Array;
}

export interface WasmBytes {
  fileBytes: number;
  /** Bytes that the data segments put into memory. */
  dataBytes: number;
  /** Bytes of whole custom sections, the manifest included. */
  customBytes: number;
  /** fileBytes - dataBytes - customBytes: what an engine reads as a program. */
  codeBytes: number;
}

const truncated = (at: number, what: string): RunletError =>
  new RunletError('RN601', {
    what: `the module breaks off or is damaged at ${what}`,
    where: `byte ${at}`,
    tryThis: 'copy or build the bundle again',
  });

/** A cursor over bytes[at, end) that throws RN601 instead of reading past the end. */
export class Cursor {
  bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(what: string): number {
    if (this.at >= this.end) throw truncated(this.at, what);
    return this.bytes[this.at++] as number;
  }

  /** Reads unsigned LEB128 of at most 32 bits (core specification 5.2.2). */
  u32(what: string): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte(what);
      if (shift === 28 && byte > 0x0f) throw truncated(start, `${what} (more than 32 bits)`);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw truncated(start, what);
  }

  take(count: number, what: string): Uint8Array {
    if (count > this.end - this.at) throw truncated(this.at, `${what} (${count} bytes declared, ${this.end - this.at} left)`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
}

/** Decodes strict UTF-8; undefined if the bytes are not UTF-8. */
const utf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/**
 * Yields the sections of a module in file order. Bytes after a section are not read before the next one is
 * requested.
 * @throws RN600 if the bytes are not a WebAssembly module of version 1, RN601 if a section reaches past the
 * end.
 */
export function* eachSection(wasm: Uint8Array): Generator<WasmSection, void, undefined> {
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (wasm.length < 8 || magic.some((byte, i) => wasm[i] !== byte))
    throw new RunletError('RN600', {
      what: 'this is not a WebAssembly module',
      where: 'byte 0',
      why: 'the first 8 bytes are not \\0asm and version 1',
      tryThis: 'give the .wasm file that `runlet build` wrote',
    });
  const file = new Cursor(wasm, 8, wasm.length);
  while (file.at < wasm.length) {
    const offset = file.at;
    const id = file.byte('a section id');
    const bytes = file.take(file.u32('a section size'), `section ${id}`);
    const section: WasmSection = { id, offset, fileBytes: file.at - offset, bytes };
    if (id === 0) {
      const inside = new Cursor(wasm, file.at - bytes.length, file.at);
      const name = utf8(inside.take(inside.u32('a section name'), 'a section name'));
      if (name === undefined) throw truncated(offset, 'a section name that is not UTF-8');
      section.name = name;
      section.bytes = wasm.subarray(inside.at, inside.end);
    } else if (id > 13) throw truncated(offset, `a section of unknown kind ${id}`);
    yield section;
  }
}

/** Returns all sections of a module. @throws as eachSection */
export const wasmSections = (wasm: Uint8Array): WasmSection[] => [...eachSection(wasm)];

/** Skips a constant expression (i32.const, i64.const or global.get, then end). */
function skipConstant(cursor: Cursor): void {
  const opcode = cursor.byte('a segment offset');
  if (opcode !== 0x41 && opcode !== 0x42 && opcode !== 0x23) throw truncated(cursor.at - 1, 'a segment offset');
  let left = 10;
  while (cursor.byte('a segment offset') >= 0x80) if (--left === 0) throw truncated(cursor.at, 'a segment offset');
  if (cursor.byte('a segment offset') !== 0x0b) throw truncated(cursor.at - 1, 'a segment offset');
}

/** Counts the bytes of the data segments. */
function payloadOf(section: WasmSection): number {
  const cursor = new Cursor(section.bytes, 0, section.bytes.length);
  let sum = 0;
  const segments = cursor.u32('the number of data segments');
  for (let i = 0; i < segments; i++) {
    const kind = cursor.u32('a data segment');
    if (kind > 2) throw truncated(section.offset, `a data segment of unknown kind ${kind}`);
    if (kind === 2) cursor.u32('a memory index');
    if (kind !== 1) skipConstant(cursor);
    sum += cursor.take(cursor.u32('a data segment'), 'a data segment').length;
  }
  return sum;
}

/**
 * Counts the bytes of a module file: codeBytes = file - data payload - custom sections.
 * @throws RN600, RN601
 */
export function wasmBytes(wasm: Uint8Array): WasmBytes {
  let dataBytes = 0;
  let customBytes = 0;
  for (const section of wasmSections(wasm)) {
    if (section.id === 0) customBytes += section.fileBytes;
    if (section.id === 11) dataBytes += payloadOf(section);
  }
  return { fileBytes: wasm.length, dataBytes, customBytes, codeBytes: wasm.length - dataBytes - customBytes };
}

/**
 * Checks that a bundle has no imports, so that it can reach only its own memory. A bundle whose weights are
 * fetched imports `runlet.weights`, and a WASI command three functions.
 * @throws RN601, RN607
 */
function checkImports(sections: WasmSection[], manifest: Manifest): void {
  const names: string[] = [];
  for (const section of sections.filter(({ id }) => id === 2)) {
    const cursor = new Cursor(section.bytes, 0, section.bytes.length);
    const count = cursor.u32('the number of imports');
    const text = () => utf8(cursor.take(cursor.u32("an import's name"), "an import's name")) ?? '?';
    // stop at the first import that is not a function
    for (let i = 0; i < count && !names.includes('?'); i++) {
      names.push(`${text()}.${text()}`);
      if (cursor.byte('an import') === 0) cursor.u32("an import's type");
      else names.push('?');
    }
  }
  const wanted = importsOf(manifest).join(', ');
  if (names.sort().join(', ') === wanted) return;
  throw new RunletError('RN607', {
    what: `the module imports ${names.join(', ') || 'nothing'}`,
    where: 'import section',
    why: wanted
      ? `its manifest needs ${wanted}`
      : 'a bundle may import only functions that fetch its weights or make it a WASI command, and its manifest has neither',
    tryThis: 'build the bundle again',
  });
}

/** Largest manifest, in bytes. A choice far above any real one: hostile files must not fill memory. */
const manifestLimitBytes = 4 << 20;

/**
 * Reads the manifest from the content of the custom section `runlet` (WebAssembly.Module.customSections).
 * @throws RN603 if it is not UTF-8 JSON, RN604 if it has another version, RN605 if a field is missing or out
 * of range, RN606 if fields disagree.
 */
export function parseManifest(section: Uint8Array): Manifest {
  const text = section.length <= manifestLimitBytes ? utf8(section) : undefined;
  let value: unknown;
  let why = `it has ${section.length} bytes and is not UTF-8 text of at most ${manifestLimitBytes} bytes`;
  try {
    if (text !== undefined) value = JSON.parse(text);
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  if (value === undefined)
    throw new RunletError('RN603', {
      what: 'the manifest is not JSON',
      where: `custom section ${manifestSection}`,
      why,
      tryThis: 'build the bundle again',
    });
  return checkManifest(value);
}

/**
 * Reads the manifest of a bundle.
 * @param wasm the whole .wasm file.
 * @throws RN600-RN607 (docs/errors.md).
 */
export function readManifest(wasm: Uint8Array): Manifest {
  const sections = wasmSections(wasm);
  const found = sections.filter((section) => section.name === manifestSection);
  const [section] = found;
  if (!section || found.length > 1)
    throw new RunletError('RN602', {
      what: section ? 'the module has more than one manifest' : 'the module has no manifest',
      where: `custom section ${manifestSection}`,
      why: section ? 'it is not clear which one holds' : 'it was not built by Runlet, or its custom sections were stripped',
      tryThis: 'build the bundle again, and do not strip it',
    });
  const manifest = parseManifest(section.bytes);
  checkImports(sections, manifest);
  return manifest;
}
