/**
 * Checks of what a plan was asked for.
 *
 * In: a Graph and the options.  Errors: RN201 (hop or micro-hop not aligned), RN202 (hop or micro-hop not
 * possible), RN203 and RN207 (clock), RN204 (outputs), RN205 (budget), RN208 (model with a state of its own).
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

export function checkOptions(graph: Graph, window: number, options: PlanOptions): void {
  const { hop, microHop = hop, mode } = options;
  const separate = mode !== undefined && streamingOf(mode).outputClock;
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
  if (!Number.isInteger(microHop) || microHop < 1 || (hop % microHop !== 0 && !separate)) {
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

export function checkAlignment(window: number, hop: number, microHop: number, alignment: number): void {
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

/** RN205 where no layout fits the budget, RN201 where the micro-hop fits none. */
export function noLayout(graph: Graph, options: PlanOptions, microHop: number): RunletError {
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
