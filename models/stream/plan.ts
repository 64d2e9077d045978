/**
 * planStream: Graph -> StreamPlan.
 *
 * In: a Graph, a hop and (optionally) a mode.  Out: trunk steps (every micro-hop) and head steps (every
 * output) with the exact rows that each reads and keeps.  Source: StreamiNNC sections 1.2, 1.6 and 1.8; rules
 * R2, R3, R4, R11, R12. Exactness: `windowed` equals the model; `stream` equals the model on windows extended
 * to the left by leftContextFrames and to the right by delayFrames, and so equals the model itself where it
 * does not pad time.
 */
import { lcm } from '../graph/clock.ts';
import { withCarry } from '../graph/recurrent.ts';
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { modesFor } from './allowed-modes.ts';
import { checkAlignment, checkOptions, noLayout } from './check-options.ts';
import { atOnce, type Draft, totals } from './draft.ts';
import { choices, choose } from './edge/choose.ts';
import type { Layout } from './edge/layout.ts';
import { edgePlan } from './edge/plan.ts';
import { type Mode, streamingOf, windowGrid } from './modes.ts';
import { planApprox } from './plan-approx.ts';
import { planRows } from './plan-rows.ts';
import type { Point } from './prefer.ts';
import { trunkNodes } from './sections.ts';
import { strideOf, timingOf } from './timing.ts';
import type { PlanOptions, StreamPlan, Timing } from './types.ts';
import { workspaceOf } from './workspace.ts';

/** A plan beside layouts. */
interface PlanPoint extends Point {
  plan: StreamPlan;
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

/** Tensors that leave the trunk: graph outputs and inputs of head nodes. */
function boundaryOf(graph: Graph, trunk: Set<Node>, timing: Map<number, Timing>): Set<number> {
  const boundary = new Set<number>();
  for (const port of graph.outputs) if (timing.has(port.tensor)) boundary.add(port.tensor);
  for (const node of graph.nodes) {
    if (!trunk.has(node)) for (const id of node.inputs) if (timing.has(id)) boundary.add(id);
  }
  return boundary;
}

/** The plan in the draft's mode. */
function planIn(draft: Draft): StreamPlan {
  const { graph, options, mode, hop, clock, window } = draft;
  if (mode === 'edge-exact') return planEdges(draft, choose(graph, options)?.layout);
  const nodes = trunkNodes(graph, mode, hop);
  const timing = timingOf(graph, (node) => nodes.has(node));
  const alignment = strideOf(timing.values(), clock);
  const grid = windowGrid(mode, hop, alignment);
  const { microHop = grid } = options;
  checkAlignment(window, grid, microHop, alignment);
  const trunk = { nodes, timing, boundary: boundaryOf(graph, nodes, timing), alignment };
  return streamingOf(mode).padsHops ? planApprox(draft, trunk) : planRows(draft, trunk, microHop);
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

/** Mode edge-exact: no delay, no warm-up, any hop. */
function planEdges(draft: Draft, layout: Layout | undefined): StreamPlan {
  const { graph, hop, options } = draft;
  const { microHop = hop } = options;
  if (!layout) throw noLayout(graph, options, microHop);
  const { tensors, steps, period } = edgePlan(graph, layout);
  const phases = [...layout.streams.values()].reduce((p, s) => lcm(p, s.phases), 1);
  return { ...draft, microHop, alignment: 1, ...atOnce, phases, period, layout, tensors, ...totals(steps) };
}
