/**
 * Snapshot: a session's state as bytes, with a check for damage and for the wrong bundle.
 *
 * Layout, little endian:
 *
 *     0   'RNSS'                      4   version, u32 = 2
 *     8   state digest, 32 bytes      40  frames pushed, f64
 *     48  outputs reported, f64       56  origin frame, f64
 *     64  state bytes, u32            68  bytes of the last frame of all inputs, u32
 *     72  ranges made up, u32         76  FNV-1a 32 of all other bytes
 *     80  state, last frame, then first and end frame of each range that was made up in gaps, f64
 *
 * Errors: RN712. The state digest covers the layout, the scales and all weights that affect the state. So if
 * the digests are equal, a restored session gives the same bytes as one that never stopped. Frame counters
 * are whole numbers below 2^53, exact in f64.
 */
import { RunletError } from '../../models/error.ts';
import { kindOf } from './kinds.ts';

export interface Snapshot {
  /** SHA-256, 64 hex digits. */
  stateDigest: string;
  framesPushed: number;
  outputsDue: number;
  originFrame: number;
  state: Uint8Array;
  /** The newest frame of each input, one after the other: s8 or s16 [f][c]. */
  lastFrame: Uint8Array;
  /** Ranges of made-up frames, [from, to). */
  madeUp: [from: number, to: number][];
}

const headerBytes = 80;
const checksumAt = 76;
const magic = 0x53534e52; // 'RNSS'
const version = 2;

/** Returns Fowler-Noll-Vo 1a (32 bits) of all bytes except the checksum. It detects damage, not attacks. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++)
    if (i < checksumAt || i >= checksumAt + 4) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash >>> 0;
}

const hexByte = (hex: string, i: number): number => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);

/** Returns the bytes of a snapshot; the state is copied. */
export function packSnapshot(snapshot: Snapshot): Uint8Array {
  const { stateDigest, framesPushed, outputsDue, originFrame, state, lastFrame, madeUp } = snapshot;
  const spansAt = headerBytes + state.length + lastFrame.length;
  const bytes = new Uint8Array(spansAt + 16 * madeUp.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, version, true);
  for (let i = 0; i < 32; i++) bytes[8 + i] = hexByte(stateDigest, i);
  for (const [i, n] of [framesPushed, outputsDue, originFrame].entries()) view.setFloat64(40 + 8 * i, n, true);
  for (const [i, n] of [state.length, lastFrame.length, madeUp.length].entries()) view.setUint32(64 + 4 * i, n, true);
  bytes.set(state, headerBytes);
  bytes.set(lastFrame, headerBytes + state.length);
  for (const [i, n] of madeUp.flat().entries()) view.setFloat64(spansAt + 8 * i, n, true);
  view.setUint32(checksumAt, fnv1a(bytes), true);
  return bytes;
}

/**
 * Reads and checks a snapshot.
 * @throws RN712 if it is damaged, of another version, or made with other weights, scales or layout.
 */
export function unpackSnapshot(bytes: Uint8Array, stateDigest: string, stateBytes: number, frameBytes: number): Snapshot {
  const fail = (why: string): never => {
    throw new RunletError('RN712', {
      what: 'this snapshot cannot be restored',
      where: 'snapshot',
      why,
      tryThis: 'restore it with the bundle that made it, or reset and start again',
    });
  };
  if (kindOf(bytes) !== 'Uint8Array') return fail('it is not a Uint8Array');
  if (bytes.length < headerBytes) return fail(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== magic) fail('it does not begin with RNSS');
  if (view.getUint32(4, true) !== version) fail(`its version is ${view.getUint32(4, true)}, this host knows ${version}`);
  for (let i = 0; i < 32; i++)
    if (bytes[8 + i] !== hexByte(stateDigest, i))
      fail('its state digest is not that of this bundle: other weights, scales or layout');
  const spans = view.getUint32(72, true);
  const lastAt = headerBytes + stateBytes;
  const spansAt = lastAt + frameBytes;
  if (view.getUint32(64, true) !== stateBytes || view.getUint32(68, true) !== frameBytes || bytes.length !== spansAt + 16 * spans)
    fail(`it has ${bytes.length} bytes; this bundle has ${stateBytes} bytes of state and ${frameBytes} per frame`);
  if (fnv1a(bytes) !== view.getUint32(checksumAt, true)) fail('its checksum does not match');
  const numbers = (at: number, count: number) => Array.from({ length: count }, (_, i) => view.getFloat64(at + 8 * i, true));
  const [framesPushed, outputsDue, originFrame] = numbers(40, 3) as [number, number, number];
  const edges = numbers(spansAt, 2 * spans);
  if (![framesPushed, outputsDue, originFrame, ...edges].every((n) => Number.isSafeInteger(n) && n >= 0))
    fail('its counters are not whole numbers');
  return {
    stateDigest,
    framesPushed,
    outputsDue,
    originFrame,
    state: bytes.subarray(headerBytes, lastAt),
    lastFrame: bytes.subarray(lastAt, spansAt),
    madeUp: Array.from({ length: spans }, (_, i) => edges.slice(2 * i, 2 * i + 2) as [number, number]),
  };
}
