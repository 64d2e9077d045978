/**
 * planStream: Graph -> StreamPlan.
 *
 * In: a Graph, a hop and plan options.  Out: trunk steps (every micro-hop), edge steps (every hop) and head
 * steps (every output), each with the exact rows that it reads and keeps.
 * Source: StreamiNNC sections 1.2, 1.6 and 1.8; rules R2, R3, R4, R11, R12.
 * Exactness: `windowed` and `edge-exact` equal the model. `stream` equals the model on windows extended to
 * the left by leftContextFrames and to the right by delayFrames. So it equals the model if time is not
 * padded.
 */
import { lcm } from '../graph/clock.ts';
import { withCarry } from '../graph/recurrent.ts';
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { addsIn } from './adds.ts';
import { modesFor } from './allowed-modes.ts';
import { checkAlignment, checkOptions, noLayout } from './check-options.ts';
import { type Draft, noDelay, totals } from './draft.ts';
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
import { movedBytes, workspaceOf } from './workspace.ts';

/** A complete plan as a point. Layouts of edge-exact are points too. */
interface PlanPoint extends Point {
  plan: StreamPlan;
}
/**
 * Plans a graph at a hop. In mode stream, recurrent operators carry their state from row to row.
 * @throws RunletError RN201 (hop not aligned), RN202 (options), RN203 (inputs), RN204 (outputs),
 * RN205 (budget), RN206 (mode approx), RN208 (model with its own state), RN209 (padding before a state)
 */
export function planStream(given: Graph, options: PlanOptions): StreamPlan {
  const { clock } = viewOf(given);
  const { window } = clock;
  checkOptions(given, window, options);
  const draft = { options, clock, window, hop: options.hop };
  const modes = modesFor(withCarry(given, false), options);
  if (modes.size > 1) return preferredPlan(given, draft, modes);
  const [[mode, reason]] = [...modes] as [[Mode, string]];
  return planIn({ ...draft, graph: withCarry(given, mode === 'stream'), mode, reason });
}

/** Returns the tensors that leave the trunk: graph outputs and inputs of head nodes. */
function boundaryOf(graph: Graph, trunk: Set<Node>, timing: Map<number, Timing>): Set<number> {
  const boundary = new Set<number>();
  for (const port of graph.outputs) if (timing.has(port.tensor)) boundary.add(port.tensor);
  for (const node of graph.nodes) {
    if (!trunk.has(node)) for (const id of node.inputs) if (timing.has(id)) boundary.add(id);
  }
  return boundary;
}

/** Plans the draft in its mode. */
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

/** Returns the plans of the exact modes other than edge-exact, as points. */
function exactPlans(graph: Graph, draft: Omit<Draft, 'graph' | 'mode' | 'reason'>, modes: Map<Mode, string>): PlanPoint[] {
  return [...modes].flatMap(([mode, reason]) => {
    if (mode === 'edge-exact') return [];
    const plan = planIn({ ...draft, graph: withCarry(graph, mode === 'stream'), mode, reason });
    const streamed = new Set(plan.steps.flatMap((s) => (s.section === 'trunk' ? [s.node] : [])));
    const { macsPerHop: macs, stateBytes } = plan;
    const histories = [...plan.tensors].map(([id, { historyRows }]) => [id, historyRows] as const);
    const moves = movedBytes(graph, histories, plan.hop / plan.microHop);
    return [{ plan, macs, adds: addsIn(plan, streamed), moves, stateBytes, workspaceBytes: workspaceOf(graph, streamed) }];
  });
}

/** Returns the preferred one of the plans in several exact modes. */
function preferredPlan(graph: Graph, draft: Omit<Draft, 'graph' | 'mode' | 'reason'>, modes: Map<Mode, string>): StreamPlan {
  const windowed = withCarry(graph, false);
  const chosen = choose(windowed, draft.options, exactPlans(graph, draft, modes), modes.has('edge-exact'));
  if (chosen && 'plan' in chosen) return chosen.plan;
  const reason = modes.get('edge-exact') ?? '';
  return planEdges({ ...draft, graph: windowed, mode: 'edge-exact', reason }, chosen?.layout);
}

/** Returns the points that a plan was chosen from, least work first, and the choice of each preference. */
export function planChoices(plan: StreamPlan): ReturnType<typeof choices<PlanPoint>> {
  const { graph, options, clock, window, hop } = plan;
  const modes = modesFor(graph, options);
  if (modes.size === 1 && !modes.has('edge-exact')) return { points: [], byPreference: new Map() };
  return choices(graph, options, exactPlans(graph, { options, clock, window, hop }, modes), modes.has('edge-exact'));
}

/** Returns the plan of the windowed model at the same hop. Cached by plan. */
export function windowedPlan(plan: StreamPlan): StreamPlan {
  const known = plan.mode === 'windowed' ? plan : windowedPlans.get(plan);
  const made = known ?? planStream(plan.graph, { hop: plan.hop, mode: 'windowed' });
  windowedPlans.set(plan, made);
  return made;
}
const windowedPlans = new WeakMap<StreamPlan, StreamPlan>();

/** Plans mode edge-exact. Any hop is possible; there is no delay and no warm-up. */
function planEdges(draft: Draft, layout: Layout | undefined): StreamPlan {
  const { graph, hop, options } = draft;
  const { microHop = hop } = options;
  if (!layout) throw noLayout(graph, options, microHop);
  const { tensors, steps, period } = edgePlan(graph, layout);
  const phases = [...layout.streams.values()].reduce((p, s) => lcm(p, s.phases), 1);
  return { ...draft, microHop, alignment: 1, ...noDelay, phases, period, layout, tensors, ...totals(steps) };
}
