/**
 * The guidelines for streaming networks, R1 to R14, as findings about one plan: each with its numbers.
 *
 * In: a StreamPlan, or a Graph and options.  Out: one finding a rule, in order. An error is what planStream
 * throws for the rule; a warning says that outputs will differ from what the model was trained for, a note
 * what a rule costs here.
 * Source: StreamiNNC, Discussion (guidelines), with its checkable form R1 to R14; docs/errors.md has a
 * paragraph a rule. R10 and R13 are about layers that have no streaming form: the readers refuse those by
 * name (models/read/refused.ts).
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

/** All rules, in order. */
export const rules = Object.keys(checks) as Rule[];

/** One finding a rule about a plan that exists; none is an error. */
export function rulesOf(plan: StreamPlan): RuleFinding[] {
  const facts = factsOf(plan);
  return rules.map((rule) => ({ rule, ...checks[rule](facts) }));
}

/** The rule that an error of the planner names, if it names one. */
const ruleOfError = (text = ''): Rule | undefined => /\brule (R\d{1,2})\b/.exec(text)?.[1] as Rule | undefined;

/**
 * The findings for options that may not be possible: the rule that forbids them is an error with the
 * planner's code, the others are about mode `windowed` at this hop.
 * @throws RunletError where no rule is the cause
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
