/**
 * Runs the commands and the examples of pages, and compares their output with the pages.
 *
 * In: pages. `sh`: each line is run; `# exit N` at its end is its exit code (default 0). `ts`: run as a
 * script. A block with a file's path in brackets after its kind is written to that file. `text` directly
 * after a block: each of its lines must have been printed; `…` matches anything. With an address in brackets,
 * the page at that address must show the text in Chromium. In rows of tables that end in a command, the
 * command prints the row's numbers. Each page runs in a new folder that looks like a fresh clone.
 */
import { posix } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { textOf } from '../sources.ts';
import { Clone } from './clone.ts';
import { absentTool, isKnown, ranElsewhere } from './commands.ts';
import { commandsOf, type Fence, fences, missing } from './fences.ts';
import { shownAt } from './shown.ts';

const rowsOf = (page: string) => [...page.matchAll(/^\|(.*)\|\s*`((?:(?:npx |\.\/)runlet|npm)[^`]*)`\s*\|$/gm)];
const hasWork = (page: string): boolean =>
  fences(page).some(({ kind, title }) => title !== undefined || ['sh', 'ts'].includes(kind)) || rowsOf(page).length > 0;

/** Registers a test for each page that has something to run. */
export function checkPages(pages: readonly string[]): void {
  const checked = pages.filter((page) => hasWork(textOf(page)));
  for (const page of checked)
    test(`${page}: commands and examples run, and print what the page shows`, async () => {
      const run = new PageRun(page);
      try {
        await run.blocks(fences(textOf(page)));
        for (const [, cells, command] of rowsOf(textOf(page))) await run.row(cells as string, command as string);
      } finally {
        run.clone.remove();
      }
    });
  test('the pages were found', () => assert.ok(checked.length > 0));
  test.run();
}

class PageRun {
  readonly clone = new Clone();
  private readonly page: string;
  private printed = '';
  /** True if a tool is missing that the rest of the page needs. */
  private ended = false;
  /** True if a command of the last block was not run. */
  private isPart = false;

  constructor(page: string) {
    this.page = page;
  }

  async blocks(blocks: Fence[]): Promise<void> {
    for (const [i, block] of blocks.entries()) if (!this.ended) await this.block(block, i);
  }

  private async block({ kind, title, text, follows }: Fence, i: number): Promise<void> {
    if (kind === 'text' && title !== undefined) {
      const shown = await shownAt(title, (page) => missing(text, page).length === 0);
      if (shown !== undefined) assert.equal(missing(text, shown), [], `${title} shows:\n${shown.slice(0, 4000)}`);
    } else if (title !== undefined) this.clone.write(title, text);
    else if (kind === 'sh') {
      this.printed = '';
      this.isPart = false;
      for (const line of commandsOf(text)) this.printed += await this.command(line);
    } else if (kind === 'ts') {
      const file = `example-${posix.basename(this.page, '.md').toLowerCase()}-${i}.ts`;
      this.clone.write(file, text);
      const result = await this.clone.run(process.execPath, ['--import', 'tsx', file]);
      assert.is(result.code, 0, `${this.page}, example:\n${text}\n${result.text}`);
      assert.ok(result.text.length > 0, 'the example prints something');
      this.printed = result.text;
    } else if (kind === 'text' && follows && !this.ended && !this.isPart) {
      assert.equal(missing(text, this.printed), [], `${this.page}: not printed. What was:\n${this.printed.slice(0, 4000)}`);
    }
  }

  /** Runs one command, or checks that it runs elsewhere. @returns its output */
  private async command(given: string): Promise<string> {
    if (this.ended) return '';
    const [, command, exit] = /^(.*?)(?:\s+# exit (\d))?$/.exec(given) as unknown as [string, string, string | undefined];
    const wrong = ranElsewhere(command);
    if (wrong !== undefined) {
      assert.is(wrong, '', `${this.page}: ${command} ${wrong}`);
      return '';
    }
    const absence = absentTool(command);
    if (absence) {
      console.log(`  not run, no ${absence.tool}: ${this.page}: ${command}${absence.needed ? ', and the rest of the page' : ''}`);
      this.ended = absence.needed;
      this.isPart = true;
      return '';
    }
    assert.ok(isKnown(command), `${this.page}: ${command} is not a command that this test knows`);
    const { code, text } = await this.clone.line(command);
    assert.is(code, Number(exit ?? 0), `${this.page}: ${command}\n${text}`);
    return text;
  }

  /** Checks a row of a table: its command prints the numbers of its last cell. */
  async row(cells: string, command: string): Promise<void> {
    const printed = await this.command(command);
    if (printed === '') return;
    const figure = cells.split('|').at(-1) as string;
    for (const number of figure.match(/\d[\d,.]*\d|\d/g) ?? [])
      assert.ok(printed.includes(number), `${this.page}: ${command} does not print ${number}`);
  }
}
