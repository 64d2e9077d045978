/**
 * R6, R7, R8 and R14: the effect of streaming on models trained with zero padding, and of hops that do not
 * fit.
 *
 * In: Facts.  Out: findings.  Source: StreamiNNC section 2 with 1.4, 1.6 and 3.4 (reference points: f_ACC,
 * f_EEG and f_PPG as the paper reports them, with trained weights).
 */

import { gcd } from '../../graph/clock.ts';
import { type Contamination, contaminationOf } from '../contamination.ts';
import { count, type Facts, type Layer, percent, plural } from './facts.ts';
import type { Finding } from './types.ts';

const reached = (c: Contamination): string =>
  `${Math.round(c.share * c.rows)} of ${c.rows} rows (${percent(c.share)}, probe ${percent(c.probe)}) of ${c.node.name}`;

/** R6: rows that depend on zero padding, which streaming replaces without retraining. */
export function contamination({ plan, graph, layers, trunk, retrained, lead, trained }: Facts): Finding {
  const sliding = new Set(layers.map((l) => l.node));
  if (graph.stateful) return { level: 'ok', text: "the rows before a step come from the model's own state: time is not padded" };
  const all = contaminationOf(graph).filter((c) => sliding.has(c.node));
  const last = all.at(-1);
  const worst = all.reduce<Contamination | undefined>((w, c) => (w && w.share >= c.share ? w : c), undefined);
  if (!last || !worst || worst.share === 0)
    return { level: 'ok', text: '0 % of the rows reach past a window edge: time is not padded' };
  const reach = `${reached(last)}, the last layer along time, reach past a window edge${worst.node === last.node || worst.share === last.share ? '' : `, at worst ${reached(worst)}`}`;
  if (!trunk) return { level: 'ok', text: `${reach}, and are padded as in the model` };
  if (retrained && plan.mode !== 'approx')
    return { level: 'ok', text: `${reach}; trained with ${trained} earlier frames, ${lead} are used` };
  return {
    level: 'warn',
    text: `not retrained: ${reach}; the paper measured an output NRMSE of 3.3-3.6 % at a probe of 1.25-3.12 %, and 5.83 % at 100 %`,
    tryThis: 'mode edge-exact, or train with signal padding (docs/training.md); --calib SIGNAL measures it',
  };
}

/**
 * Returns how many of a layer's rows per hop (`of`) have a receptive field that crosses a seam between hops.
 */
function seamRows({ timing: { jump, lead, need } }: Layer, hop: number): { rows: number; of: number } {
  const of = Math.floor(hop / jump);
  return { of, rows: Math.min(of, Math.ceil(lead / jump) + Math.ceil(Math.max(0, need - jump) / jump)) };
}

/** R7: mode approx is only for small kernels, few layers and little pooling. */
export function approximate({ plan, layers, stride, receptiveField, hopUnits }: Facts): Finding {
  const last = layers.at(-1);
  if (!last) return { level: 'ok', text: 'no layer slides along time' };
  const seam = seamRows(last, hopUnits);
  const share = seam.of === 0 ? 1 : seam.rows / seam.of;
  const wide = layers.filter((l) => l.rule.kernel > 1).length;
  const numbers = `${plural(wide, 'layer')} wider than a frame, total extent ${receptiveField} frames, total stride ${stride}: seams touch ${seam.rows} of ${seam.of} rows per hop (${percent(share)})`;
  if (plan.mode !== 'approx') return { level: 'ok', text: `mode approx is not used; ${numbers}` };
  const paper = 'in the paper f_ACC (7.50 %) deviates by 2.1 %, f_EEG (50.00 %) by 7.4 %, f_PPG (100.00 %) by 19.9 %';
  return {
    level: share <= 0.1 ? 'note' : 'warn',
    text: `approx is ${share <= 0.1 ? 'reasonable' : share <= 0.5 ? 'doubtful' : 'not advisable'} here: ${numbers}; ${paper}`,
    ...(share > 0.1 && { tryThis: 'a longer hop, mode stream or edge-exact; --calib SIGNAL measures it' }),
  };
}

/**
 * R8: only the first layers are streamed: their jumps divide the hop and few of their rows are contaminated.
 */
export function partial({ plan, graph, layers, hopUnits }: Facts): Finding {
  const { hop, layout } = plan;
  const wrong = layers.findIndex((l) => hopUnits % l.timing.jump !== 0);
  const depth = wrong < 0 ? layers.length : wrong;
  const last = layers[depth - 1];
  const at = contaminationOf(graph).find((c) => c.node === last?.node);
  const fits = `jumps of the first ${depth} of ${layers.length} layers divide the hop ${hop}${last ? ` (to ${last.node.name}, jump ${last.timing.jump / plan.clock.units}${at ? `, ${percent(at.share)} of its rows contaminated` : ''})` : ''}`;
  const reused = layers.filter((l) => layout?.trunk.has(l.node)).length;
  if (layout && reused < layers.length)
    return {
      level: 'note',
      text: `rows of ${reused} of ${layers.length} layers are reused, the others are computed whole; ${fits}`,
    };
  return { level: wrong >= 0 && !layout ? 'note' : 'ok', text: fits };
}

/** R14: at a misaligned hop, rows are off by at most r * slope, which is small for an over-sampled signal. */
export function misalignment({ plan, stride, rateHz, time }: Facts): Finding {
  const { hop, mode } = plan;
  const r = hop % stride;
  const is = `r = ${hop} mod ${stride} = ${r}`;
  if (r === 0) return { level: 'ok', text: `${is}: rows of all windows lie on one grid` };
  if (mode !== 'misaligned')
    return {
      level: 'ok',
      text: `${is}, without effect in mode ${mode}: ${plan.layout ? `all ${plan.phases} phases are kept` : 'nothing is reused'}`,
    };
  const maxEarly = stride - gcd(hop, stride);
  const slowest = 1 / (20 * Math.PI * maxEarly);
  const limit = rateHz ? `${(slowest * rateHz).toPrecision(2)} Hz` : `1/${count(1 / slowest)} of the sample rate`;
  return {
    level: 'warn',
    text: `${is}, over all hops up to ${maxEarly}${time(maxEarly)}: a row of the first strided layer is off by at most ${maxEarly} x max|a[t] - a[t-1]|, which is below 10 % of its amplitude for content below ${limit}`,
    tryThis: '--calib SIGNAL measures the slope; a higher sample rate at the same stride lowers it',
  };
}
