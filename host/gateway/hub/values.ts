/**
 * Dequantises outputs.
 *
 * In: a manifest, the stored bytes of all outputs.  Out: real values, equal to those of the session.
 */
import { type Manifest, storedBytes } from '../../../assembly/bundle/manifest.ts';
import { dequantiseValue } from '../../session/index.ts';
import { storedView } from '../../session/open.ts';

/** Returns the real values of stored bytes, one array per output. */
export function valuesOf({ outputs }: Pick<Manifest, 'outputs'>, raw: Int8Array): Float32Array[] {
  let at = 0;
  return outputs.map((port) => {
    const from = at;
    at += port.elements * storedBytes(port);
    // copied, because int16 needs an even address
    const stored = storedView(port, new Uint8Array(raw.subarray(from, at)));
    const [scale, values] = [Math.fround(port.scale), new Float32Array(stored.length)];
    for (let i = 0; i < stored.length; i++) values[i] = dequantiseValue(stored[i] as number, scale, port.zeroPoint);
    return values;
  });
}
