/**
 * planStream: Graph -> StreamPlan.
 *
 * In: a Graph, a hop and (optionally) a mode.  Out: trunk steps (every micro-hop) and head steps (every output) with the exact rows
 * that each reads and keeps.  Source: StreamiNNC sections 1.2, 1.6 and 1.8; rules R2, R3, R4, R11, R12.
 * Exactness: `windowed` equals the model; `stream` equals the model on windows extended to the left by leftContextFrames and to the
 * right by delayFrames, and so equals the model itself where it does not pad time.
 */
import { RunletError } from '../error.ts';
import type { Graph, Node } from '../graph/types.ts';
import { planMode } from './mode.ts';
import { trunkNodes } from './sections.ts';
import { buildSteps } from './steps.ts';
import { ruleOf, timingOf } from './timing.ts';
import type { PlanOptions, StreamPlan, TensorPlan, Timing } from './types.ts';

export const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

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
  if (graph.inputs.length !== 1) {
    throw new RunletError('RN203', {
      what: `the model has ${graph.inputs.length} inputs`,
      where: graph.inputs.map((p) => p.name).join(', '),
      why: 'one streamed input is supported',
      tryThis: 'join the signals into channels of one input',
    });
  }
  const direct = graph.outputs.find((p) => !graph.nodes.some((n) => n.output === p.tensor));
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
  if (!Number.isInteger(microHop) || microHop < 1 || hop % microHop !== 0) {
    throw new RunletError('RN202', {
      what: `micro-hop ${microHop} does not divide the hop ${hop}`,
      tryThis: 'a divisor of the hop',
    });
  }
}

function checkAlignment(hop: number, microHop: number, alignment: number): void {
  if (hop % alignment !== 0) {
    const below = Math.floor(hop / alignment) * alignment;
    const nearest = [below, below + alignment].filter((h) => h > 0).join(' or ');
    throw new RunletError('RN201', {
      what: `hop ${hop} is not a multiple of the total stride ${alignment}`,
      why: 'frames kept from the last hop would lie between the frames that this one needs (StreamiNNC rule R2)',
      tryThis: `hop ${nearest}, or --mode edge-exact, which is exact at any hop`,
    });
  }
  if (microHop % alignment !== 0) {
    throw new RunletError('RN201', {
      what: `micro-hop ${microHop} is not a multiple of the total stride ${alignment}`,
      why: 'StreamiNNC rule R3',
      tryThis: `micro-hop ${alignment}, or leave it out`,
    });
  }
}

/**
 * Plans how `graph` answers at every hop.
 * @throws RunletError RN201 (hop not aligned), RN202 (options), RN203 (inputs), RN204 (outputs)
 */
export function planStream(graph: Graph, options: PlanOptions): StreamPlan {
  const window = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape.t ?? 0;
  checkOptions(graph, window, options);
  const { hop, microHop = hop } = options;
  const { mode, reason } = planMode(graph, options);
  const trunk = trunkNodes(graph, mode, hop);
  const timing = timingOf(graph, (node) => trunk.has(node));
  const alignment = [...timing.values()].reduce((p, t) => lcm(p, t.jump), 1);
  checkAlignment(hop, microHop, alignment);

  const boundary = boundaryOf(graph, trunk, timing);
  const rowsOf = (id: number) => graph.tensors[id]?.shape.t ?? 0;
  let delayFrames = 0;
  let leftContextFrames = 0;
  for (const id of boundary) {
    const t = timing.get(id) as Timing;
    delayFrames = Math.max(delayFrames, (rowsOf(id) - 1) * t.jump + t.need - window);
    leftContextFrames = Math.max(leftContextFrames, t.lead);
  }
  const due = window + delayFrames;
  /** Rows complete when output 0 is due. */
  const complete = (id: number) => {
    const t = timing.get(id) as Timing;
    return Math.floor((due - t.need) / t.jump) + 1;
  };

  const tensors = new Map<number, TensorPlan>();
  for (const [id, t] of timing) {
    const newRows = microHop / t.jump;
    const before = complete(id) - newRows;
    let historyRows = 0;
    if (boundary.has(id)) historyRows = Math.max(historyRows, complete(id) - newRows);
    for (const node of trunk) {
      if (!node.inputs.includes(id)) continue;
      const rule = ruleOf(graph, node);
      if (rule.kind !== 'window') continue;
      const outBefore = complete(node.output) - microHop / (timing.get(node.output) as Timing).jump;
      historyRows = Math.max(historyRows, before - (outBefore * rule.stride - rule.pad[0]));
    }
    const windowFirstRow = newRows + historyRows - complete(id);
    tensors.set(id, { ...t, tensor: id, windowRows: rowsOf(id), newRows, historyRows, windowFirstRow });
  }

  const draft = { graph, mode, reason, window, hop, microHop, alignment, delayFrames, leftContextFrames, tensors };
  const steps = buildSteps(draft, trunk, complete);
  const macsPerHop = steps.reduce((sum, s) => sum + s.macsPerHop, 0);
  const headMacs = steps.filter((s) => s.section === 'head').reduce((sum, s) => sum + s.macsPerHop, 0);
  return {
    ...draft,
    phases: mode === 'edge-exact' ? steps.reduce((p, s) => lcm(p, s.reuse?.carry?.phases ?? 1), 1) : 1,
    warmUpHops: Math.ceil(leftContextFrames / hop),
    steps,
    macsPerHop,
    macsPerWindow: steps.reduce((sum, s) => sum + s.macsPerWindow, 0),
    headShare: macsPerHop === 0 ? 0 : headMacs / macsPerHop,
  };
}
