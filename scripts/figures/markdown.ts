/** Formats numbers, spreads, tables, and the origin of measurements as Markdown. */
import { maxOf, minOf } from '../../models/lists.ts';
import type { Measurement } from './history.ts';

interface Spread {
  medianUs: number;
  p5Us: number;
  p95Us: number;
}

export const whole = (n: number): string => n.toLocaleString('en');
/** Formats a number with one decimal; with two below 10, with none from 1000 on. */
export const decimal = (n: number): string => (n >= 1000 ? whole(Math.round(n)) : n.toFixed(n < 10 ? 2 : 1));
export const range = (from: number, to: number): string => `${decimal(from)} .. ${decimal(to)}`;
/** Formats minimum and maximum. */
export const rangeOf = (all: readonly number[]): string => range(minOf(all), maxOf(all));
export const spread = ({ medianUs, p5Us, p95Us }: Spread): string => `${decimal(medianUs)} (${range(p5Us, p95Us)})`;
export const percent = (n: number): string => `${(100 * n).toFixed(0)} %`;

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');

/** Matches the blocks of a page, each between `<!-- TAG:NAME -->` and `<!-- /TAG -->`. */
export const blocksOf = (tag: string): RegExp => new RegExp(`(<!-- ${tag}:(\\w+) -->\\n).*?(<!-- /${tag} -->)`, 'gs');

/** Replaces the content of all blocks of a page. */
export const withBlocks = (page: string, tag: string, content: (name: string) => string): string =>
  page.replace(blocksOf(tag), (_, begin: string, name: string, end: string) => `${begin}\n${content(name)}\n\n${end}`);

const timed = ({ date, machine }: Measurement<unknown>): string => {
  const { cpu, cores, isa, node } = machine;
  return `Measured ${date} on ${[cpu, `${cores} cores`, ...isa].join(', ')}; Node ${node}`;
};

/** Returns date, machine, versions, rounds and command of tables. Counts do not depend on the machine. */
export function origin(tables: ReadonlyMap<string, Measurement<unknown>>): string {
  const groups = new Map<string, [string, Measurement<unknown>][]>();
  for (const entry of tables) {
    const where = entry[1].rounds === undefined ? `Counted ${entry[1].date}, the same in every run` : timed(entry[1]);
    groups.set(where, [...(groups.get(where) ?? []), entry]);
  }
  return [...groups]
    .map(([where, found]) => {
      const versions = found.flatMap(([, m]) => Object.values(m.versions).map((text) => text.replaceAll(/ \([^)]*\)/g, '')));
      const rounds = [...new Set(found.flatMap(([, m]) => (m.rounds === undefined ? [] : [m.rounds])))];
      const counted = rounds.length > 0 ? [`${rounds.join(' and ')} rounds`] : [];
      return `${[where, ...versions, ...counted].join('; ')}: \`npm run figures -- ${found.map(([name]) => name).join(' ')}\`.`;
    })
    .join(' ');
}
