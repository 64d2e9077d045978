/**
 * Edits a compiled module's sections: puts the weights and tables in as one data segment, drops the build's own exports, adds custom sections.
 *
 * In: WebAssembly bytes.  Out: WebAssembly bytes.  Source: WebAssembly core specification 2.0, section 5 (binary format).
 */
import { RunletError } from '../../models/error.ts';

export interface Section {
  id: number;
  /** Without id and length. */
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

/** Signed LEB128, for i32.const. */
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

function readLeb(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** shift;
    if (!(byte & 0x80)) return [value, at];
  }
  throw new RunletError('RN502', { what: 'malformed length in a compiled module', where: `byte ${at}` });
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

/** Memory index 0, active, i32.const address. */
function dataSection(address: number, data: Uint8Array): Section {
  const head = [1, 0, 0x41, ...sleb(address), 0x0b, ...leb(data.length)];
  const body = new Uint8Array(head.length + data.length);
  body.set(head);
  body.set(data, head.length);
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

/** The module with `data` as its only segment at `address`; data sections and custom sections of the compiler are dropped. */
export function withData(wasm: Uint8Array, address: number, data: Uint8Array): Uint8Array {
  const kept = sectionsOf(wasm).filter((s) => s.id !== 0 && s.id !== 11 && s.id !== 12);
  return moduleOf([...kept, dataSection(address, data)]);
}
