/**
 * weightError: compares stored weights with the float ones.
 *
 * In: a float node, its int8 form, the number of channels of its input.  Out: signal-to-noise ratio over all
 * weights, and that of the worst output, in dB.
 */
import { type MacNode, weightChannels } from '../../models/graph/channels.ts';
import { Ratio } from './tally.ts';

export interface WeightError {
  sqnrDb: number;
  /** Signal-to-noise ratio of the output channel with the lowest one. */
  worstDb: number;
  worstChannel: number;
}

export function weightError(float: MacNode, int8: MacNode, channels: number): WeightError {
  const { outputs, output } = weightChannels(float, channels);
  const { scales, data } = int8.attrs.weights;
  const all = new Ratio();
  const each = Array.from({ length: outputs }, () => new Ratio());
  for (const [i, w] of float.attrs.weights.data.entries()) {
    const o = output(i);
    const stored = () => (data[i] as number) * ((scales?.[o] ?? scales?.[0] ?? 1) as number);
    all.add([w], stored);
    each[o]?.add([w], stored);
  }
  const used = each.map((r, o) => ({ o, db: r.signal > 0 ? r.db : Number.POSITIVE_INFINITY }));
  const worst = used.reduce((a, b) => (b.db < a.db ? b : a));
  return { sqnrDb: all.db, worstDb: worst.db, worstChannel: worst.o };
}
