/**
 * Formats a section of the reproduction as Markdown, for the terminal and for docs/paper.md.
 *
 * In: paragraphs and tables.  Out: text that ends in a newline. Tables are in fences, so that they look the
 * same in both.
 */
import { type Cell, table } from '../../host/report/table.ts';

export interface Options {
  /** True: fewer seeds, windows and repetitions. Sections without these do not change. */
  quick: boolean;
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

export const fenced = (head: string[], rows: Cell[][]): string => `\`\`\`text\n${table(rows, { head })}\n\`\`\``;

export const section = (title: string, ...blocks: string[]): string => `## ${title}\n\n${blocks.join('\n\n')}\n`;
