/**
 * What a plan has before its steps, and the sums over them.
 */
import { lcm } from '../graph/clock.ts';
import type { Node } from '../graph/types.ts';
import type { Step, StreamPlan, Timing } from './types.ts';

/** The part of a plan that does not depend on its mode. */
export type Draft = Pick<StreamPlan, 'graph' | 'options' | 'mode' | 'reason' | 'clock' | 'window' | 'hop'>;
export interface Trunk {
  nodes: Set<Node>;
  timing: Map<number, Timing>;
  boundary: Set<number>;
  alignment: number;
}

/** The plan with its steps and their sums. Its period: hops after which the places of all folds repeat. */
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

export function totals(steps: Step[]): Pick<StreamPlan, 'steps' | 'macsPerHop' | 'macsPerWindow' | 'stateBytes' | 'headShare'> {
  const sum = (of: (s: Step) => number) => steps.reduce((total, s) => total + of(s), 0);
  const macsPerHop = sum((s) => s.macsPerHop);
  const headMacs = sum((s) => (s.section === 'head' ? s.macsPerHop : 0));
  const headShare = macsPerHop === 0 ? 0 : headMacs / macsPerHop;
  return { steps, macsPerHop, macsPerWindow: sum((s) => s.macsPerWindow), stateBytes: sum((s) => s.stateBytes), headShare };
}

/** Without delay, context of an earlier window and warm-up. */
export const atOnce = { delayFrames: 0, leftContextFrames: 0, warmUpHops: 0 };
