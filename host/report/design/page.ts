/**
 * The frame of a report's page.
 *
 * In: a title, style, body, script.  Out: one HTML file without external resources. Its style begins with
 * base.css from this folder.
 */
import { readFileSync } from 'node:fs';
import { variables } from './palette.ts';
import { escaped } from './text.ts';

/** Returns the style that all pages share: colours, type, tables, buttons. */
export const baseStyle = (): string => `${variables}${readFileSync(new URL('./base.css', import.meta.url), 'utf8')}`;

/** Makes a page. @param css style of this page; it follows the shared style. */
export const pageHtml = (title: string, css: string, body: string, script = ''): string =>
  [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(title)}</title>`,
    '<link rel="icon" href="data:,">',
    `<style>${baseStyle()}${css}</style></head>`,
    `<body>${body}${script ? `<script>${script}</script>` : ''}</body></html>`,
    '',
  ].join('\n');

/** Makes an element with data for the page's script; `<` is escaped. */
export const dataScript = (id: string, value: unknown): string =>
  `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll('<', '\\u003c')}</script>`;

export interface TableOptions {
  /** Label for screen readers. */
  label: string;
  /** Returns true for a column of numbers, which is aligned to the right. */
  numeric: (column: number) => boolean;
  /** True if the table stays a table on a phone. */
  narrow?: boolean;
  classes?: string;
}

/**
 * Makes a table. In a narrow window it scrolls, also by keyboard; on a phone each row becomes a card.
 * @param head texts of the column heads. @param rows HTML of the cells; the first cell names the row.
 */
export function tableHtml(head: string[], rows: string[][], { label, numeric, narrow, classes = '' }: TableOptions): string {
  const align = (i: number) => (numeric(i) ? ' class="n"' : '');
  const titles = head.map((h, i) => (h === '' ? `<td${align(i)}></td>` : `<th scope="col"${align(i)}>${escaped(h)}</th>`));
  const cell = (c: string, i: number) =>
    `<td${align(i)}${narrow || i === 0 || head[i] === '' ? '' : ` data-head="${escaped(head[i] as string)}"`}>${c}</td>`;
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`);
  const kind = `${narrow ? '' : 'cards '}${classes}`.trim();
  return [
    `<div class="scroll" tabindex="0" role="group" aria-label="${escaped(label)}"><table${kind ? ` class="${kind}"` : ''}>`,
    `<thead><tr>${titles.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`,
  ].join('');
}
