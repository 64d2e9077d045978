/**
 * Checks the options of a plan.
 *
 * In: a Graph and plan options.  Errors: RN201 (hop or micro-hop not aligned), RN202 (hop or micro-hop not
 * possible), RN203 (clock), RN204 (outputs), RN205 (budget), RN208 (model that carries its own state).
 */
import { RunletError } from '../error.ts';
import { stepTrunk } from '../graph/stateful.ts';
import type { Graph } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { checkClock } from './check-clock.ts';
import { choices } from './edge/choose.ts';
import { streamingOf } from './modes.ts';
import type { Point } from './prefer.ts';
import type { PlanOptions } from './types.ts';

/** Checks a graph and its plan options. @throws RunletError RN202, RN203, RN204, RN208 */
export function checkOptions(graph: Graph, window: number, options: PlanOptions): void {
  const { hop, microHop = hop, mode } = options;
  const hasOutputClock = mode !== undefined && streamingOf(mode).outputClock;
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
      what: `hop ${hop} is not a positive whole number of frames`,
      tryThis: `a hop from 1 to ${window}`,
    });
  }
  if (graph.stateful) checkStep(graph, window, options);
  if (!Number.isInteger(microHop) || microHop < 1 || (hop % microHop !== 0 && !hasOutputClock)) {
    throw new RunletError('RN202', {
      what: `micro-hop ${microHop} does not divide the hop ${hop}`,
      why: 'an output is due at the end of a micro-hop (StreamiNNC rule R3)',
      tryThis: 'a divisor of the hop',
    });
  }
}

/**
 * Checks the hop of a model that carries its own state. Steps may overlap only if no node streams, so that
 * every step gets all of its frames anew and only states are kept.
 * @throws RunletError RN208
 */
function checkStep(graph: Graph, window: number, { hop, mode = 'stream' }: PlanOptions): void {
  const mayOverlap = stepTrunk(graph).size === 0;
  if (mode === 'stream' && (hop === window || (mayOverlap && hop < window))) return;
  throw new RunletError('RN208', {
    what: mode === 'stream' ? `hop ${hop} is not the model's step of ${window}` : `mode ${mode} is not possible for this model`,
    where: graph.name,
    why: 'the model carries its own state: it gives one output per step, and its file defines a step, not a window',
    tryThis: `mode stream with hop ${window}${mayOverlap ? ' or less' : ''}, or leave both out`,
  });
}

/** @throws RunletError RN201 if hop or micro-hop is not a multiple of `alignment`, the total stride */
export function checkAlignment(window: number, hop: number, microHop: number, alignment: number): void {
  if (hop % alignment !== 0) {
    const below = Math.floor(hop / alignment) * alignment;
    const nearest = [below, below + alignment].filter((h) => h > 0 && h <= window).join(' or ');
    throw new RunletError('RN201', {
      what: `hop ${hop} is not a multiple of the total stride ${alignment}`,
      why: 'rows kept from the last hop would lie between the rows that this hop needs (StreamiNNC rule R2)',
      tryThis: `${nearest ? `hop ${nearest}, or ` : ''}--mode edge-exact, which is exact at any hop`,
    });
  }
  if (microHop % alignment !== 0) {
    throw new RunletError('RN201', {
      what: `micro-hop ${microHop} is not a multiple of the total stride ${alignment}`,
      why: 'every micro-hop has to bring whole rows to every layer (StreamiNNC rule R3)',
      tryThis: `micro-hop ${alignment}, or leave it out`,
    });
  }
}

/** Returns the error for a plan without a layout: RN205 if a budget is set, else RN201 (micro-hop). */
export function noLayout(graph: Graph, options: PlanOptions, microHop: number): RunletError {
  const { hop, budgetRam, budgetMacs, depth } = options;
  if (budgetRam === undefined && budgetMacs === undefined) {
    return new RunletError('RN201', {
      what: `micro-hop ${microHop} does not bring whole rows to every layer at hop ${hop}`,
      why: 'a layer computes whole rows only (StreamiNNC rule R3)',
      tryThis: 'a larger micro-hop, or leave it out',
    });
  }
  const { points } = choices(graph, { hop, microHop, ...(depth !== undefined && { depth }) });
  const leastState = points.reduce((a, b) => (b.stateBytes < a.stateBytes ? b : a), points[0] as Point);
  const text = ({ stateBytes, macs }: Point) => `${stateBytes} bytes of state and ${macs} MACs per output`;
  return new RunletError('RN205', {
    what: `no exact plan at hop ${hop} has ${[
      budgetRam === undefined ? '' : `at most ${budgetRam} bytes of state`,
      budgetMacs === undefined ? '' : `at most ${budgetMacs} MACs per output`,
    ]
      .filter(Boolean)
      .join(' and ')}`,
    why: `the plan with the least work needs ${text(points[0] as Point)}, the plan with the least state ${text(leastState)}`,
    tryThis: 'a larger budget, or a hop that shares more factors with the total stride',
  });
}
