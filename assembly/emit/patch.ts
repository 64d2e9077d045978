/**
 * Edits the sections of a compiled module: adds weights and tables as data segments, drops the compiler's
 * data and custom sections, adds custom sections, and changes memory and globals.
 *
 * In: WebAssembly bytes.  Out: WebAssembly bytes.  Source: WebAssembly core specification 2.0, section 5
 * (binary format).
 */
import { RunletError } from '../../models/error.ts';

export interface Section {
  id: number;
  /** Content of the section, without id and length. */
  body: Uint8Array;
}

export function leb(value: number): number[] {
  const out: number[] = [];
  let rest = value >>> 0;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest ? byte | 0x80 : byte);
  } while (rest);
  return out;
}

/** Encodes a number as signed LEB128, for i32.const. */
export function sleb(value: number): number[] {
  const out: number[] = [];
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && !(byte & 0x40)) || (rest === -1 && byte & 0x40);
    out.push(done ? byte : byte | 0x80);
    if (done) return out;
  }
}

export function readLeb(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** shift;
    if (!(byte & 0x80)) return [value, at];
  }
  throw new RunletError('RN502', { what: 'malformed length in a compiled module', where: `byte ${at}` });
}

/** Reads an i32 in signed LEB128. */
function readSigned(bytes: Uint8Array, at: number): number {
  const [value, next] = readLeb(bytes, at);
  const bits = 7 * (next - at);
  return bits < 32 && (bytes[next - 1] as number) & 0x40 ? value - 2 ** bits : value | 0;
}

export function sectionsOf(wasm: Uint8Array): Section[] {
  const sections: Section[] = [];
  let at = 8;
  while (at < wasm.length) {
    const id = wasm[at] as number;
    const [length, start] = readLeb(wasm, at + 1);
    sections.push({ id, body: wasm.subarray(start, start + length) });
    at = start + length;
  }
  return sections;
}

export function moduleOf(sections: Section[]): Uint8Array {
  const parts: number[][] = [];
  const bodies = sections.map((s) => s.body);
  for (const { id, body } of sections) parts.push([id, ...leb(body.length)]);
  const total = 8 + parts.reduce((n, p, i) => n + p.length + (bodies[i]?.length ?? 0), 0);
  const out = new Uint8Array(total);
  out.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  let at = 8;
  parts.forEach((header, i) => {
    out.set(header, at);
    out.set(bodies[i] as Uint8Array, at + header.length);
    at += header.length + (bodies[i]?.length ?? 0);
  });
  return out;
}

/** Initial content of memory at an address. */
export interface Segment {
  address: number;
  data: Uint8Array;
}

/** Makes a data section of active segments: memory index 0, i32.const address. */
function dataSection(segments: Segment[]): Section {
  const parts = segments.flatMap(({ address, data }) => [[0, 0x41, ...sleb(address), 0x0b, ...leb(data.length)], data]);
  const body = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, leb(segments.length).length));
  body.set(leb(segments.length));
  let at = leb(segments.length).length;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return { id: 11, body };
}

export function customSection(name: string, content: Uint8Array): Section {
  const label = new TextEncoder().encode(name);
  const head = [...leb(label.length), ...label];
  const body = new Uint8Array(head.length + content.length);
  body.set(head);
  body.set(content, head.length);
  return { id: 0, body };
}

/** Returns the module with these segments, without data and custom sections of the compiler. */
export function withData(wasm: Uint8Array, ...segments: Segment[]): Uint8Array {
  const kept = sectionsOf(wasm).filter((s) => s.id !== 0 && s.id !== 11 && s.id !== 12);
  return moduleOf([...kept, dataSection(segments)]);
}

/**
 * Splits a vector of a section (count, then entries) into the bytes of its entries. `entryEnd` returns where
 * the entry at an offset ends.
 */
export function entriesOf(body: Uint8Array, entryEnd: (at: number) => number): Uint8Array[] {
  let [left, at] = readLeb(body, 0);
  const entries: Uint8Array[] = [];
  for (; left > 0; left--) {
    const end = entryEnd(at);
    entries.push(body.subarray(at, end));
    at = end;
  }
  return entries;
}

/** Returns the indexes of exported globals, by name. */
function globalExports(body: Uint8Array): Map<string, number> {
  const kindAt = (at: number) => readLeb(body, at).reduce((length, start) => length + start);
  const found = new Map<string, number>();
  for (const entry of entriesOf(body, (at) => readLeb(body, kindAt(at) + 1)[1])) {
    const [length, start] = readLeb(entry, 0);
    const name = new TextDecoder().decode(entry.subarray(start, start + length));
    if (entry[start + length] === 3) found.set(name, readLeb(entry, start + length + 1)[0]);
  }
  return found;
}

/** Returns where a global's entry ends: type, mutability, i32.const, its value, end. */
function globalEnd(body: Uint8Array, at: number): number {
  if (body[at] !== 0x7f || body[at + 2] !== 0x41)
    throw new RunletError('RN502', {
      what: 'a global of a compiled module is not an i32 constant',
      where: `byte ${at} of its section`,
    });
  return readLeb(body, at + 3)[1] + 1;
}

/** Returns the value of an exported i32 global. */
export function exportedNumber(wasm: Uint8Array, name: string): number | undefined {
  const sections = sectionsOf(wasm);
  const body = (id: number) => sections.find((s) => s.id === id)?.body ?? new Uint8Array(1);
  const globals = entriesOf(body(6), (at) => globalEnd(body(6), at));
  const entry = globals[globalExports(body(7)).get(name) ?? -1];
  return entry && readSigned(entry, 3);
}

export const vector = (entries: ArrayLike<number>[]): Uint8Array =>
  Uint8Array.from([...leb(entries.length), ...entries.flatMap((entry) => Array.from(entry))]);

/** Returns the module with a fixed memory of `pages` and other values of exported i32 globals. */
export function withMemory(wasm: Uint8Array, pages: number, globals: Record<string, number>): Uint8Array {
  const sections = sectionsOf(wasm);
  const exported = globalExports(sections.find((s) => s.id === 7)?.body ?? new Uint8Array(1));
  const values = new Map(Object.entries(globals).map(([name, value]) => [exported.get(name), value]));
  return moduleOf(
    sections.map(({ id, body }) => {
      if (id === 5) return { id, body: Uint8Array.from([1, 1, ...leb(pages), ...leb(pages)]) };
      if (id !== 6) return { id, body };
      const entries = entriesOf(body, (at) => globalEnd(body, at));
      const changed = entries.map((entry, i) => {
        const value = values.get(i);
        return value === undefined ? entry : [entry[0] as number, entry[1] as number, 0x41, ...sleb(value), 0x0b];
      });
      return { id, body: vector(changed) };
    }),
  );
}
