/**
 * Frames of the serial line: SLIP with a header and a CRC-32, among a console's text.
 *
 * In: a frame, or bytes as they come.  Out: bytes for the line, or frames and the text between them.  Layout:
 * docs/serial.md; host/mcu/runlet-serial.c speaks the other side.  The delimiter 0xc0 is no byte of UTF-8;
 * CR, LF, XON and XOFF never stand in a frame, so that no driver translates one and no console takes a part
 * of it for a command.  Cost: a frame is 2.3 % longer than its bytes where these are random.
 */
import { crc32 } from '../../../assembly/bundle/image.ts';

export interface Frame {
  type: number;
  /** 16 bits; an answer has its request's. */
  sequence: number;
  payload: Uint8Array;
}

export const frameDelimiter = 0xc0;
const escapeByte = 0xdb;
/** Bytes that never stand in a frame, and what stands behind the escape in place of each. */
const escapes: ReadonlyMap<number, number> = new Map([
  [frameDelimiter, 0xdc],
  [escapeByte, 0xdd],
  [0x11, 0xde],
  [0x13, 0xdf],
  [0x0a, 0xe0],
  [0x0d, 0xe1],
]);
const escaped: ReadonlyMap<number, number> = new Map([...escapes].map(([byte, code]) => [code, byte]));

const headerBytes = 5;
const crcBytes = 4;
/** More than any frame has: what is longer is text, or noise. */
const mostFrameBytes = 4096;

/** A frame as it goes over the line, delimiters included. */
export function encodeFrame({ type, sequence, payload }: Frame): Uint8Array {
  const raw = new Uint8Array(headerBytes + payload.length + crcBytes);
  const view = new DataView(raw.buffer);
  raw[0] = type;
  view.setUint16(1, sequence, true);
  view.setUint16(3, payload.length, true);
  raw.set(payload, headerBytes);
  view.setUint32(headerBytes + payload.length, crc32(raw.subarray(0, -crcBytes)), true);
  const line: number[] = [frameDelimiter];
  for (const byte of raw) {
    const code = escapes.get(byte);
    if (code === undefined) line.push(byte);
    else line.push(escapeByte, code);
  }
  line.push(frameDelimiter);
  return Uint8Array.from(line);
}

/** The bytes between two delimiters as a frame; undefined where they are none. */
function decodeFrame(between: readonly number[]): Frame | undefined {
  const raw: number[] = [];
  for (let i = 0; i < between.length; i++) {
    const byte = between[i] as number;
    const meant = byte === escapeByte ? escaped.get(between[++i] ?? -1) : byte;
    if (meant === undefined) return undefined;
    raw.push(meant);
  }
  if (raw.length < headerBytes + crcBytes) return undefined;
  const bytes = Uint8Array.from(raw);
  const view = new DataView(bytes.buffer);
  const payload = bytes.slice(headerBytes, -crcBytes);
  if (view.getUint16(3, true) !== payload.length) return undefined;
  if (view.getUint32(bytes.length - crcBytes, true) !== crc32(bytes.subarray(0, -crcBytes))) return undefined;
  return { type: raw[0] as number, sequence: view.getUint16(1, true), payload };
}

/**
 * Takes bytes in pieces of any length. What is no frame is text: of the device's log, or what is left of a
 * frame that was damaged.
 */
export class FrameReader {
  #between: number[] = [];
  #decoder = new TextDecoder();

  push(bytes: Uint8Array): { frames: Frame[]; text: string } {
    const frames: Frame[] = [];
    let text = '';
    const end = (): void => {
      const frame = decodeFrame(this.#between);
      if (frame) frames.push(frame);
      else text += this.#decoder.decode(Uint8Array.from(this.#between), { stream: true });
      this.#between = [];
    };
    for (const byte of bytes) {
      if (byte === frameDelimiter || this.#between.length >= mostFrameBytes) end();
      if (byte === frameDelimiter) continue;
      this.#between.push(byte);
      // no frame has a line break: what has one need not wait for a delimiter
      if (byte === 0x0a) end();
    }
    return { frames, text };
  }
}
