/**
 * Record: one collected window as bytes, and back.
 *
 * In: facts, the signal as it was fed, the stored outputs.  Out: bytes; a checked record.
 * Errors: RN877 for bytes that are no record.
 *
 *     record   u32 bytes of the head, little endian; head as JSON; signal; outputs;
 *              the answer of the other version
 */
import * as v from 'valibot';
import type { PortManifest } from '../../../assembly/bundle/manifest.ts';
import { RunletError } from '../../../models/error.ts';
import { reasons } from '../../learn/reasons.ts';
import { valuesOf } from '../hub/values.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const real = v.pipe(v.number(), v.finite());
const port = {
  name: v.string(),
  hostType: v.picklist(['float32', 'int8', 'uint8', 'int16']),
  type: v.optional(v.literal('int16')),
  elements: count,
  scale: real,
  zeroPoint: real,
};

const headSchema = v.object({
  stream: v.string(),
  /** Number of the output in its stream, and of the frame after the one that made it due. */
  sequence: count,
  frame: count,
  /** Time of the output, in milliseconds since 1970; the sender's time of its last frame. */
  timeMs: real,
  timestampMs: v.optional(real),
  /** The version that computed the outputs. */
  digest: v.string(),
  version: v.string(),
  reasons: v.pipe(v.array(v.picklist(reasons)), v.minLength(1)),
  /** Probability with which policy `random` takes an output; 0 if it was off. */
  share: real,
  /** Smallest difference between the two largest values of an output, if policy `uncertain` knows it. */
  margin: v.optional(real),
  /** What the module that reported a drift says. */
  why: v.optional(v.string()),
  /** Version on trial that gave another answer. */
  otherDigest: v.optional(v.string()),
  /** Number of the first tick of `signal`. The window has `windowTicks` ticks from tick `windowFrom` on. */
  from: count,
  windowFrom: count,
  windowTicks: count,
  tickBytes: v.pipe(count, v.minValue(1)),
  /** Number of ticks in the window that were lost and filled. */
  filled: count,
  inputs: v.array(v.object({ ...port, rate: v.optional(count) })),
  outputs: v.array(v.object(port)),
  signalBytes: count,
  outputBytes: count,
});
type Head = v.InferOutput<typeof headSchema>;

export interface WindowRecord extends Omit<Head, 'signalBytes' | 'outputBytes'> {
  /**
   * Ticks as they were fed, in the layout of frames (docs/gateway.md): the window and some ticks around it.
   */
  signal: Uint8Array;
  /** Stored bytes of all outputs. */
  raw: Uint8Array;
  /** Real values of the other version's outputs, one after the other: float32, little endian. */
  other?: Uint8Array;
}

/** Returns the facts of an input or output that a reader of its stored values needs. */
export const portOf = ({ name, hostType, type, elements, scale, zeroPoint, rate }: PortManifest) => ({
  ...{ name, hostType, elements, scale, zeroPoint },
  ...(type && { type }),
  ...(rate !== undefined && { rate }),
});

export function encodeRecord({ signal, raw, other, ...facts }: WindowRecord): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify({ ...facts, signalBytes: signal.length, outputBytes: raw.length }));
  const parts = [head, signal, raw, other ?? new Uint8Array()];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 4));
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  let at = 4;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @throws RN877 */
export function decodeRecord(bytes: Uint8Array, where: string): WindowRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = bytes.length >= 4 ? 4 + view.getUint32(0, true) : Number.POSITIVE_INFINITY;
  if (end > bytes.length) throw unreadable(where, 'its head is longer than the file');
  const found = v.safeParse(headSchema, jsonOf(new TextDecoder().decode(bytes.subarray(4, end))), { abortEarly: true });
  if (!found.success) throw unreadable(where, v.summarize(found.issues).replace(/\s+/g, ' ').slice(0, 200));
  const { signalBytes, outputBytes, ...facts } = found.output;
  const rest = bytes.length - end - signalBytes - outputBytes;
  const elements = facts.outputs.reduce((sum, output) => sum + output.elements, 0);
  if (rest !== (facts.otherDigest === undefined ? 0 : 4 * elements)) throw unreadable(where, 'its parts do not fill the file');
  const part = (from: number, length: number) => bytes.subarray(end + from, end + from + length);
  return {
    ...facts,
    signal: part(0, signalBytes),
    raw: part(signalBytes, outputBytes),
    ...(rest > 0 && { other: part(signalBytes + outputBytes, rest) }),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const unreadable = (where: string, why: string): RunletError =>
  new RunletError('RN877', {
    what: 'a collected window cannot be read',
    where,
    why,
    tryThis: 'start the gateway with the key that it was collected with, or delete the window',
  });

/** Returns the real values of stored outputs, one array per output. */
export const realOutputs = (outputs: WindowRecord['outputs'], raw: Uint8Array): Float32Array[] =>
  valuesOf({ outputs: outputs as PortManifest[] }, new Int8Array(raw.buffer, raw.byteOffset, raw.length));
