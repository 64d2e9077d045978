/**
 * Of which kind a value is that a session got.
 *
 * In: any value.  Out: the kind and the length of a typed array, by its internal slots (ECMA-262,
 * %TypedArray%.prototype); RN708 for what an input does not take.
 */
import { isInt16, type PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';

/**
 * Whole frames of one input: real values, stored int8, uint8 = int8 + 128 for inputs of hostType uint8, int16
 * for those that are stored so.
 */
export type Frames = Float32Array | Int8Array | Uint8Array | Int16Array;

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const slot = (name: PropertyKey) => Object.getOwnPropertyDescriptor(typedArray, name)?.get as (this: unknown) => unknown;
const tagSlot = slot(Symbol.toStringTag);
const lengthSlot = slot('length');

/** 'Float32Array' and so on; undefined for everything that is no typed array. */
export const kindOf = (value: unknown): string | undefined => tagSlot.call(value) as string | undefined;

/** Elements of a typed array; 0 where its buffer was detached. */
export const lengthOf = (frames: Frames): number => lengthSlot.call(frames) as number;

/** Array.isArray throws for a Proxy that was revoked. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** RN708: `value` is nothing that this input takes. */
export function wrongKind(port: PortManifest, value: unknown): RunletError {
  const { name, hostType, type } = port;
  const stored = isInt16(port) ? 'Int16Array' : 'Int8Array';
  const of = hostType === 'int16' ? 'values as they are stored' : 'quantised ones';
  return new RunletError('RN708', {
    what: `input ${name} does not take ${kindOf(value) ?? (value === null ? 'null' : typeof value)}`,
    where: `input ${name}`,
    why: type ? `it is ${hostType}, stored as ${type}` : `its type is ${hostType}`,
    tryThis: `pass a Float32Array of real values or an ${stored} of ${of}`,
  });
}

/** Whether a value is of a kind that some input takes. */
export function isFrames(value: unknown): value is Frames {
  const kind = kindOf(value);
  return kind === 'Float32Array' || kind === 'Int8Array' || kind === 'Uint8Array' || kind === 'Int16Array';
}
