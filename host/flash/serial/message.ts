/**
 * Requests and answers of the serial line.
 *
 * In: a request's values; an answer's payload.  Out: a request's payload; the values of the answer. Little
 * endian.  Source: numbers and layout of docs/serial.md and host/mcu/runlet-serial.c.
 */
import { hexOf, join } from '../../../assembly/bundle/keys.ts';
import type { Frame } from './frame.ts';

export const protocolVersion = 2;

export const requestTypes = {
  hello: 1,
  begin: 2,
  data: 3,
  end: 4,
  try: 5,
  confirm: 6,
  revert: 7,
  status: 8,
  bye: 9,
} as const;
export type Request = keyof typeof requestTypes;

const answerBit = 0x80;
/** Type of a frame that reports the arrival of a broken frame. */
const brokenType = 0xff;

/** Codes of runlet-flash.h. */
export const deviceCodes = {
  ok: 0,
  use: -1,
  io: -2,
  size: -3,
  floor: -4,
  busy: -5,
  offset: -6,
  other: -7,
  short: -8,
  digest: -9,
  image: -10,
  module: -11,
  order: -12,
  unproven: -13,
  sequence: -14,
} as const;

/** States, indexed by their number in flash. */
export const slotStates = ['unknown', 'receiving', 'staged', 'trial', 'trying', 'confirmed', 'previous', 'rejected'] as const;
export type SlotState = (typeof slotStates)[number] | 'broken';

export interface SlotStatus {
  state: SlotState;
  /** Sequence number of the bundle; 0 if it has none. */
  sequence: number;
  bytes: number;
  /** SHA-256 of the image in hex. */
  digest: string;
  name: string;
}

export interface DeviceStatus {
  version: number;
  /** Largest number of image bytes in one frame. */
  dataBytes: number;
  slotBytes: number;
  /** Highest sequence number that was ever confirmed; on a device without keys it never changes. */
  floor: number;
  /** Index of the slot that runs; -1 if none runs. */
  running: number;
  slots: SlotStatus[];
}

export interface Answer {
  code: number;
  /** Further code, of runlet-image.h or runlet.h. */
  detail: number;
  /** Number of bytes of the image that the device has. */
  receivedBytes: number;
  /** True if the running model was opened and passed its self-test. */
  proven: boolean;
  /** True if the device restarts after this answer. */
  restarts: boolean;
  /** Status of the device; only in answers to hello and status. */
  status?: DeviceStatus;
}

const slotBytesOnLine = 76;
const answerBytes = 16;
const statusBytes = answerBytes + 16 + 2 * slotBytesOnLine;
export const maxNameBytes = 31;

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

export const helloPayload = (): Uint8Array => words(protocolVersion);

/**
 * Returns the payload of `begin`.
 * @param sequence number of the bundle, 0 for none. @param name is cut after at most 31 bytes, between
 * characters.
 */
export function beginPayload(imageBytes: number, digest: Uint8Array, sequence: number, name: string): Uint8Array {
  const room = new Uint8Array(maxNameBytes + 1);
  new TextEncoder().encodeInto(name.replaceAll('\0', ''), room.subarray(0, maxNameBytes));
  return join(words(imageBytes, sequence), digest, room);
}

export const dataPayload = (digest: Uint8Array, offset: number, bytes: Uint8Array): Uint8Array =>
  join(digest.subarray(0, 4), words(offset), bytes);

/** Returns true if a frame answers a request, or `broken` if the device reports a broken frame. */
export function answersTo(frame: Frame, request: Request, sequence: number): boolean | 'broken' {
  if (frame.type === brokenType) return 'broken';
  return frame.type === (requestTypes[request] | answerBit) && frame.sequence === sequence;
}

/** Reads an answer. @returns undefined if the payload does not have the length of an answer. */
export function readAnswer(payload: Uint8Array): Answer | undefined {
  if (payload.length !== answerBytes && payload.length !== statusBytes) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const flags = view.getUint32(12, true);
  const answer: Answer = {
    code: view.getInt32(0, true),
    detail: view.getInt32(4, true),
    receivedBytes: view.getUint32(8, true),
    proven: (flags & 1) !== 0,
    restarts: (flags & 2) !== 0,
  };
  if (payload.length === answerBytes) return answer;
  const slots = [0, 1].map((slot): SlotStatus => {
    const at = answerBytes + 16 + slot * slotBytesOnLine;
    const name = payload.subarray(at + 44, at + slotBytesOnLine);
    return {
      state: slotStates[view.getUint32(at, true)] ?? 'broken',
      sequence: view.getUint32(at + 4, true),
      bytes: view.getUint32(at + 8, true),
      digest: hexOf(payload.subarray(at + 12, at + 44)),
      name: new TextDecoder().decode(name.subarray(0, (name.indexOf(0) + name.length + 1) % (name.length + 1))),
    };
  });
  answer.status = {
    version: view.getUint16(16, true),
    dataBytes: view.getUint16(18, true),
    slotBytes: view.getUint32(20, true),
    floor: view.getUint32(24, true),
    running: view.getInt32(28, true),
    slots,
  };
  return answer;
}
