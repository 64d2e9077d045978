/**
 * Formats the findings of the streaming rules, for `plan`.
 *
 * In: findings.  Out: one line each; errors and warnings come first, then notes. At most six, unless all are
 * wanted.
 */
import { type Level, type RuleFinding, rules } from '../../models/report/rules.ts';
import type { coloursFor } from '../command/args.ts';

const maxLines = 6;
const order: Level[] = ['error', 'warn', 'note', 'ok'];

/** Returns lines without newlines; none if no rule is broken and `all` is false. */
export function ruleLines(findings: readonly RuleFinding[], all: boolean, colours: ReturnType<typeof coloursFor>): string[] {
  const rank = (f: RuleFinding) => order.indexOf(f.level) * rules.length + rules.indexOf(f.rule);
  const wanted = all ? findings : findings.filter((f) => f.level !== 'ok').sort((a, b) => rank(a) - rank(b));
  const shown = all ? wanted : wanted.slice(0, maxLines);
  const lines = shown.map(({ rule, level, text, tryThis }) => {
    const label = `${rule.padEnd(3)} ${level}`.padEnd(12);
    return `${colours.dim(label)}${text}${tryThis ? `. Try: ${tryThis}` : ''}`;
  });
  const rest = wanted.length - shown.length;
  return rest > 0 ? [...lines, `${colours.dim(''.padEnd(12))}${rest} more with --rules`] : lines;
}
