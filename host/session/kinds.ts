/**
 * Kinds of typed arrays that a session takes.
 *
 * In: any value.  Out: the name and the length of a typed array, from its internal slots.
 * Errors: RN708 if an input does not take the value.  Source: ECMA-262, %TypedArray%.prototype.
 */
import { isInt16, type PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';

/**
 * Whole frames of one input: real values, stored int8, uint8 (int8 + 128) for inputs of hostType uint8, or
 * int16 for inputs that are stored as int16.
 */
export type Frames = Float32Array | Int8Array | Uint8Array | Int16Array;

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const slot = (name: PropertyKey) => Object.getOwnPropertyDescriptor(typedArray, name)?.get as (this: unknown) => unknown;
const tagSlot = slot(Symbol.toStringTag);
const lengthSlot = slot('length');

/** Returns the name of a typed array, such as 'Float32Array'; undefined for any other value. */
export const kindOf = (value: unknown): string | undefined => tagSlot.call(value) as string | undefined;

/** Returns the number of elements of a typed array; 0 if its buffer was detached. */
export const lengthOf = (frames: Frames): number => lengthSlot.call(frames) as number;

/** Returns true if `value` is an array. Unlike Array.isArray, does not throw for a revoked Proxy. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** Returns RN708: the input does not take `value`. */
export function wrongKind(port: PortManifest, value: unknown): RunletError {
  const { name, hostType, type } = port;
  const stored = isInt16(port) ? 'Int16Array' : 'Int8Array';
  const of = hostType === 'int16' ? 'stored values' : 'quantised values';
  return new RunletError('RN708', {
    what: `input ${name} does not take ${kindOf(value) ?? (value === null ? 'null' : typeof value)}`,
    where: `input ${name}`,
    why: type ? `it is ${hostType}, stored as ${type}` : `its type is ${hostType}`,
    tryThis: `pass a Float32Array of real values or an ${stored} of ${of}`,
  });
}

/** Returns true if `value` is a typed array that some input takes. */
export function isFrames(value: unknown): value is Frames {
  const kind = kindOf(value);
  return kind === 'Float32Array' || kind === 'Int8Array' || kind === 'Uint8Array' || kind === 'Int16Array';
}
