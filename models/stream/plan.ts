/**
 * planStream: Graph -> StreamPlan.
 *
 * In: a Graph, a hop and (optionally) a mode.  Out: trunk steps (every micro-hop) and head steps (every
 * output) with the exact rows that each reads and keeps.  Source: StreamiNNC sections 1.2, 1.6 and 1.8; rules
 * R2, R3, R4, R11, R12. Exactness: `windowed` equals the model; `stream` equals the model on windows extended
 * to the left by leftContextFrames and to the right by delayFrames, and so equals the model itself where it
 * does not pad time.
 */
import { RunletError } from '../error.ts';
import { lcm, ticksOf } from '../graph/clock.ts';
import { withCarry } from '../graph/recurrent.ts';
import { stepTrunk } from '../graph/stateful.ts';
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { slidingLength } from '../ops/op.ts';
import { paddingBeforeStates } from './before.ts';
import { checkClock } from './check-clock.ts';
import { rowsDue } from './due.ts';
import { choices, choose } from './edge/choose.ts';
import type { Layout } from './edge/layout.ts';
import { edgePlan } from './edge/plan.ts';
import { modesFor } from './mode.ts';
import type { Point } from './prefer.ts';
import { trunkNodes } from './sections.ts';
import { buildSteps } from './steps.ts';
import { strideOf, timingOf } from './timing.ts';
import type { Mode, PlanOptions, Step, StreamPlan, TensorLayout, Timing } from './types.ts';
import { workspaceOf } from './workspace.ts';

/** Tensors that leave the trunk: graph outputs and inputs of head nodes. */
export function boundaryOf(graph: Graph, trunk: Set<Node>, timing: Map<number, Timing>): Set<number> {
  const boundary = new Set<number>();
  for (const port of graph.outputs) if (timing.has(port.tensor)) boundary.add(port.tensor);
  for (const node of graph.nodes) {
    if (!trunk.has(node)) for (const id of node.inputs) if (timing.has(id)) boundary.add(id);
  }
  return boundary;
}

function checkOptions(graph: Graph, window: number, options: PlanOptions): void {
  const { hop, microHop = hop } = options;
  checkClock(graph);
  const direct = graph.outputs.find((p) => !viewOf(graph).producer(p.tensor));
  if (direct) {
    throw new RunletError('RN204', {
      what: `no operator computes the output ${direct.name}`,
      where: direct.name,
      why: 'it is an input of the model',
      tryThis: 'leave that output out of the model',
    });
  }
  if (!Number.isInteger(hop) || hop < 1) {
    throw new RunletError('RN202', {
      what: `hop ${hop} is not a whole number of frames above 0`,
      tryThis: `a hop from 1 to ${window}`,
    });
  }
  if (graph.stateful) checkStep(graph, window, options);
  if (!Number.isInteger(microHop) || microHop < 1 || (hop % microHop !== 0 && options.mode !== 'misaligned')) {
    throw new RunletError('RN202', {
      what: `micro-hop ${microHop} does not divide the hop ${hop}`,
      why: 'an output falls due at the end of a micro-hop (StreamiNNC rule R3)',
      tryThis: 'a divisor of the hop',
    });
  }
}

/**
 * RN208. The frames of two steps may overlap where each step begins with all of its frames: nothing is kept
 * but states.
 */
function checkStep(graph: Graph, window: number, { hop, mode = 'stream' }: PlanOptions): void {
  const alone = stepTrunk(graph).size === 0;
  if (mode === 'stream' && (hop === window || (alone && hop < window))) return;
  throw new RunletError('RN208', {
    what: mode === 'stream' ? `hop ${hop} is not the model's step of ${window}` : `mode ${mode} is not for this model`,
    where: graph.name,
    why: 'the model carries its own state: it answers once a step, and its windows are not in the file',
    tryThis: `mode stream with hop ${window}${alone ? ' or below' : ''}, or leave both out`,
  });
}

function checkAlignment(window: number, hop: number, microHop: number, alignment: number): void {
  if (hop % alignment !== 0) {
    const below = Math.floor(hop / alignment) * alignment;
    const nearest = [below, below + alignment].filter((h) => h > 0 && h <= window).join(' or ');
    throw new RunletError('RN201', {
      what: `hop ${hop} is not a multiple of the total stride ${alignment}`,
      why: 'frames kept from the last hop would lie between the frames that this one needs (StreamiNNC rule R2)',
      tryThis: `${nearest ? `hop ${nearest}, or ` : ''}--mode edge-exact, which is exact at any hop`,
    });
  }
  if (microHop % alignment !== 0) {
    throw new RunletError('RN201', {
      what: `micro-hop ${microHop} is not a multiple of the total stride ${alignment}`,
      why: 'the layers behind the strides need whole rows from it (StreamiNNC rule R3)',
      tryThis: `micro-hop ${alignment}, or leave it out`,
    });
  }
}

/** What all modes' plans have in common, and which nodes stream. */
type Draft = Pick<StreamPlan, 'graph' | 'options' | 'mode' | 'reason' | 'clock' | 'window' | 'hop'>;
/** A plan beside layouts. */
interface PlanPoint extends Point {
  plan: StreamPlan;
}
interface Trunk {
  nodes: Set<Node>;
  timing: Map<number, Timing>;
  boundary: Set<number>;
  alignment: number;
}

/**
 * Plans how a graph answers at every hop. In mode stream the states of recurrent operators go on from row to
 * row.
 * @throws RunletError RN201 (hop not aligned), RN202 (options), RN203 (inputs), RN204 (outputs),
 * RN205 (budget), RN209 (padding)
 */
export function planStream(given: Graph, options: PlanOptions): StreamPlan {
  const { clock } = viewOf(given);
  const { window } = clock;
  checkOptions(given, window, options);
  const draft = { options, clock, window, hop: options.hop };
  const modes = modesFor(withCarry(given, false), options);
  if (modes.size > 1) return cheapest(given, draft, modes);
  const [[mode, reason]] = [...modes] as [[Mode, string]];
  return planIn({ ...draft, graph: withCarry(given, mode === 'stream'), mode, reason });
}

/** The plan in the draft's mode. */
function planIn(draft: Draft): StreamPlan {
  const { graph, options, mode, hop, clock, window } = draft;
  if (mode === 'edge-exact') return planEdges(draft, choose(graph, options)?.layout);
  const nodes = trunkNodes(graph, mode, hop);
  const timing = timingOf(graph, (node) => nodes.has(node));
  const alignment = strideOf(timing.values(), clock);
  const microHop = options.microHop ?? (mode === 'misaligned' ? alignment : hop);
  checkAlignment(window, mode === 'misaligned' ? alignment : hop, microHop, alignment);
  const trunk: Trunk = { nodes, timing, boundary: boundaryOf(graph, nodes, timing), alignment };
  return mode === 'approx' ? planApprox(draft, trunk) : planRows(draft, trunk, microHop);
}

/** Plans in the exact modes but edge-exact, as points beside its layouts. */
function exactPlans(graph: Graph, draft: Omit<Draft, 'graph' | 'mode' | 'reason'>, modes: Map<Mode, string>): PlanPoint[] {
  return [...modes].flatMap(([mode, reason]) => {
    if (mode === 'edge-exact') return [];
    const plan = planIn({ ...draft, graph: withCarry(graph, mode === 'stream'), mode, reason });
    const streamed = new Set(plan.steps.flatMap((s) => (s.section === 'trunk' ? [s.node] : [])));
    return [{ plan, macs: plan.macsPerHop, stateBytes: plan.stateBytes, workspaceBytes: workspaceOf(graph, streamed) }];
  });
}

/** Of the plans in several exact modes the one that is preferred. */
function cheapest(graph: Graph, draft: Omit<Draft, 'graph' | 'mode' | 'reason'>, modes: Map<Mode, string>): StreamPlan {
  const own = withCarry(graph, false);
  const chosen = choose(own, draft.options, exactPlans(graph, draft, modes), modes.has('edge-exact'));
  if (chosen && 'plan' in chosen) return chosen.plan;
  const reason = modes.get('edge-exact') ?? '';
  return planEdges({ ...draft, graph: own, mode: 'edge-exact', reason }, chosen?.layout);
}

/** The plans that a plan was chosen from, least work first, and which of them each preference takes. */
export function planChoices(plan: StreamPlan): ReturnType<typeof choices<PlanPoint>> {
  const { graph, options, clock, window, hop } = plan;
  const modes = modesFor(graph, options);
  if (modes.size === 1 && !modes.has('edge-exact')) return { points: [], taken: new Map() };
  return choices(graph, options, exactPlans(graph, { options, clock, window, hop }, modes), modes.has('edge-exact'));
}

/** The windowed model of a plan's graph at the plan's hop; planned once a plan. */
export function windowedPlan(plan: StreamPlan): StreamPlan {
  const known = plan.mode === 'windowed' ? plan : windowed.get(plan);
  const made = known ?? planStream(plan.graph, { hop: plan.hop, mode: 'windowed' });
  windowed.set(plan, made);
  return made;
}
const windowed = new WeakMap<StreamPlan, StreamPlan>();

/** Modes windowed, stream and misaligned: rows as they become complete. */
function planRows(draft: Draft, { nodes, timing, boundary, alignment }: Trunk, microHop: number): StreamPlan {
  const { graph, mode, clock, window, hop } = draft;
  const view = viewOf(graph);
  let delay = 0;
  let lead = 0;
  for (const id of boundary) {
    const t = timing.get(id) as Timing;
    delay = Math.max(delay, (view.rows(id) - 1) * t.jump + t.need - window * clock.units);
    lead = Math.max(lead, t.lead);
  }
  const delayFrames = ticksOf(delay, clock);
  const leftContextFrames = ticksOf(lead, clock);
  const due = (window + delayFrames) * clock.units;
  /** Rows complete when output 0 is due. */
  const complete = (id: number) => {
    const t = timing.get(id) as Timing;
    return Math.floor((due - t.need) / t.jump) + 1;
  };
  // misaligned: the first output whose window, taken early, has all its context
  const grid = mode === 'misaligned' ? alignment : 1;
  // a model with its own state begins on zero points, as its file says
  const warmUpHops = graph.stateful ? 0 : Math.ceil((Math.ceil(leftContextFrames / grid) * grid) / hop);
  const common = { ...draft, microHop, alignment, delayFrames, leftContextFrames, warmUpHops };
  const planned = (rows: (id: number) => number): StreamPlan => {
    const tensors = buffers(common, nodes, timing, boundary, rows);
    return withSteps({ ...common, tensors }, buildSteps({ ...common, tensors }, nodes, rows));
  };
  const early = planned(complete);
  paddingBeforeStates(early); // RN209
  if (mode !== 'stream' || graph.stateful) return early;
  const late = planned(rowsDue(graph, nodes, boundary, complete));
  return late.stateBytes <= early.stateBytes ? late : early;
}

/**
 * The buffer of each trunk tensor; `rows`: how many rows of window 0 are computed when its output falls due.
 */
function buffers(
  { graph, mode, clock, microHop }: Pick<StreamPlan, 'graph' | 'mode' | 'clock' | 'microHop'>,
  trunk: Set<Node>,
  timing: Map<number, Timing>,
  boundary: Set<number>,
  rows: (id: number) => number,
): Map<number, TensorLayout> {
  const view = viewOf(graph);
  const micro = microHop * clock.units;
  const tensors = new Map<number, TensorLayout>();
  for (const [id, t] of timing) {
    const newRows = micro / t.jump;
    const before = rows(id) - newRows;
    let historyRows = 0;
    // misaligned: outputs fall due between micro-hops, when the new rows have become history, which must be
    // in the state then
    const unread = mode === 'misaligned' ? 0 : newRows;
    if (boundary.has(id)) historyRows = Math.max(historyRows, rows(id) - unread, newRows - unread);
    for (const node of view.readers(id)) {
      const rule = view.rule(node);
      if (!trunk.has(node) || rule.kind !== 'window') continue;
      const outBefore = rows(node.output) - micro / (timing.get(node.output) as Timing).jump;
      historyRows = Math.max(historyRows, before - (outBefore * rule.stride - rule.pad[0]));
    }
    const windowFirstRow = unread + historyRows - rows(id);
    tensors.set(id, { ...t, tensor: id, windowRows: view.rows(id), newRows, historyRows, windowFirstRow, rowStep: 1 });
  }
  return tensors;
}

/** RN206 where a hop by itself does not give the rows that it stands for. */
function checkApprox({ graph, options, window, hop, clock }: Draft, { nodes, timing }: Trunk): void {
  const view = viewOf(graph);
  const time = hop * clock.units;
  const fail = (what: string, why: string, where?: string) => {
    throw new RunletError('RN206', { what, ...(where && { where }), why, tryThis: 'mode stream, or edge-exact' });
  };
  if (window % hop !== 0)
    fail(`the window of ${window} frames is no multiple of the hop ${hop}`, 'approx joins whole hops (StreamiNNC rule R1)');
  if (options.microHop !== undefined && options.microHop !== hop)
    fail(
      `micro-hop ${options.microHop} is not the hop ${hop}`,
      'approx pads at the seams of what it computes at once (StreamiNNC rule R3)',
    );
  for (const node of nodes) {
    const rule = view.rule(node);
    const jump = timing.get(node.inputs[0] as number)?.jump ?? 1;
    if (rule.kind !== 'window') continue;
    const rows = slidingLength(time / jump, rule.kernel, rule.stride, rule.dilation, rule.pad);
    const rate = time / jump / rule.stride;
    const whole = view.rows(node.output) * jump * rule.stride === window * clock.units;
    if (rows < rate || !whole)
      fail(
        `a hop of ${time / jump} rows gives ${rows}, and ${rate} are needed`,
        'approx needs layers that keep their length, padded, or pools as long as their stride (StreamiNNC rule R7)',
        node.name,
      );
  }
}

/** The plan with its steps and their sums. Its period: hops after which the places of all folds repeat. */
function withSteps(draft: Omit<StreamPlan, keyof ReturnType<typeof totals> | 'phases' | 'period'>, steps: Step[]): StreamPlan {
  return {
    ...draft,
    phases: 1,
    period: steps.reduce((p, s) => lcm(p, s.kind === 'fold' ? s.fold.slots : 1), 1),
    ...totals(steps),
  };
}

function totals(steps: Step[]): Pick<StreamPlan, 'steps' | 'macsPerHop' | 'macsPerWindow' | 'stateBytes' | 'headShare'> {
  const sum = (of: (s: Step) => number) => steps.reduce((total, s) => total + of(s), 0);
  const macsPerHop = sum((s) => s.macsPerHop);
  const headMacs = sum((s) => (s.section === 'head' ? s.macsPerHop : 0));
  const headShare = macsPerHop === 0 ? 0 : headMacs / macsPerHop;
  return { steps, macsPerHop, macsPerWindow: sum((s) => s.macsPerWindow), stateBytes: sum((s) => s.stateBytes), headShare };
}

/** Without delay, context of an earlier window and warm-up. */
const atOnce = { delayFrames: 0, leftContextFrames: 0, warmUpHops: 0 };

/**
 * Mode approx: every hop by itself; its rows join those of earlier hops in a ring. Source: StreamiNNC section
 * 1.2.
 */
function planApprox(draft: Draft, trunk: Trunk): StreamPlan {
  checkApprox(draft, trunk);
  const { graph, hop, clock } = draft;
  const { rows } = viewOf(graph);
  const tensors = new Map<number, TensorLayout>();
  for (const [id, t] of trunk.timing) {
    const newRows = (hop * clock.units) / t.jump;
    const historyRows = trunk.boundary.has(id) ? rows(id) - newRows : 0;
    const place = { windowRows: rows(id), newRows, historyRows, windowFirstRow: 0, rowStep: 1 };
    tensors.set(id, { ...t, lead: 0, lookAhead: 0, tensor: id, ...place });
  }
  const planned = { ...draft, microHop: hop, alignment: trunk.alignment, ...atOnce, tensors };
  const steps = buildSteps(planned, trunk.nodes, rows);
  return withSteps(
    planned,
    steps.map((s) => ({ ...s, exact: false })),
  );
}

/** Mode edge-exact: no delay, no warm-up, any hop. */
function planEdges(draft: Draft, layout: Layout | undefined): StreamPlan {
  const { graph, hop, options } = draft;
  const { microHop = hop } = options;
  if (!layout) throw noLayout(graph, options, microHop);
  const { tensors, steps, period } = edgePlan(graph, layout);
  const phases = [...layout.streams.values()].reduce((p, s) => lcm(p, s.phases), 1);
  return { ...draft, microHop, alignment: 1, ...atOnce, phases, period, layout, tensors, ...totals(steps) };
}

/** RN205 where no layout fits the budget, RN201 where the micro-hop fits none. */
function noLayout(graph: Graph, options: PlanOptions, microHop: number): RunletError {
  const { hop, budgetRam, budgetMacs } = options;
  if (budgetRam === undefined && budgetMacs === undefined) {
    return new RunletError('RN201', {
      what: `micro-hop ${microHop} brings no whole number of rows to some layer at hop ${hop}`,
      why: 'every layer needs whole rows from it (StreamiNNC rule R3)',
      tryThis: 'a larger micro-hop, or leave it out',
    });
  }
  const { points } = choices(graph, { hop, microHop });
  const least = points.reduce((a, b) => (b.stateBytes < a.stateBytes ? b : a), points[0] as Point);
  const text = ({ stateBytes, macs }: Point) => `${stateBytes} bytes of state with ${macs} MACs`;
  return new RunletError('RN205', {
    what: `no exact plan at hop ${hop} has ${[
      budgetRam === undefined ? '' : `at most ${budgetRam} bytes of state`,
      budgetMacs === undefined ? '' : `at most ${budgetMacs} MACs an output`,
    ]
      .filter(Boolean)
      .join(' and ')}`,
    why: `the least work is ${text(points[0] as Point)}, the least state ${text(least)}`,
    tryThis: 'a larger budget, or a hop that shares more factors with the total stride',
  });
}
