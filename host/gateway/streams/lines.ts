/**
 * Lines: reads frames from standard input and serial lines, as text or binary messages.
 *
 * In: bytes as they arrive.  Out: calls of Intake.take.
 * Text: one tick per line, its numbers (input after input) separated by commas or spaces. With `numbered` the
 * first number is the tick's number. An unreadable line counts as a missing tick, like a lost one.
 * Binary: messages of wire.ts, each COBS-encoded and followed by a zero byte, so that a reader finds the next
 * message after noise. Source: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", 1999.
 * Back-pressure: if frames arrive too fast, reading from a pipe pauses. A serial line cannot wait, so its
 * frames are shed.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { isRunletError } from '../../../models/error.ts';
import type { Intake } from './intake.ts';
import { readFrames } from './wire.ts';

export const lineFormats = ['csv', 'binary'] as const;

export interface LinesOptions {
  stream: string;
  slot?: string;
  format: (typeof lineFormats)[number];
  /** True if the first number of a line is the tick's number. */
  numbered?: boolean;
  /** True if the sender can wait (a pipe), so that reading may pause. */
  patient?: boolean;
}

export interface LineCounts {
  lines: number;
  /** Lines or messages that could not be read or were refused. */
  bad: number;
}

const maxLineBytes = 1 << 16;
/** Time between two checks of the queue while reading pauses, in milliseconds. */
const waitMs = 5;

const kinds = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array } as const;

/** Returns the bytes of a tick; undefined if the count of numbers is wrong or one does not fit its type. */
export function tickOf({ inputs }: Pick<Manifest, 'inputs'>, numbers: readonly number[]): Uint8Array | undefined {
  let at = 0;
  const parts = inputs.map(({ hostType, elements, rate = 1 }) => {
    const part = numbers.slice(at, at + elements * rate);
    at += elements * rate;
    const values = kinds[hostType].from(part);
    const fits = hostType === 'float32' ? part.every(Number.isFinite) : part.every((x, i) => x === values[i]);
    return fits ? new Uint8Array(values.buffer, 0, values.byteLength) : undefined;
  });
  if (at !== numbers.length || parts.some((part) => !part)) return undefined;
  return Uint8Array.from((parts as Uint8Array[]).flatMap((part) => [...part]));
}

/** Returns the COBS encoding of a message, which has no zero bytes. */
export function cobs(bytes: Uint8Array): Uint8Array {
  const out: number[] = [0];
  let code = 0;
  for (const byte of bytes) {
    if (byte !== 0) out.push(byte);
    if (byte === 0 || out.length - code === 255) {
      out[code] = out.length - code;
      code = out.push(0) - 1;
    }
  }
  out[code] = out.length - code;
  return Uint8Array.from(out);
}

/** Decodes COBS. @returns the message, or undefined if the encoding is invalid. */
export function uncobs(bytes: Uint8Array): Uint8Array | undefined {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at] as number;
    if (code === 0 || at + code > bytes.length) return undefined;
    out.set(bytes.subarray(at + 1, at + code), length);
    length += code - 1;
    at += code;
    if (code < 255 && at < bytes.length) length++;
  }
  return out.slice(0, length);
}

/** Yields the parts between separator bytes as they arrive, and undefined for a part above maxLineBytes. */
async function* partsOf(bytes: AsyncIterable<Uint8Array>, separator: number): AsyncGenerator<Uint8Array | undefined> {
  let rest: Uint8Array = new Uint8Array();
  for await (const piece of bytes) {
    const all = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
    let from = 0;
    for (let to = all.indexOf(separator); to >= 0; to = all.indexOf(separator, from)) {
      if (to > from) yield all.subarray(from, to);
      from = to + 1;
    }
    rest = all.slice(from);
    if (rest.length <= maxLineBytes) continue;
    rest = new Uint8Array();
    yield undefined;
  }
  if (rest.length > 0) yield rest;
}

const newline = 10;

/** Errors that concern one line or message; after any other no further one could be taken. */
const ofOneMessage = new Set(['RN842', 'RN844', 'RN870', 'RN874', 'RN894']);

/**
 * Reads frames until the bytes end.
 * @throws the gateway's error if it cannot take any frames: it has no bundle, or the module has failed.
 */
export async function readLines(
  intake: Intake,
  bytes: AsyncIterable<Uint8Array>,
  { stream, slot, format, numbered, patient }: LinesOptions,
  counts: LineCounts = { lines: 0, bad: 0 },
): Promise<LineCounts> {
  const { gateway } = intake;
  const decoder = new TextDecoder();
  const messageOf = (part: Uint8Array) => {
    if (format === 'binary') {
      const message = uncobs(part);
      return message && readFrames(message);
    }
    const text = decoder.decode(part).trim();
    const manifest = gateway.slots.get(gateway.streams.get(stream)?.slot ?? slot ?? 'main')?.active?.manifest;
    const numbers = text.split(/[\s,;]+/).map((word) => (word === '' ? Number.NaN : Number(word)));
    const from = numbered ? numbers.shift() : undefined;
    if (from !== undefined && !(Number.isSafeInteger(from) && from >= 0)) return undefined;
    const tick = manifest && tickOf(manifest, numbers);
    return tick && { from, bytes: tick };
  };
  for await (const part of partsOf(bytes, format === 'binary' ? 0 : newline)) {
    counts.lines++;
    try {
      const message = part && messageOf(part);
      if (!message) {
        counts.bad++;
        // a line is one tick; the number of ticks in a damaged message is unknown
        intake.unreadable(stream, format === 'csv' ? 1 : undefined);
        continue;
      }
      const id = ('stream' in message && message.stream) || stream;
      while (patient && intake.isBehind(id)) await new Promise((resolve) => setTimeout(resolve, waitMs));
      intake.take({ timestampMs: patient ? undefined : Date.now(), ...message, stream: id, slot });
    } catch (error) {
      if (isRunletError(error) && error.code === 'RN870') intake.unreadable(stream);
      if (!isRunletError(error) || !ofOneMessage.has(error.code)) throw error;
      counts.bad++;
    }
  }
  return counts;
}
