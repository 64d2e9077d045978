/**
 * median: the middle value of a sliding kernel of an odd number of places.
 *
 * In: [t][f][c].  Out: [t'][f'][c].  Nothing is padded.  Source: Tukey (1977), running medians. Streaming: as
 * any window.
 */
import { clampTo, isHomogeneous, misfit, type OpDef } from './op.ts';
import { eachPlace, forEachTap, only, slidingShape } from './sliding.ts';

export const median: OpDef<'median'> = {
  name: 'median',
  shape(inputs, attrs, name) {
    const isOdd = (attrs.kernelT * attrs.kernelF) % 2 === 1;
    if (!isOdd || [...attrs.padT, ...attrs.padF].some((p) => p > 0))
      throw misfit(name, 'an odd kernel without padding has a middle value');
    return slidingShape(only(inputs, name), attrs, only(inputs, name).c);
  },
  float(xs, attrs, out) {
    const x = only(xs, 'median');
    const y = new Float32Array(out.t * out.f * out.c);
    eachPlace(out, (t, f, at) => {
      for (let c = 0; c < out.c; c++) {
        const seen: number[] = [];
        forEachTap(x.shape, attrs, t, f, (offset) => seen.push(x.data[offset + c] as number));
        y[at + c] = clampTo(seen.sort((a, b) => a - b)[seen.length >> 1] as number, attrs.clamp);
      }
    });
    return y;
  },
  stream: (a) => ({ kind: 'window', kernel: a.kernelT, stride: a.strideT, dilation: 1, pad: a.padT, padWith: 'zero' }),
  passesScale: ({ clamp }) => isHomogeneous(clamp),
};
