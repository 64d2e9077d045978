/**
 * A page of a report: one HTML file with everything in it.
 *
 * In: a title, style, body, script.  Out: HTML text, no external resource. base.css, which all pages begin
 * with, lies beside this file.
 */
import { readFileSync } from 'node:fs';
import { variables } from './palette.ts';
import { escaped } from './text.ts';

/** What every page's style begins with: colours, type, tables, buttons. */
export const baseStyle = (): string => `${variables}${readFileSync(new URL('./base.css', import.meta.url), 'utf8')}`;

/** @param css the page's own style, after the common one. */
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

/** Data for a script, safe inside a script element. */
export const dataScript = (id: string, value: unknown): string =>
  `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll('<', '\\u003c')}</script>`;

export interface TableOptions {
  /** What it is about, for those who do not see it. */
  label: string;
  /** Columns of numbers, aligned to the right. */
  numeric: (column: number) => boolean;
  /** On a phone rows stay rows. */
  narrow?: boolean;
  classes?: string;
}

/**
 * A table that scrolls in itself where the window is too narrow, also by keyboard; on a phone a row is a card
 * with its heads.
 * @param head texts. @param rows HTML of cells, the first of a row is its name.
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
