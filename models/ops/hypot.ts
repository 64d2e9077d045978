/**
 * hypot: element-wise length of a vector of two components, for example the magnitude of a spectrum.
 *
 * In: two of [t][f][c].  Out: [t][f][c], sqrt(a^2 + b^2).  Source: Sqrt of a sum of two squares, as in the
 * short-time Fourier transforms of networks (graph/fold.ts finds it). Streaming: point-wise.
 */
import { clampTo, type OpDef } from './op.ts';
import { pair } from './sliding.ts';

export const hypot: OpDef<'hypot'> = {
  name: 'hypot',
  shape: (inputs, _attrs, name) => pair(inputs, name),
  float([a, b], { clamp }) {
    if (!a || !b) throw new Error('hypot takes two inputs');
    return a.data.map((x, i) => clampTo(Math.hypot(x, b.data[i] as number), clamp));
  },
};
