/**
 * Pages with blocks of figures, between `<!-- figures:NAME -->` and `<!-- /figures -->`.
 *
 * In: a page's text, a history.  Out: the text with its blocks as the history renders them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../test/shared.ts';
import { block } from './blocks.ts';
import type { History } from './history.ts';

export const pages = ['README.md', 'docs/performance.md', 'docs/comparison.md'];

const marked = /(<!-- figures:(\w+) -->\n).*?(<!-- \/figures -->)/gs;

/** @throws where a block's table was not measured */
export const withFigures = (text: string, history: History): string =>
  text.replace(marked, (_, begin: string, name: string, end: string) => `${begin}\n${block(name, history)}\n\n${end}`);

/** Names of a page's blocks. */
export const blocksIn = (text: string): string[] => [...text.matchAll(marked)].map(([, , name]) => name as string);

/** Pages whose blocks are not as the history renders them, with the text that they should have. */
export function stalePages(history: History): { page: string; text: string }[] {
  return pages.flatMap((page) => {
    const now = readFileSync(join(root, page), 'utf8');
    const text = withFigures(now, history);
    return text === now ? [] : [{ page, text }];
  });
}
