/**
 * Lowers SVDF: filters of each frame, and a weighted sum over the frames in a memory.
 *
 * In: one frame [1, n] per step, feature weights [filters][n], time weights [filters][memory] with the oldest
 * frame first, bias [units], the state (a variable).
 * Out: a conv of one frame into the state's scale, and a conv over `memory` frames in groups of `rank`
 * filters. The state is the history of the first.
 * Source: TensorFlow Lite Micro svdf_common.cc: scales in float32, two roundings; the state starts at its
 * zero point; in int8 the only activation is the range of int8.
 */
import { type ConvAttrs, elementsOf, kernelOfOne, noClamp, type Weights } from '../../../graph/types.ts';
import { readBias, readWeights } from '../constants.ts';
import { type Context, fusedClamp, malformed, Refusal, shapeOf } from '../context.ts';
import type { TfOperator, TfTensor } from '../model.ts';
import { activationQuant } from '../quantisation.ts';

export function lowerSvdf(context: Context, op: TfOperator): void {
  const value = context.value(op, 0);
  const options = context.needOptions(op);
  const rank = options.int32(0);
  const [features, time, state] = [1, 2, 4].map((i) => context.input(op, i)) as [TfTensor, TfTensor, TfTensor];
  const [filters = 0, inputs = 0] = features.shape;
  const memory = time.shape[1] ?? 0;
  const shape = shapeOf(value);
  const fits = rank >= 1 && filters >= rank && filters % rank === 0 && time.shape[0] === filters && memory >= 1;
  if (!fits || shape.t !== 1 || inputs !== elementsOf(shape) || !state.isVariable)
    throw malformed(op, `weights [${features.shape.join(', ')}] and [${time.shape.join(', ')}] of rank ${rank} do not fit`);
  if (context.isInt8 && state.type !== 'int8') throw new Refusal(`its state is ${state.type}; int8 is read`);
  const units = filters / rank;
  const quant = context.isInt8 ? activationQuant(state) : undefined;
  const conv = (outChannels: number, weights: Weights, more: Partial<ConvAttrs>): ConvAttrs => ({
    ...kernelOfOne,
    groups: 1,
    outChannels,
    weights,
    bias: null,
    clamp: noClamp,
    ...more,
  });
  const ofFrame = conv(filters, oneScale(context, op, features), { kernelF: shape.f });
  const now = context.node('conv', [value.id], ofFrame, `${op.name}/features`, quant);
  const weights = oneScale(context, op, time);
  const data = weights.data.map((_, at) => {
    const [u, m, r] = [Math.floor(at / (memory * rank)), Math.floor(at / rank) % memory, at % rank];
    return weights.data[(u * rank + r) * memory + m] as number;
  }) as Weights['data'];
  const overTime = conv(
    units,
    { ...weights, data },
    {
      kernelT: memory,
      padT: [memory - 1, 0],
      groups: units,
      bias: readBias(context, op, units, weights, { at: 3, input: 4 }),
      clamp: context.isInt8 ? noClamp : fusedClamp(op, options, 1),
    },
  );
  context.emit(op, 'conv', [now], overTime, ({ c }) => [...value.layout.slice(0, -1), [{ axis: 'c', length: c }]]);
}

/** Returns weights with a single scale, which is multiplied by the other scales in float32. */
function oneScale(context: Context, op: TfOperator, tensor: TfTensor): Weights {
  const weights = readWeights(context, op, tensor, 0);
  if (!weights.scales) return weights;
  if (weights.scales.length !== 1) throw new Refusal('its weights have several scales');
  return { ...weights, scaleRule: 'float' };
}
