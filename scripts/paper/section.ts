/**
 * A section of the reproduction as Markdown, for the terminal and for docs/paper.md.
 *
 * In: paragraphs and tables.  Out: text that ends in a newline; tables stand in fences, so that they read the
 * same in both.
 */
import { type Cell, table } from '../../host/report/table.ts';

export interface Options {
  /** Fewer seeds, windows and repetitions; the deterministic sections stay as they are. */
  quick: boolean;
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

export const fenced = (head: string[], rows: Cell[][]): string => `\`\`\`text\n${table(rows, { head })}\n\`\`\``;

export const section = (title: string, ...blocks: string[]): string => `## ${title}\n\n${blocks.join('\n\n')}\n`;
