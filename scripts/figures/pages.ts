/**
 * Renders blocks of figures in pages, between `<!-- figures:NAME -->` and `<!-- /figures -->`.
 *
 * In: a page's text, a history.  Out: the text with its blocks replaced by those of the history.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../test/shared.ts';
import { block } from './blocks.ts';
import type { History } from './history.ts';
import { blocksOf, withBlocks } from './markdown.ts';

export const pages = ['README.md', 'docs/performance.md', 'docs/comparison.md'];

/** @throws Error if the table of a block was not measured */
export const withFigures = (text: string, history: History): string =>
  withBlocks(text, 'figures', (name) => block(name, history));

/** Returns the names of a page's blocks. */
export const blocksIn = (text: string): string[] => [...text.matchAll(blocksOf('figures'))].map(([, , name]) => name as string);

/** Returns the pages whose blocks differ from the history, with the text that they should have. */
export function stalePages(history: History): { page: string; text: string }[] {
  return pages.flatMap((page) => {
    const now = readFileSync(join(root, page), 'utf8');
    const text = withFigures(now, history);
    return text === now ? [] : [{ page, text }];
  });
}
