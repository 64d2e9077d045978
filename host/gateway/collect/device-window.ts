/**
 * Windows that devices choose and send (host/mcu/runlet-collect.h).
 *
 * In: a message of streams/wire.ts, the bundle that runs in its slot.  Out: a record for the store, with the
 * signal in the type that the gateway's senders use.  Errors: RN894.
 */
import { isInt16, type Manifest, type PortManifest, storedBytes } from '../../../assembly/bundle/manifest.ts';
import { RunletError } from '../../../models/error.ts';
import { dequantiseValue } from '../../session/index.ts';
import { tickBytes, valueBytes } from '../worker/frames.ts';
import { portOf, type WindowRecord } from './record.ts';

/** What a device says of a window that it chose. */
export interface DeviceWindow {
  /** Number of the output. */
  sequence: number;
  /** The first 4 bytes of the bundle's SHA-256, in hex; zeros if the device does not know it. */
  digest: string;
  margin: number;
}

export interface DeviceMessage {
  stream: string;
  /** The device's number of the first tick of the window. */
  from?: number;
  timestampMs?: number;
  /** The window and then the outputs, as the model stores them. */
  bytes: Uint8Array;
  window: DeviceWindow;
}

/** The bundle that runs in a slot. */
export interface Running {
  manifest: Manifest;
  digest: string;
}

const refused = (stream: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN894', { what: 'this window of a device cannot be kept', where: `stream ${stream}`, why, tryThis });

/** Digest of a device that does not know its bundle. */
const unknown = '00000000';

/** Converts stored values of an input to bytes of the type in which frames come. */
function asFed(port: PortManifest, stored: DataView, at: number, to: DataView, toAt: number): void {
  const { hostType, zeroPoint } = port;
  const value = isInt16(port) ? stored.getInt16(at, true) : stored.getInt8(at);
  if (hostType === 'float32') to.setFloat32(toAt, dequantiseValue(value, Math.fround(port.scale), zeroPoint), true);
  else if (hostType === 'int16') to.setInt16(toAt, value, true);
  else to.setUint8(toAt, hostType === 'uint8' ? value + 128 : value & 255);
}

/** Returns the ticks of a device in the layout of frames (docs/gateway.md). */
function signalOf(inputs: readonly PortManifest[], ticks: Uint8Array): Uint8Array {
  const kinds = inputs.flatMap((port) => Array.from({ length: port.elements * (port.rate ?? 1) }, () => port));
  const out = new Uint8Array((ticks.length / sumOf(kinds, storedBytes)) * sumOf(kinds, valueBytes));
  const [from, to] = [new DataView(ticks.buffer, ticks.byteOffset, ticks.length), new DataView(out.buffer)];
  for (let at = 0, toAt = 0; at < ticks.length; )
    for (const port of kinds) {
      asFed(port, from, at, to, toAt);
      at += storedBytes(port);
      toAt += valueBytes(port);
    }
  return out;
}

const sumOf = (ports: readonly PortManifest[], of: (port: PortManifest) => number): number =>
  ports.reduce((sum, port) => sum + of(port), 0);

/** Returns the record of a device's window. @throws RN894 if it is not a window of this bundle */
export function deviceRecord({ manifest, digest }: Running, message: DeviceMessage): WindowRecord {
  const { stream, from = 0, timestampMs, bytes, window } = message;
  const { inputs, outputs } = manifest;
  if (window.digest !== unknown && !digest.startsWith(window.digest))
    throw refused(
      stream,
      `the device runs the bundle ${window.digest}..., and the slot ${digest.slice(0, 8)}...`,
      'put the same bundle on both',
    );
  const tick = sumOf(inputs, (port) => port.elements * (port.rate ?? 1) * storedBytes(port));
  const signal = manifest.window * tick;
  const expected = signal + sumOf(outputs, (port) => port.elements * storedBytes(port));
  if (bytes.length !== expected)
    throw refused(
      stream,
      `it has ${bytes.length} bytes, and a window with its outputs has ${expected}`,
      'use the sizes of the bundle in this slot',
    );
  return {
    ...{ stream, sequence: window.sequence, frame: from + manifest.window + manifest.delayFrames, timeMs: Date.now() },
    ...(timestampMs !== undefined && { timestampMs }),
    ...{ digest: window.digest === unknown ? '' : digest, version: manifest.version ?? '', reasons: ['uncertain'], share: 0 },
    ...{ margin: window.margin, from, windowFrom: from, windowTicks: manifest.window, tickBytes: tickBytes(manifest), filled: 0 },
    ...{ inputs: inputs.map(portOf), outputs: outputs.map(portOf) },
    ...{ signal: signalOf(inputs, bytes.subarray(0, signal)), raw: bytes.slice(signal) },
  };
}
