/**
 * Between the numbers of a user and the int8 of a module.
 *
 * In: float32, int8 or uint8 frames and a port's scale s and zero point z.  Out: int8 (int16) in the module's
 * memory, and back. Sound is int16 with s = 2^-15. Formula: q = clamp(round(x / s) + z, -128, 127), division
 * in float32, halves away from zero;  x = s * (q - z), in float32. int16: -32768 to 32767.
 * Source: TensorFlow Lite 8-bit quantisation specification, reference kernels QUANTIZE and DEQUANTIZE.
 * Bit-exact to them.
 * Cost: a division per element in, a product per element out; of whole arrays nothing is allocated.
 */
import { isInt16, type PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { type Frames, kindOf, wrongKind } from './kinds.ts';
import type { Stored } from './open.ts';
import { quantiseKernel } from './quantise-kernel.ts';

/** One real value as int8 (int16: `most` 32767); NaN gives NaN. `scale` must be a float32. */
export function quantiseValue(x: number, scale: number, zeroPoint: number, most = 127): number {
  // A double quotient of two float32 rounded to float32 is the float32 quotient (53 >= 2 * 24 + 2 bits).
  const v = Math.fround(Math.fround(x) / scale);
  const q = Math.trunc(v < 0 ? v - 0.5 : v + 0.5) + zeroPoint;
  return Math.min(most, Math.max(-most - 1, q));
}

/** One int8 as a real value. `scale` must be a float32. */
export const dequantiseValue = (q: number, scale: number, zeroPoint: number): number => Math.fround(scale * (q - zeroPoint));

/**
 * Where each element of a user's frame goes in the module's [f][c] frame, or undefined where both are the
 * same. A user's frame is in the model file's order where that order begins with t (so [c][f] for order t, c,
 * f); a file that puts t elsewhere has no frames in one piece, and a frame is then the f * c elements of one
 * time step in [f][c].
 */
export function placesOf(port: PortManifest): Int32Array | undefined {
  const [, f, c] = port.shape;
  if (port.order.join('') !== 'tcf' || f === 1 || c === 1) return undefined;
  return Int32Array.from({ length: f * c }, (_, i) => (i % f) * c + Math.floor(i / f));
}

/** Where element i of several frames goes. */
const placed = (i: number, places: Int32Array): number => i - (i % places.length) + (places[i % places.length] as number);

/** The kind of array that holds an input's stored values. */
export const storedKind = (port: PortManifest): string => (isInt16(port) ? 'Int16Array' : 'Int8Array');

/** assembly/host/quantise.ts, made when it is first wanted. */
interface Kernel {
  floats: Float32Array;
  /** 1 where one of the first `count` floats was not a number. */
  quantise(count: number, scale: number, zeroPoint: number, int16: number): number;
}

/**
 * Values from which the kernel pays, and the most that its page of memory takes, with what it writes behind
 * them.
 */
const fewest = 32;
const atOnce = 16_380;

let kernel: Kernel | null | undefined;

/** Undefined where the engine has no SIMD. */
function kernelHere(): Kernel | undefined {
  if (kernel === undefined)
    try {
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(quantiseKernel));
      const { memory, quantise } = exports as { memory: WebAssembly.Memory } & Pick<Kernel, 'quantise'>;
      kernel = { floats: new Float32Array(memory.buffer), quantise };
    } catch {
      kernel = null;
    }
  return kernel ?? undefined;
}

/** Writes quantised frames into a module's input buffer. */
export class Quantiser {
  readonly port: PortManifest;
  #scale: number;
  #places: Int32Array | undefined;
  /** What the kernel gives, of the length that was wanted last. */
  #rounded: Stored | undefined;

  constructor(port: PortManifest) {
    this.port = port;
    this.#scale = Math.fround(port.scale);
    this.#places = placesOf(port);
  }

  /**
   * Writes `count` frames of `frames`, from frame `from` on, to the start of `to` ([hop][f][c]).
   * @throws RN708 uint8 for an input that is not uint8, int8 or int16 for one of the other kind, RN709 NaN;
   * `to` may then be partly written.
   */
  write(frames: Frames, from: number, count: number, to: Stored): void {
    const { elements, hostType, name } = this.port;
    const start = from * elements;
    const total = count * elements;
    const places = this.#places;
    const kind = kindOf(frames);
    if (kind === 'Float32Array') {
      const nan = this.#quantise(frames as Float32Array, start, total, to);
      if (nan >= 0)
        throw new RunletError('RN709', {
          what: 'a sample is not a number (NaN)',
          where: `input ${name}, frame ${from + Math.floor(nan / elements)} of those passed, element ${nan % elements}`,
          why: 'NaN has no int8 value',
          tryThis: 'fill or leave out gaps before pushing',
        });
      return;
    }
    if (kind !== (hostType === 'uint8' && kind === 'Uint8Array' ? kind : storedKind(this.port)))
      throw wrongKind(this.port, frames);
    const flip = kind === 'Uint8Array' ? 0x80 : 0;
    for (let i = 0; i < total; i++) to[places ? placed(i, places) : i] = (frames[start + i] as number) ^ flip;
  }

  /**
   * quantiseValue of the values [from, from + count), each to its place; where the first NaN stands, counted
   * from `from`, or -1.
   */
  #quantise(x: Float32Array, from: number, count: number, to: Stored): number {
    const kernel = count < fewest ? undefined : kernelHere();
    if (!kernel) return this.#oneByOne(x, from, count, to);
    const int16 = isInt16(this.port);
    for (let done = 0; done < count; done += atOnce) {
      const n = Math.min(atOnce, count - done);
      const begin = from + done;
      kernel.floats.set(n === x.length ? x : x.subarray(begin, begin + n));
      if (kernel.quantise(n, this.#scale, this.port.zeroPoint, int16 ? 1 : 0) !== 0) return this.#oneByOne(x, from, count, to);
      if (this.#rounded?.length !== n) {
        const { buffer } = kernel.floats;
        this.#rounded = int16 ? new Int16Array(buffer, 0, n) : new Int8Array(buffer, 0, n);
      }
      const places = this.#places;
      if (!places) to.set(this.#rounded, done);
      else for (let i = 0, at = done; i < n; i++, at++) to[placed(at, places)] = this.#rounded[i] as number;
    }
    return -1;
  }

  /** The same, for a few, and for engines without SIMD. */
  #oneByOne(x: Float32Array, from: number, count: number, to: Stored): number {
    const scale = this.#scale;
    const { zeroPoint } = this.port;
    const most = isInt16(this.port) ? 32767 : 127;
    const places = this.#places;
    for (let i = 0; i < count; i++) {
      const q = quantiseValue(x[from + i] as number, scale, zeroPoint, most);
      if (Number.isNaN(q)) return i;
      to[places ? placed(i, places) : i] = q;
    }
    return -1;
  }
}
