/**
 * What a plan has before its steps are known, and the sums over its steps.
 */
import { lcm } from '../graph/clock.ts';
import type { Node } from '../graph/types.ts';
import type { Step, StreamPlan, Timing } from './types.ts';

/** The part of a plan that is known before its layers are planned. */
export type Draft = Pick<StreamPlan, 'graph' | 'options' | 'mode' | 'reason' | 'clock' | 'window' | 'hop'>;
/** The streamed part of a network. */
export interface Trunk {
  nodes: Set<Node>;
  timing: Map<number, Timing>;
  /** Tensors that the head reads, or that are graph outputs. */
  boundary: Set<number>;
  /** Total stride, in ticks. */
  alignment: number;
}

/** Completes a plan. Its period is the number of hops after which the queue positions of all folds repeat. */
export function withSteps(
  draft: Omit<StreamPlan, keyof ReturnType<typeof totals> | 'phases' | 'period'>,
  steps: Step[],
): StreamPlan {
  return {
    ...draft,
    phases: 1,
    period: steps.reduce((p, s) => lcm(p, s.kind === 'fold' ? s.fold.slots : 1), 1),
    ...totals(steps),
  };
}

/** Returns the steps and the sums over them. */
export function totals(steps: Step[]): Pick<StreamPlan, 'steps' | 'macsPerHop' | 'macsPerWindow' | 'stateBytes' | 'headShare'> {
  const sum = (of: (s: Step) => number) => steps.reduce((total, s) => total + of(s), 0);
  const macsPerHop = sum((s) => s.macsPerHop);
  const headMacs = sum((s) => (s.section === 'head' ? s.macsPerHop : 0));
  const headShare = macsPerHop === 0 ? 0 : headMacs / macsPerHop;
  return { steps, macsPerHop, macsPerWindow: sum((s) => s.macsPerWindow), stateBytes: sum((s) => s.stateBytes), headShare };
}

/** Fields of a plan whose outputs depend only on their window: no delay, no left context, no warm-up. */
export const noDelay = { delayFrames: 0, leftContextFrames: 0, warmUpHops: 0 };
