/**
 * layernorm: normalises each frame by its own mean and variance; RMSNorm is the same without the mean.
 *
 * In: [t][f][c].  Out: the same shape.  Formula: y[i] = (x[i] - mean) / sqrt(variance + epsilon) * gamma[i] +
 * beta[i]. Mean and variance (without `centre`: mean of squares) are taken over the channels of each frame
 * row, or over rows and channels of a frame.  Source: ONNX LayerNormalization-17, RMSNormalization-23; Keras
 * LayerNormalization. Streaming: point-wise in time (the readers refuse statistics over time, StreamiNNC rule
 * R10).
 */
import type { LayerNormAttrs, Shape } from '../graph/types.ts';
import { clampTo, misfit, type OpDef } from './op.ts';
import { only } from './sliding.ts';

/** Returns the number of values that one mean is taken over. */
export const normalisedCount = ({ over }: LayerNormAttrs, { f, c }: Shape): number => (over === 'fc' ? f * c : c);

export const layernorm: OpDef<'layernorm'> = {
  name: 'layernorm',
  shape(inputs, attrs, name) {
    const x = only(inputs, name);
    const count = normalisedCount(attrs, x);
    for (const [what, { length }] of [['gamma', attrs.gamma] as const, ['beta', attrs.beta] as const]) {
      if (length !== x.c && length !== count)
        throw misfit(name, `${what} has ${length} values`, `it normalises ${count} values of ${x.c} channels`);
    }
    return { ...x };
  },
  float(xs, attrs, out) {
    const { data } = only(xs, 'layernorm');
    const y = new Float32Array(data.length);
    const count = normalisedCount(attrs, out);
    const { gamma, beta } = attrs;
    for (let from = 0; from < data.length; from += count) {
      const row = data.subarray(from, from + count);
      const mean = attrs.centre ? row.reduce((a, b) => a + b, 0) / count : 0;
      const squares = row.reduce((a, b) => a + (b - mean) ** 2, 0);
      const scale = 1 / Math.sqrt(Math.max(squares / count + attrs.epsilon, Number.MIN_VALUE));
      for (let i = 0; i < count; i++) {
        const normalised = ((row[i] as number) - mean) * scale;
        const value = normalised * (gamma[i % gamma.length] as number) + (beta[i % beta.length] as number);
        y[from + i] = clampTo(value, attrs.clamp);
      }
    }
    return y;
  },
  macsPerFrame: (_attrs, _inputs, { f, c }) => 2 * f * c,
};
