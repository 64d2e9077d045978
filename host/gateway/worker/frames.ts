/**
 * Frames as they travel: ticks one after the other, of every input in turn `rate` frames, in the type that
 * the model's file has.
 *
 * In: a manifest, bytes.  Out: bytes of a tick; arrays as Session.push takes them. Little endian. One input:
 * a view; several: a copy each.
 */
import type { Manifest, PortManifest } from '../../../assembly/bundle/manifest.ts';
import { RunletError } from '../../../models/error.ts';
import type { Frames } from '../../session/index.ts';

const kinds = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array } as const;

const portBytes = ({ hostType, elements, rate }: PortManifest): number =>
  kinds[hostType].BYTES_PER_ELEMENT * elements * (rate ?? 1);

export const tickBytes = ({ inputs }: Pick<Manifest, 'inputs'>): number => inputs.reduce((sum, port) => sum + portBytes(port), 0);

/** `bytes` begin at a multiple of 4 of their buffer. */
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

/** Whether there is a value that is no number (float32 only), in whole ticks. */
export function hasNaN({ inputs }: Pick<Manifest, 'inputs'>, bytes: Uint8Array): boolean {
  if (!inputs.some(({ hostType }) => hostType === 'float32')) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; )
    for (const port of inputs) {
      // of one input all bytes are alike
      const end = inputs.length === 1 ? bytes.length : at + portBytes(port);
      for (; port.hostType === 'float32' && at < end; at += 4) if (Number.isNaN(view.getFloat32(at, true))) return true;
      at = end;
    }
  return false;
}

/**
 * The same bytes in a buffer that holds nothing else, so that what is kept of a message keeps no other part
 * of it.
 */
export const compact = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength === bytes.length ? bytes : new Uint8Array(bytes);

/** Of a stream, what its frames are checked against. */
interface Expected {
  id: string;
  manifest: Pick<Manifest, 'inputs'>;
  tickBytes: number;
}

/** @throws RN842 these are no whole ticks, RN844 a value is no number */
export function checkFrames({ id, manifest, tickBytes: width }: Expected, bytes: Uint8Array): void {
  if (bytes.length === 0 || bytes.length % width !== 0)
    throw new RunletError('RN842', {
      what: 'these are not whole frames',
      where: `stream ${id}`,
      why: `${bytes.length} bytes, and a tick has ${width}`,
      tryThis: 'whole ticks of all inputs in turn; `runlet status` has their layout',
    });
  if (hasNaN(manifest, bytes))
    throw new RunletError('RN844', {
      what: 'a value is no number',
      where: `stream ${id}`,
      tryThis: 'fill gaps before sending, or begin a new stream after them',
    });
}
