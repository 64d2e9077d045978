/**
 * Frames in messages: tick after tick, each with `rate` frames of every input, in the type of the model file.
 *
 * In: a manifest, bytes (little endian).  Out: the size of a tick; arrays for Session.push: a view with one
 * input, copies with several.  Errors: RN842, RN844.
 */
import type { Manifest, PortManifest } from '../../../assembly/bundle/manifest.ts';
import { RunletError } from '../../../models/error.ts';
import type { Frames } from '../../session/index.ts';

const kinds = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array } as const;

/** Returns the bytes of one value in the type in which frames come. */
export const valueBytes = ({ hostType }: PortManifest): number => kinds[hostType].BYTES_PER_ELEMENT;

const portBytes = (port: PortManifest): number => valueBytes(port) * port.elements * (port.rate ?? 1);

export const tickBytes = ({ inputs }: Pick<Manifest, 'inputs'>): number => inputs.reduce((sum, port) => sum + portBytes(port), 0);

/** Returns the facts that a sender of frames and a reader of outputs need. */
export const signalOf = (manifest: Manifest) => ({
  tickBytes: tickBytes(manifest),
  sampleRateHz: manifest.sampleRateHz,
  hop: manifest.hop,
  window: manifest.window,
  inputs: manifest.inputs.map(({ name, hostType, elements, rate }) => ({ name, hostType, elements, rate: rate ?? 1 })),
  outputs: manifest.outputs.map(({ name, elements }) => ({ name, elements })),
  labels: manifest.labels,
  columns: manifest.columns,
  unit: manifest.unit,
});

/** Returns the frames in `bytes`, which must begin at a multiple of 4 in their buffer. */
export function framesOf({ inputs }: Pick<Manifest, 'inputs'>, bytes: Uint8Array): Frames | Frames[] {
  const arrayOf = ({ hostType }: PortManifest, part: Uint8Array): Frames => {
    const kind = kinds[hostType];
    return new kind(part.buffer as ArrayBuffer, part.byteOffset, part.byteLength / kind.BYTES_PER_ELEMENT);
  };
  const [only] = inputs;
  if (inputs.length === 1 && only) return arrayOf(only, bytes);
  const each = inputs.map(portBytes);
  const tick = each.reduce((sum, n) => sum + n, 0);
  const ticks = bytes.length / tick;
  let start = 0;
  return inputs.map((port, i) => {
    const width = each[i] as number;
    const part = new Uint8Array(ticks * width);
    for (let n = 0; n < ticks; n++) part.set(bytes.subarray(n * tick + start, n * tick + start + width), n * width);
    start += width;
    return arrayOf(port, part);
  });
}

/** Returns true if a float32 value in whole ticks is NaN. */
export function hasNaN({ inputs }: Pick<Manifest, 'inputs'>, bytes: Uint8Array): boolean {
  if (!inputs.some(({ hostType }) => hostType === 'float32')) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; )
    for (const port of inputs) {
      // with one input all bytes have the same type
      const end = inputs.length === 1 ? bytes.length : at + portBytes(port);
      for (; port.hostType === 'float32' && at < end; at += 4) if (Number.isNaN(view.getFloat32(at, true))) return true;
      at = end;
    }
  return false;
}

/** Copies bytes that are a part of a larger buffer, so that they do not keep the rest of it in memory. */
export const compact = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength === bytes.length ? bytes : new Uint8Array(bytes);

/** The facts of a stream against which its frames are checked. */
interface Expected {
  id: string;
  manifest: Pick<Manifest, 'inputs'>;
  tickBytes: number;
}

/** Checks the frames of a message. @throws RN842 if they are not whole ticks, RN844 if a value is NaN */
export function checkFrames({ id, manifest, tickBytes: width }: Expected, bytes: Uint8Array): void {
  if (bytes.length === 0 || bytes.length % width !== 0)
    throw new RunletError('RN842', {
      what: 'these are not whole frames',
      where: `stream ${id}`,
      why: `${bytes.length} bytes, and a tick has ${width}`,
      tryThis: 'send whole ticks with the frames of all inputs; `runlet status` shows the layout',
    });
  if (hasNaN(manifest, bytes))
    throw new RunletError('RN844', {
      what: 'a value is not a number',
      where: `stream ${id}`,
      tryThis: 'fill gaps before sending, or begin a new stream after them',
    });
}
