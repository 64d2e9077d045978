/** The tables of figures in pages equal those of docs/performance, and every table is on a page. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { blockNames } from '../../scripts/figures/blocks.ts';
import { readHistory } from '../../scripts/figures/history.ts';
import { blocksIn, pages, stalePages, withFigures } from '../../scripts/figures/pages.ts';
import { allFiles, textOf } from '../sources.ts';

test('blocks of figures are as docs/performance renders them: npm run figures -- --render', () => {
  assert.equal(
    stalePages(readHistory()).map(({ page }) => page),
    [],
  );
});

test('every block is on a page, and no other page has one', () => {
  assert.equal([...new Set(pages.flatMap((page) => blocksIn(textOf(page))))].sort(), [...blockNames].sort());
  const others = allFiles.filter((file) => file.endsWith('.md') && !pages.includes(file));
  assert.equal(
    others.filter((file) => blocksIn(textOf(file)).length > 0),
    [],
  );
});

test('a block replaces its old contents, and a table without measurements is named', () => {
  const page = (inside: string) => `a\n<!-- figures:cores -->\n${inside}<!-- /figures -->\nb\n`;
  const made = withFigures(page(''), readHistory());
  assert.match(
    made,
    /^a\n<!-- figures:cores -->\n\n\| network, hop \|[\s\S]*npm run figures -- cores`\.\n\n<!-- \/figures -->\nb\n$/,
  );
  assert.is(withFigures(page('| 1 |\n'), readHistory()), made);
  assert.throws(() => withFigures(page(''), { version: '9.9.9', tables: {} }), /9\.9\.9\.json has no table cores/);
});

test.run();
