/**
 * Binary messages of frames and outputs, for WebSocket, MQTT and serial lines (docs/streams.md).
 *
 * Little endian. All begin with: u8 version 1; u8 flags (1: a tick number is given, 2: a timestamp, 4: a
 * window that a device chose); u16 offset of the frames or values; u32 bytes of the stream's name (0 if the
 * topic or line defines it).
 * Frames, from byte 8: u64 number of the first tick; u64 its timestamp in microseconds since 1970; the name;
 * zeros up to a multiple of 4; the frames.
 * Window of a device (host/mcu/runlet-collect.h): as frames, with 16 more bytes before the name: u64 number
 * of the output; u32 first bytes of the bundle's SHA-256, or 0; float32 margin. Instead of frames, the window
 * and then the outputs, as the model stores them.
 * Output, from byte 8: u64 number of the output; u64 number of its last tick; u64 timestamp of that tick; u32
 * first bytes of the bundle's SHA-256; u32 filled ticks in its window; the name; zeros; the float32 values of
 * all outputs, one after the other.
 * Errors: RN870. Exact up to 2^53. Cost: a copy of an output's values; frames are not copied when read.
 */
import { RunletError } from '../../../models/error.ts';
import type { DeviceWindow } from '../collect/device-window.ts';

export interface FramesMessage {
  stream?: string;
  from?: number;
  timestampMs?: number;
  bytes: Uint8Array;
  /** Present if this is no part of a signal, but a window that a device chose. */
  window?: DeviceWindow;
}

export interface OutputMessage {
  stream: string;
  sequence: number;
  /** The sender's number of the output's last tick. */
  tick: number;
  timestampMs?: number;
  /** The first 4 bytes of the bundle's SHA-256, in hex. */
  digest: string;
  filled: number;
  values: Float32Array;
}

const version = 1;
const flags = { from: 1, timestamp: 2, window: 4 } as const;
const framesHeader = 24;
const windowHeader = 40;
const outputHeader = 40;
const maxNameBytes = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const padded = (bytes: number): number => (bytes + 3) & ~3;
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function putU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}
const getU64 = (view: DataView, at: number): number => view.getUint32(at, true) + 2 ** 32 * view.getUint32(at + 4, true);

const bad = (why: string): RunletError =>
  new RunletError('RN870', {
    what: 'this is not a frames message',
    where: 'message',
    why,
    tryThis: 'see docs/streams.md for the layout',
  });

function begin(header: number, stream: string, flagBits: number, payloadBytes: number): [Uint8Array, DataView, number] {
  const name = encoder.encode(stream);
  const offset = header + padded(name.length);
  const bytes = new Uint8Array(offset + payloadBytes);
  const view = viewOf(bytes);
  view.setUint8(0, version);
  view.setUint8(1, flagBits);
  view.setUint16(2, offset, true);
  view.setUint32(4, name.length, true);
  bytes.set(name, header);
  return [bytes, view, offset];
}

/** Checks and reads the first 8 bytes and the name. @throws RN870 */
function opened(bytes: Uint8Array, header: number): { view: DataView; offset: number; stream: string | undefined } {
  if (bytes.length < header) throw bad(`it has ${bytes.length} bytes, and the header alone has ${header}`);
  const view = viewOf(bytes);
  if (view.getUint8(0) !== version) throw bad(`its version is ${view.getUint8(0)}, and only version ${version} is known`);
  const offset = view.getUint16(2, true);
  const name = view.getUint32(4, true);
  if (name > maxNameBytes || offset < header + name || offset > bytes.length || offset % 4 !== 0)
    throw bad(`a name of ${name} bytes, and frames at byte ${offset} of ${bytes.length}`);
  return { view, offset, stream: name > 0 ? decoder.decode(bytes.subarray(header, header + name)) : undefined };
}

export function writeFrames({ stream = '', from, timestampMs, bytes: frames, window }: FramesMessage): Uint8Array {
  const bits =
    (from === undefined ? 0 : flags.from) | (timestampMs === undefined ? 0 : flags.timestamp) | (window ? flags.window : 0);
  const [bytes, view, offset] = begin(window ? windowHeader : framesHeader, stream, bits, frames.length);
  putU64(view, 8, from ?? 0);
  putU64(view, 16, Math.round(1000 * (timestampMs ?? 0)));
  if (window) {
    putU64(view, 24, window.sequence);
    view.setUint32(32, Number.parseInt(window.digest.slice(0, 8), 16));
    view.setFloat32(36, window.margin, true);
  }
  bytes.set(frames, offset);
  return bytes;
}

const digestAt = (view: DataView, at: number): string => view.getUint32(at).toString(16).padStart(8, '0');

/** @throws RN870 */
function windowOf(view: DataView): DeviceWindow {
  const [sequence, margin] = [getU64(view, 24), view.getFloat32(36, true)];
  if (sequence > 2 ** 52 || !(margin >= 0 && margin < Infinity))
    throw bad(`a window of output ${sequence} with a margin of ${margin}`);
  return { sequence, digest: digestAt(view, 32), margin };
}

/** Reads a message of frames; the frames are a view of `bytes`. @throws RN870 */
export function readFrames(bytes: Uint8Array): FramesMessage {
  const isWindow = bytes.length > 1 && ((bytes[1] as number) & flags.window) > 0;
  const { view, offset, stream } = opened(bytes, isWindow ? windowHeader : framesHeader);
  const bits = view.getUint8(1);
  const from = bits & flags.from ? getU64(view, 8) : undefined;
  if (from !== undefined && from > 2 ** 52) throw bad(`tick ${from} is beyond 2^52`);
  const timestampMs = bits & flags.timestamp ? getU64(view, 16) / 1000 : undefined;
  return { stream, from, timestampMs, bytes: bytes.subarray(offset), ...(isWindow && { window: windowOf(view) }) };
}

export function writeOutput(stream: string, { sequence, tick, timestampMs, digest, filled, values }: OutputMessage): Uint8Array {
  const [bytes, view, offset] = begin(outputHeader, stream, timestampMs === undefined ? 0 : flags.timestamp, 4 * values.length);
  putU64(view, 8, sequence);
  putU64(view, 16, tick);
  putU64(view, 24, Math.round(1000 * (timestampMs ?? 0)));
  view.setUint32(32, Number.parseInt(digest.slice(0, 8), 16));
  view.setUint32(36, filled, true);
  values.forEach((value, i) => {
    view.setFloat32(offset + 4 * i, value, true);
  });
  return bytes;
}

/** Reads a message of an output. @throws RN870 */
export function readOutput(bytes: Uint8Array): OutputMessage {
  const { view, offset, stream = '' } = opened(bytes, outputHeader);
  const values = Float32Array.from({ length: (bytes.length - offset) >> 2 }, (_, i) => view.getFloat32(offset + 4 * i, true));
  return {
    stream,
    sequence: getU64(view, 8),
    tick: getU64(view, 16),
    ...(view.getUint8(1) & flags.timestamp && { timestampMs: getU64(view, 24) / 1000 }),
    digest: digestAt(view, 32),
    filled: view.getUint32(36, true),
    values,
  };
}
