/**
 * Snapshots: a session's state as bytes, guarded against damage and against the wrong bundle.
 *
 * Layout, little endian:
 *
 *     0   'RNSS'                    4   version, u32 = 1
 *     8   state digest, 32 bytes    40  frames pushed, f64
 *     48  outputs reported, f64     56  state bytes, u32
 *     60  FNV-1a 32 of the state    64  state
 *
 * The state digest covers layout, target, scales and all weights that feed the state, so equal digests mean that a
 * restored session gives the same bytes as one that never stopped.
 */
import { RunletError } from '../../models/error.ts';

export interface Snapshot {
  /** 64 hex digits. */
  stateDigest: string;
  framesPushed: number;
  outputsDue: number;
  state: Uint8Array;
}

const headerBytes = 64;
const magic = 0x53534e52; // 'RNSS'

/** Fowler-Noll-Vo hash 1a, 32 bits; enough against damage, not against an attacker. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

const hexByte = (hex: string, i: number): number => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);

/** The bytes of a snapshot; the state is copied. */
export function packSnapshot(snapshot: Snapshot): Uint8Array {
  const bytes = new Uint8Array(headerBytes + snapshot.state.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, 1, true);
  for (let i = 0; i < 32; i++) bytes[8 + i] = hexByte(snapshot.stateDigest, i);
  view.setFloat64(40, snapshot.framesPushed, true);
  view.setFloat64(48, snapshot.outputsDue, true);
  view.setUint32(56, snapshot.state.length, true);
  view.setUint32(60, fnv1a(snapshot.state), true);
  bytes.set(snapshot.state, headerBytes);
  return bytes;
}

/**
 * A snapshot out of bytes, checked.
 * @throws RN712 damaged, of another version, or made with other weights, scales or layout.
 */
export function unpackSnapshot(bytes: Uint8Array, stateDigest: string, stateBytes: number): Snapshot {
  const fail = (why: string): never => {
    throw new RunletError('RN712', {
      what: 'this snapshot cannot be restored',
      where: 'snapshot',
      why,
      tryThis: 'restore it with the bundle that made it, or reset and start again',
    });
  };
  if (bytes.length < headerBytes) return fail(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== magic) fail('it does not begin with RNSS');
  if (view.getUint32(4, true) !== 1) fail(`its version is ${view.getUint32(4, true)}, this host knows 1`);
  for (let i = 0; i < 32; i++)
    if (bytes[8 + i] !== hexByte(stateDigest, i))
      fail('its state digest is not that of this bundle: other weights, scales, target or layout');
  const state = bytes.subarray(headerBytes);
  if (view.getUint32(56, true) !== stateBytes || state.length !== stateBytes)
    fail(`it holds ${state.length} bytes of state, this bundle has ${stateBytes}`);
  if (fnv1a(state) !== view.getUint32(60, true)) fail('its checksum does not match');
  const framesPushed = view.getFloat64(40, true);
  const outputsDue = view.getFloat64(48, true);
  if (![framesPushed, outputsDue].every((n) => Number.isSafeInteger(n) && n >= 0)) fail('its counters are not whole numbers');
  return { stateDigest, framesPushed, outputsDue, state };
}
