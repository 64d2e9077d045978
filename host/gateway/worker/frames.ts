/**
 * Frames as they travel: ticks one after the other, of every input in turn `rate` frames, in the type that the model's file has.
 *
 * In: a manifest, bytes.  Out: bytes of a tick; arrays as Session.push takes them. Little endian. One input: a view; several: a copy each.
 */
import type { Manifest, PortManifest } from '../../../assembly/bundle/manifest.ts';
import type { Frames } from '../../session/index.ts';

const kinds = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array } as const;

const portBytes = ({ hostType, elements, rate }: PortManifest): number =>
  kinds[hostType].BYTES_PER_ELEMENT * elements * (rate ?? 1);

export const tickBytes = ({ inputs }: Pick<Manifest, 'inputs'>): number => inputs.reduce((sum, port) => sum + portBytes(port), 0);

export const outputBytes = ({ outputs }: Pick<Manifest, 'outputs'>): number =>
  outputs.reduce((sum, { elements }) => sum + elements, 0);

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

/** Whether there is a value that is no number (float32 only). */
export function hasNaN({ inputs }: Pick<Manifest, 'inputs'>, bytes: Uint8Array): boolean {
  if (!inputs.some(({ hostType }) => hostType === 'float32')) return false;
  const parts = [framesOf({ inputs }, aligned(bytes))].flat();
  return parts.some((part) => part instanceof Float32Array && part.some(Number.isNaN));
}

/** The same bytes at a multiple of 4. */
export const aligned = (bytes: Uint8Array): Uint8Array => (bytes.byteOffset % 4 === 0 ? bytes : bytes.slice());
