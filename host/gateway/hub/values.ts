/**
 * Outputs as real numbers.
 *
 * In: a manifest, an output's bytes as stored.  Out: real values, as the session gives them.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { dequantiseValue } from '../../session/index.ts';
import { storedBytes, storedView } from '../../session/open.ts';

/** Real values of stored bytes, an array for each output. */
export function valuesOf({ outputs }: Manifest, raw: Int8Array): Float32Array[] {
  let at = 0;
  return outputs.map((port) => {
    const from = at;
    at += port.elements * storedBytes(port);
    // a copy: int16 lies at an even address
    const stored = storedView(port, new Uint8Array(raw.subarray(from, at)));
    const [scale, values] = [Math.fround(port.scale), new Float32Array(stored.length)];
    for (let i = 0; i < stored.length; i++) values[i] = dequantiseValue(stored[i] as number, scale, port.zeroPoint);
    return values;
  });
}
