/**
 * R9, R10, R11 and R13: the head, statistics over time, joins, and layers that read the window backwards or
 * at once.
 *
 * In: Facts.  Out: findings.  The readers refuse layers without a form here (models/read/refused.ts). For
 * layers that break R10 or R13 and have a form, these rules state the cost.  Source: StreamiNNC section 2
 * (R9, R10, R11, R13).
 */
import { isRecurrent } from '../../graph/recurrent.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { opOfNode } from '../../ops/index.ts';
import type { StreamPlan } from '../../stream/types.ts';
import { count, type Facts, percent, plural } from './facts.ts';
import type { Finding } from './types.ts';

/** R9: the head is computed at every output, so it caps the speed-up. */
export function headWork({ plan, headMacs }: Facts): Finding {
  const { macsPerHop, macsPerWindow, window, hop } = plan;
  if (headMacs === 0 || macsPerHop === 0)
    return { level: 'ok', text: `the head has 0 of ${count(macsPerHop)} MACs per hop: it does not cap the speed-up` };
  const share = headMacs / macsPerHop;
  const times = (macsPerWindow / macsPerHop).toFixed(2);
  const text = `the head is ${count(headMacs)} of ${count(macsPerHop)} MACs per hop (${percent(share)}) and caps the speed-up at ${(macsPerWindow / headMacs).toFixed(2)}; here it is ${times}, window / hop is ${(window / hop).toFixed(2)}`;
  return share > 0.5
    ? { level: 'note', text, tryThis: 'a convolution or a global average instead of a dense layer over all rows' }
    : { level: 'ok', text };
}

const timesOf = (n: Node): number => opOfNode(n).repeats?.(n.attrs) ?? 1;
const alsoOf = ({ length }: readonly Node[]): string =>
  length > 2 ? ` (as do ${length - 1} others)` : length > 1 ? ' (as does another)' : '';

/** Returns the share of a hop's work of these layers and all layers behind them. */
function behindOf(graph: Graph, plan: StreamPlan, nodes: readonly Node[]): string {
  const view = viewOf(graph);
  const behind = view.behind(nodes.map((n) => n.output));
  const macs = graph.nodes.reduce((sum, n) => sum + (behind.has(n.output) ? view.macsPerWindow(n) : 0), 0);
  return percent(plan.macsPerHop ? macs / plan.macsPerHop : 0);
}

/**
 * R10: no statistics over time between layers that stream. If one is combined with the window's rows again,
 * all later layers are computed whole.
 */
export function statistics({ graph, plan }: Facts): Finding {
  const view = viewOf(graph);
  const back = graph.nodes.filter((n) => timesOf(n) > 1 && view.rows(n.inputs[0] ?? -1) === 1);
  if (back.length > 0) {
    const [first] = back as [Node];
    return {
      level: 'note',
      text: `${first.name} repeats a value of the whole window in its ${timesOf(first)} rows${alsoOf(back)}: what follows, with ${behindOf(graph, plan, back)} of a hop's work, is computed on whole windows`,
      tryThis: 'batch normalisation instead of a statistic over time, or this block behind the last layer that streams',
    };
  }
  const folds = graph.nodes.filter((n) => view.rule(n).kind === 'fold');
  const ends = folds.map((n) => `${n.name} (${view.rows(n.inputs[0] ?? -1)} rows)`);
  return {
    level: 'ok',
    text: `none of ${plural(graph.nodes.length, 'layer')} feeds statistics over time back${ends.length > 0 ? `; the time axis ends at ${ends.slice(0, 4).join(', ')}` : ''}. Normalisation before the model must be fixed or running, not per window`,
  };
}

/** R11: branches that join have the same rate. */
export function joins({ graph, timing, plan }: Facts): Finding {
  const view = viewOf(graph);
  const { rows } = view;
  const all = graph.nodes.filter((n) => new Set(n.inputs).size > 1 && view.rule(n).kind === 'window');
  const wrong = all.filter((n) => {
    const known = n.inputs.map((id) => timing.get(id));
    return new Set(known.map((t) => t?.jump)).size > 1 && n.inputs.some((id) => rows(id) > 1);
  });
  const [first] = wrong;
  if (!first)
    return {
      level: 'ok',
      text: `${plural(all.length, 'join')}: all inputs have the same rate; if one branch is ahead, its older rows are read`,
    };
  const { units } = plan.clock;
  const inputs = first.inputs.map((id) => {
    const jump = timing.get(id)?.jump;
    if (jump === undefined) return `${rows(id)} rows of no fixed rate`;
    const every = units === 1 ? plural(jump, 'frame') : `${Number((jump / units).toPrecision(3))} ticks`;
    return `${rows(id)} rows every ${every}`;
  });
  const behind = view.behind([first.output]);
  const whole = graph.nodes.filter((n) => behind.has(n.output));
  const macs = whole.reduce((sum, n) => sum + view.macsPerWindow(n), 0);
  return {
    level: 'note',
    text: `${first.name} joins ${inputs.join(' and ')}${wrong.length > 1 ? ` (as do ${wrong.length - 1} others)` : ''}: it and what follows, ${plural(whole.length, 'layer')} with ${percent(plan.macsPerHop ? macs / plan.macsPerHop : 0)} of a hop's work, are computed on whole windows`,
    tryThis: 'the same strides on both branches',
  };
}

/** R13: recurrence over a window, rows that depend on all rows (attention), and position-dependent values. */
export function recurrence({ graph, layers, plan }: Facts): Finding {
  const head = graph.nodes.length - layers.length;
  const view = viewOf(graph);
  const all = graph.nodes.filter((n) => view.rule(n).kind === 'whole' && view.rows(n.output) > 1 && timesOf(n) === 1);
  if (all.length > 0) {
    const [first] = all as [Node];
    return {
      level: 'note',
      text: `each row of ${first.name} depends on the whole window${alsoOf(all)}: attention, or values that depend on the position. With all later layers it is ${behindOf(graph, plan, all)} of a hop's work and is computed at every output; the layers before it stream`,
      tryThis: 'fewer rows before it (a stride, a pool), or this block behind the last layer that streams',
    };
  }
  const cells = graph.nodes.filter(isRecurrent);
  if (cells.length > 0) {
    const carried = cells.every(({ attrs }) => attrs.carry);
    return {
      level: 'note',
      text: carried
        ? `${plural(cells.length, 'recurrence')} ${cells.length === 1 ? 'carries its' : 'carry their'} state from frame to frame, like the model over an endless signal`
        : `${plural(cells.length, 'recurrence')} ${cells.length === 1 ? 'restarts' : 'restart'} at every window and ${cells.length === 1 ? 'runs' : 'run'} over all of its frames`,
      ...(!carried && { tryThis: '--mode stream, which keeps the state, if the model may run over an endless signal' }),
    };
  }
  return {
    level: 'ok',
    text: `${plural(layers.length, 'layer')} slide along time and ${head} ${head === 1 ? 'is' : 'are'} the head: no recurrence, no attention, no position-dependent values`,
  };
}
