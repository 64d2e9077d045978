/**
 * Checks a plan against the guidelines for streaming networks, R1 to R14.
 *
 * In: a StreamPlan, or a Graph and options.  Out: one finding per rule, in order, with numbers. An error is
 * the error of planStream for the rule. A warning means that outputs differ from those that the model was
 * trained for. A note states the cost of the rule.
 * Source: StreamiNNC, Discussion (guidelines), in the checkable form R1 to R14; docs/errors.md has a
 * paragraph per rule. R10 and R13 concern layers without streaming form, which the readers refuse by name
 * (models/read/refused.ts).
 */
import { isRunletError } from '../error.ts';
import type { Graph } from '../graph/types.ts';
import { planStream } from '../stream/plan.ts';
import type { PlanOptions, StreamPlan } from '../stream/types.ts';
import { factsOf } from './rules/facts.ts';
import { headWork, joins, recurrence, statistics } from './rules/layers.ts';
import { approximate, contamination, misalignment, partial } from './rules/padding.ts';
import { alignment, leftContext, lookAhead, microHop, warmUp, wholeHops } from './rules/time.ts';
import type { Rule, RuleFinding } from './rules/types.ts';

export type { Level, Rule, RuleFinding } from './rules/types.ts';

const checks = {
  R1: wholeHops,
  R2: alignment,
  R3: microHop,
  R4: lookAhead,
  R5: leftContext,
  R6: contamination,
  R7: approximate,
  R8: partial,
  R9: headWork,
  R10: statistics,
  R11: joins,
  R12: warmUp,
  R13: recurrence,
  R14: misalignment,
} as const satisfies Record<Rule, unknown>;

/** Names of all rules, in order. */
export const rules = Object.keys(checks) as Rule[];

/** Returns one finding per rule for an existing plan; none is an error. */
export function rulesOf(plan: StreamPlan): RuleFinding[] {
  const facts = factsOf(plan);
  return rules.map((rule) => ({ rule, ...checks[rule](facts) }));
}

/** Returns the rule that an error of the planner names, or undefined. */
const ruleOfError = (text = ''): Rule | undefined => /\brule (R\d{1,2})\b/.exec(text)?.[1] as Rule | undefined;

/**
 * Returns the findings for options that may be impossible. The rule that forbids them is then an error with
 * the planner's code; the other findings are for mode `windowed` at this hop.
 * @throws RunletError if planning fails for another reason
 */
export function rulesFor(graph: Graph, options: PlanOptions): RuleFinding[] {
  try {
    return rulesOf(planStream(graph, options));
  } catch (error) {
    const rule = isRunletError(error) ? ruleOfError(error.parts.why) : undefined;
    if (!isRunletError(error) || !rule) throw error;
    const { what, why, tryThis } = error.parts;
    const found: RuleFinding = {
      rule,
      level: 'error',
      code: error.code,
      text: `${what}: ${why}`,
      ...(tryThis && { tryThis }),
    };
    const others = rulesOf(planStream(graph, { hop: options.hop, mode: 'windowed' }));
    return others.map((f) => (f.rule === rule ? found : f));
  }
}
