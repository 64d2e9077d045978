/**
 * Quantiser: converts a user's numbers to a module's int8 or int16, and back.
 *
 * In: float32, int8 or uint8 frames, and a port's scale s and zero point z.  Out: int8 (int16) values in the
 * module's memory. Sound is int16 with s = 2^-15.
 * Formula: q = clamp(round(x / s) + z, -128, 127), with a float32 division and halves rounded away from zero;
 * x = s * (q - z), in float32. int16 is clamped to -32768 to 32767.
 * Source: TensorFlow Lite 8-bit quantisation specification, reference kernels QUANTIZE and DEQUANTIZE.
 * Bit-exact to them. Cost: a division per input element, a multiplication per output element; no allocation.
 */
import { isInt16, type PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { type Frames, kindOf, wrongKind } from './kinds.ts';
import type { Stored } from './open.ts';
import { quantiseKernel } from './quantise-kernel.ts';

/**
 * Quantises one real value; NaN gives NaN.
 * @param scale a float32. @param max largest quantised value, 127 (int8) by default, 32767 for int16.
 */
export function quantiseValue(x: number, scale: number, zeroPoint: number, max = 127): number {
  // The double quotient of two float32, rounded to float32, is the float32 quotient (53 >= 2 * 24 + 2 bits).
  const v = Math.fround(Math.fround(x) / scale);
  const q = Math.trunc(v < 0 ? v - 0.5 : v + 0.5) + zeroPoint;
  return Math.min(max, Math.max(-max - 1, q));
}

/** Returns the real value of one int8 or int16. `scale` must be a float32. */
export const dequantiseValue = (q: number, scale: number, zeroPoint: number): number => Math.fround(scale * (q - zeroPoint));

/**
 * Returns the index in the module's [f][c] frame for each element of a user's frame, or undefined if the two
 * orders are the same. A user's frame is in the model file's order if that order begins with t: [c][f] for
 * the order t, c, f. In any other order a frame is not contiguous in the file; the user's frame is then the
 * f * c elements of one time step, in [f][c].
 */
export function placesOf(port: PortManifest): Int32Array | undefined {
  const [, f, c] = port.shape;
  if (port.order.join('') !== 'tcf' || f === 1 || c === 1) return undefined;
  return Int32Array.from({ length: f * c }, (_, i) => (i % f) * c + Math.floor(i / f));
}

/** Returns the index in the module's buffer for element i of several frames. */
const placed = (i: number, places: Int32Array): number => i - (i % places.length) + (places[i % places.length] as number);

/** Returns the name of the typed array for an input's stored values. */
export const storedKind = (port: PortManifest): string => (isInt16(port) ? 'Int16Array' : 'Int8Array');

/** The module of assembly/host/quantise.ts, instantiated at the first use. */
interface Kernel {
  floats: Float32Array;
  /** Quantises the first `count` floats in place. Returns 1 if one of them is NaN. */
  quantise(count: number, scale: number, zeroPoint: number, int16: number): number;
}

/** Smallest number of values for which the kernel is faster than quantiseValue. */
const kernelMinimum = 32;
/** Largest number of values that fit in the kernel's page of memory, with its write past the last of them. */
const kernelCapacity = 16_380;

let kernel: Kernel | null | undefined;

/** Returns the kernel, or undefined if the engine has no SIMD. */
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
  /** View of the kernel's results, with the length of the latest call. */
  #rounded: Stored | undefined;

  constructor(port: PortManifest) {
    this.port = port;
    this.#scale = Math.fround(port.scale);
    this.#places = placesOf(port);
  }

  /**
   * Writes `count` frames of `frames`, from frame `from` on, to the start of `to` ([hop][f][c]).
   * @throws RN708 if the input does not take this type of array, RN709 if a value is NaN; `to` may then be
   * partly written.
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
   * Quantises the values [from, from + count) of `x` into `to`. Returns the index of the first NaN, counted
   * from `from`, or -1 if there is none.
   */
  #quantise(x: Float32Array, from: number, count: number, to: Stored): number {
    const kernel = count < kernelMinimum ? undefined : kernelHere();
    if (!kernel) return this.#oneByOne(x, from, count, to);
    const int16 = isInt16(this.port);
    for (let done = 0; done < count; done += kernelCapacity) {
      const n = Math.min(kernelCapacity, count - done);
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

  /** Does the same as #quantise, without the kernel: for few values, and for engines without SIMD. */
  #oneByOne(x: Float32Array, from: number, count: number, to: Stored): number {
    const scale = this.#scale;
    const { zeroPoint } = this.port;
    const max = isInt16(this.port) ? 32767 : 127;
    const places = this.#places;
    for (let i = 0; i < count; i++) {
      const q = quantiseValue(x[from + i] as number, scale, zeroPoint, max);
      if (Number.isNaN(q)) return i;
      to[places ? placed(i, places) : i] = q;
    }
    return -1;
  }
}
