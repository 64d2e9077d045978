/**
 * R9, R10, R11 and R13: what the layers are: the head, statistics over time, joins, and what reads the window
 * backwards or at once.
 *
 * In: Facts.  Out: findings.  What has no form here the readers refuse (models/read/refused.ts); of what
 * breaks R10 or R13 and has one, these two say the price.  Source: StreamiNNC section 2 (R9, R10, R11,
 * R13).
 */
import { isRecurrent } from '../../graph/recurrent.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { opOfNode } from '../../ops/index.ts';
import type { StreamPlan } from '../../stream/types.ts';
import { count, type Facts, percent, plural } from './facts.ts';
import type { Finding } from './types.ts';

/** R9: the head is computed at every output, and caps the speed-up. */
export function headWork({ plan, headMacs }: Facts): Finding {
  const { macsPerHop, macsPerWindow, window, hop } = plan;
  if (headMacs === 0 || macsPerHop === 0)
    return { level: 'ok', text: `the head has 0 of ${count(macsPerHop)} MACs per hop: it caps nothing` };
  const share = headMacs / macsPerHop;
  const times = (macsPerWindow / macsPerHop).toFixed(2);
  const text = `the head is ${count(headMacs)} of ${count(macsPerHop)} MACs per hop (${percent(share)}) and caps the speed-up at ${(macsPerWindow / headMacs).toFixed(2)}; here it is ${times}, window / hop is ${(window / hop).toFixed(2)}`;
  return share > 0.5
    ? { level: 'note', text, tryThis: 'a convolution or a global average in place of a dense layer over all rows' }
    : { level: 'ok', text };
}

const timesOf = (n: Node): number => opOfNode(n).repeats?.(n.attrs) ?? 1;
const alsoOf = ({ length }: readonly Node[]): string =>
  length > 2 ? ` (as do ${length - 1} others)` : length > 1 ? ' (as does another)' : '';

/** The share of a hop's work that these layers are, with all that follows them. */
function behindOf(graph: Graph, plan: StreamPlan, nodes: readonly Node[]): string {
  const view = viewOf(graph);
  const behind = view.behind(nodes.map((n) => n.output));
  const macs = graph.nodes.reduce((sum, n) => sum + (behind.has(n.output) ? view.macsPerWindow(n) : 0), 0);
  return percent(plan.macsPerHop ? macs / plan.macsPerHop : 0);
}

/**
 * R10: no statistics over time between layers that stream; what follows where one meets the window's rows
 * again is computed whole.
 */
export function statistics({ graph, plan }: Facts): Finding {
  const view = viewOf(graph);
  const back = graph.nodes.filter((n) => timesOf(n) > 1 && view.rows(n.inputs[0] ?? -1) === 1);
  if (back.length > 0) {
    const [first] = back as [Node];
    return {
      level: 'note',
      text: `${first.name} repeats a value of the whole window in its ${timesOf(first)} rows${alsoOf(back)}: what follows, with ${behindOf(graph, plan, back)} of a hop's work, is computed on whole windows`,
      tryThis: 'batch norm in place of a statistic, or the block behind the last layer that is to stream',
    };
  }
  const folds = graph.nodes.filter((n) => view.rule(n).kind === 'fold');
  const ends = folds.map((n) => `${n.name} (${view.rows(n.inputs[0] ?? -1)} rows)`);
  return {
    level: 'ok',
    text: `none of ${plural(graph.nodes.length, 'layer')} feeds statistics over time back${ends.length > 0 ? `; ${ends.slice(0, 4).join(', ')} end time` : ''}. Normalisation before the model has to be fixed or running, not per window`,
  };
}

/** R11: branches that join have one rate. */
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
      text: `${plural(all.length, 'join')}: all inputs have one rate, and older rows are read where one branch is ahead`,
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

/**
 * R13: what runs through a window from its first frame, and rows that read all rows, or have their place in
 * the window.
 */
export function recurrence({ graph, layers, plan }: Facts): Finding {
  const head = graph.nodes.length - layers.length;
  const view = viewOf(graph);
  const all = graph.nodes.filter((n) => view.rule(n).kind === 'whole' && view.rows(n.output) > 1 && timesOf(n) === 1);
  if (all.length > 0) {
    const [first] = all as [Node];
    return {
      level: 'note',
      text: `each row of ${first.name} depends on the whole window${alsoOf(all)}: attention, or values by place. With what follows it is ${behindOf(graph, plan, all)} of a hop's work, computed at every output; what precedes streams`,
      tryThis: 'fewer rows before it (a stride, a pool), or the block behind the last layer that is to stream',
    };
  }
  const cells = graph.nodes.filter(isRecurrent);
  if (cells.length > 0) {
    const carried = cells.every(({ attrs }) => attrs.carry);
    return {
      level: 'note',
      text: carried
        ? `${plural(cells.length, 'recurrence')} ${cells.length === 1 ? 'carries its' : 'carry their'} state on from frame to frame, as the model over an endless signal does`
        : `${plural(cells.length, 'recurrence')} ${cells.length === 1 ? 'begins' : 'begin'} anew at every window, over all of its frames`,
      ...(!carried && { tryThis: '--mode stream, which carries the state on, where the model may run over an endless signal' }),
    };
  }
  return {
    level: 'ok',
    text: `${plural(layers.length, 'layer')} slide along time and ${head} ${head === 1 ? 'is' : 'are'} the head: no recurrence, no attention, no values by place`,
  };
}
