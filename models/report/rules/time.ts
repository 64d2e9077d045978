/**
 * R1 to R5 and R12: window, hop, micro-hop, look-ahead, left context and warm-up.
 *
 * In: Facts.  Out: findings.  Source: StreamiNNC section 2 with 1.2, 1.4 and 1.5; docs/pipeline.md explains
 * the generalisations.
 */
import { gcd } from '../../graph/clock.ts';
import { viewOf } from '../../graph/view.ts';
import { planStream } from '../../stream/plan.ts';
import { count, type Facts, nearest, plural } from './facts.ts';
import type { Finding } from './types.ts';

/** R1: the window is a whole number of hops. Rings of rows do not need this; partial results of hops do. */
export function wholeHops({ plan, graph, trunk }: Facts): Finding {
  const { window, hop } = plan;
  const rest = window % hop;
  const hops = Math.floor(window / hop);
  if (rest === 0) return { level: 'ok', text: `the window of ${window} frames is ${plural(hops, 'hop')} of ${hop}` };
  const view = viewOf(graph);
  const folds = plan.steps.filter((s) => trunk && s.kind === 'run' && view.rule(s.node).kind === 'fold');
  const rings = folds.reduce((sum, s) => sum + s.inputs.reduce((n, i) => n + i.rows * view.frameBytes(i.tensor), 0), 0);
  const cost = rings > 0 ? `; global pools keep ${count(rings)} bytes of rows instead of partial results` : '';
  return {
    level: trunk ? 'note' : 'ok',
    text: `the window of ${window} frames is ${plural(hops, 'hop')} of ${hop} and ${plural(rest, 'frame')}: only mode approx needs whole hops (RN206)${cost}`,
    ...(rings > 0 && { tryThis: 'a hop that divides the window' }),
  };
}

/**
 * R2: the hop is a multiple of the total stride. Else the plan has phases (edge-exact) or early windows
 * (misaligned), or reuses nothing.
 */
export function alignment(facts: Facts): Finding {
  const { plan, graph, stride } = facts;
  const { hop, mode } = plan;
  const rest = hop % stride;
  if (rest === 0) return { level: 'ok', text: `hop ${hop} is ${count(hop / stride)} times the total stride ${stride}` };
  const is = `hop ${hop} is no multiple of the total stride ${stride} (rest ${rest})`;
  const near = nearest(hop, stride);
  const tryThis = `hop ${near.join(' or ')}`;
  if (mode === 'misaligned') {
    const early = stride - gcd(hop, stride);
    return { level: 'warn', text: `${is}: windows are taken up to ${plural(early, 'frame')}${facts.time(early)} early`, tryThis };
  }
  if (mode !== 'edge-exact') return { level: 'note', text: `${is}, and no row of a window is reused`, tryThis };
  const { prefer } = plan.options;
  const other = planStream(graph, { hop: near[0] as number, mode: 'edge-exact', prefer });
  const cost = (p: typeof plan) => `${count(p.macsPerHop / p.hop)} MACs a frame and ${count(p.stateBytes)} bytes of state`;
  return {
    level: 'note',
    text: `${is}: rows are kept in ${plural(plan.phases, 'phase')}, for ${cost(plan)}; hop ${other.hop} takes ${cost(other)}`,
    tryThis,
  };
}

/** Returns the micro-hops that divide the hop and give every layer a whole number of rows. */
function microHops({ plan, stride, trunk }: Facts): number[] {
  const { hop, layout } = plan;
  const fits = (m: number) => {
    if (trunk) return m % stride === 0;
    return [...(layout?.streams.values() ?? [])].every(({ newRows }) => Number.isInteger((newRows * m) / hop));
  };
  return Array.from({ length: hop }, (_, i) => i + 1).filter((m) => hop % m === 0 && fits(m));
}

/**
 * R3: the micro-hop is a multiple of the total stride and divides the hop (checked by planStream: RN201,
 * RN202).
 */
export function microHop(facts: Facts): Finding {
  const { plan, stride } = facts;
  const { hop } = plan;
  if (plan.mode === 'approx') return { level: 'ok', text: `micro-hop ${hop}: approx computes a hop at once` };
  if (plan.mode === 'misaligned')
    return { level: 'ok', text: `micro-hop ${plan.microHop} is a multiple of the total stride ${stride}` };
  const all = microHops(facts);
  const shown = all.length > 8 ? [...all.slice(0, 4), '…', ...all.slice(-3)] : all;
  return {
    level: 'ok',
    text: `micro-hop ${plan.microHop} divides the hop ${hop}; ${all.length === 1 ? 'no other does' : `possible are ${shown.join(', ')}`}`,
  };
}

/** R4: causal, or a declared look-ahead. */
export function lookAhead(facts: Facts): Finding {
  const { plan, layers, lookAhead: frames, time } = facts;
  const padded = layers.filter((l) => l.rule.pad[1] > 0).length;
  if (frames === 0) return { level: 'ok', text: `causal: none of ${plural(layers.length, 'layer')} is padded on the right` };
  const sum = `right paddings of ${plural(padded, 'layer')} add up to ${plural(frames, 'frame')}${time(frames)}`;
  if (plan.mode === 'stream' || plan.mode === 'misaligned') {
    const { delayFrames } = plan;
    return {
      level: 'note',
      text: `${sum}: outputs wait for ${plural(delayFrames, 'frame')}${time(delayFrames)} of look-ahead`,
      tryThis: 'causal convolutions, or mode edge-exact, which pads as the model does and has no delay',
    };
  }
  return { level: 'ok', text: `${sum}, padded as in the model: no delay` };
}

/** R5: signal padding needs training with L_a >= RF - P earlier frames. */
export function leftContext(facts: Facts): Finding {
  const { plan, lead, stride, receptiveField, trained } = facts;
  const wanted = Math.ceil(lead / stride) * stride;
  if (lead === 0) return { level: 'ok', text: 'nothing is padded on the left: L_a = 0' };
  if (plan.graph.stateful)
    return {
      level: 'ok',
      text: `the model keeps ${lead} earlier frames in its own state (receptive field ${receptiveField})`,
    };
  const needs = `L_a >= ${lead} earlier frames (receptive field ${receptiveField}, total stride ${stride}), ${wanted} in whole rows`;
  const says = trained > 0 ? `the file says ${trained}` : 'the file does not say that it was trained with any';
  const tryThis = `train on windows with ${wanted} earlier frames (docs/training.md) and set metadata runlet.left_context`;
  if (plan.mode === 'stream' || plan.mode === 'misaligned')
    return trained >= lead
      ? { level: 'ok', text: `${needs}: ${says}` }
      : { level: 'warn', text: `streaming needs ${needs}; ${says}`, tryThis };
  if (trained > 0)
    return {
      level: 'note',
      text: `the model was trained with ${trained} earlier frames instead of zeros, but mode ${plan.mode} pads with zeros`,
      tryThis: `mode stream at a hop that is a multiple of ${stride}`,
    };
  return { level: 'ok', text: `windows are padded as in the model; mode stream would need ${needs}` };
}

/** R12: outputs before the end of the warm-up are held back. */
export function warmUp({ plan, time, receptiveField }: Facts): Finding {
  const { warmUpHops, hop, window, delayFrames, leftContextFrames } = plan;
  const first = warmUpHops * hop + window + delayFrames;
  const parts = `window ${window} + left context ${leftContextFrames} + look-ahead ${delayFrames}`;
  if (warmUpHops === 0)
    return { level: 'ok', text: `the first output is due after ${plural(first, 'frame')}${time(first)}: ${parts}` };
  return {
    level: 'note',
    text: `${plural(warmUpHops, 'output')} held back: the first whole one is due after ${plural(first, 'frame')}${time(first)} (${parts}, in hops of ${hop}; receptive field ${receptiveField})`,
  };
}
