/**
 * Damages .rnq files: changes bytes anywhere, or replaces, removes or repeats one field of the JSON.
 *
 * In: a valid file and a generator of whole numbers.  Out: a damaged copy.
 */
import { mutateTflite } from './tflite.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const numbers = [0, 1, 2, 3, 5, 7, 64, -1, 0.5, 127, -128, 255, 1e-9, 1e9, 1e308];

/** Changes one random leaf or branch of `value` in place. */
function damage(value: Json, below: (n: number) => number): Json {
  if (Array.isArray(value)) {
    if (value.length === 0 || below(8) === 0) return below(2) ? [...value, ...value] : [];
    const at = below(value.length);
    return value.map((v, i) => (i === at ? damage(v, below) : v));
  }
  if (value !== null && typeof value === 'object') {
    const keys = Object.keys(value);
    const key = keys[below(keys.length)];
    if (key === undefined) return 0;
    const { [key]: part, ...rest } = value;
    return below(24) === 0 ? rest : { ...value, [key]: damage(part as Json, below) };
  }
  if (typeof value === 'string') return below(2) ? value.slice(0, below(value.length + 1)) : `${value}${'AA'.slice(below(2))}`;
  return numbers[below(numbers.length)] as number;
}

export function mutateRnq(file: Uint8Array, below: (n: number) => number): Uint8Array {
  if (below(4) === 0) return mutateTflite(file, below);
  let json = JSON.parse(new TextDecoder().decode(file.subarray(4))) as Json;
  for (let i = below(2); i >= 0; i--) json = damage(json, below);
  return new TextEncoder().encode(`RNQ1${JSON.stringify(json)}`);
}
