/**
 * The fenced blocks of a Markdown page, for the tests that run them.
 *
 * In: Markdown.  Out: blocks in order. "```html [out/page/index.html]" has kind `html` and the title
 * `out/page/index.html`.
 */

export interface Fence {
  kind: string;
  /** Text in brackets after the kind: a file's path, or the address of a page. */
  title: string | undefined;
  text: string;
  /** True if only blank lines separate this block from the one before. */
  follows: boolean;
}

export function fences(page: string): Fence[] {
  let end = -1;
  return [...page.matchAll(/^```(\w*)(?: \[([^\]\n]+)\])?\n([\s\S]*?)^```$/gm)].map(
    ({ 0: whole, 1: kind = '', 2: title, 3: text = '', index }) => {
      const follows = end >= 0 && page.slice(end, index).trim() === '';
      end = index + whole.length;
      return { kind, title, text, follows };
    },
  );
}

/** Returns the page without its blocks, indented code and inline code, to search for links and headings. */
export const prose = (page: string): string =>
  page
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/^ {4,}.*$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));

/** Returns the commands of a block: its lines, split at `&&`. */
export const commandsOf = (block: string): string[] =>
  block
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
    .flatMap((line) => line.split(' && '));

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Returns the lines of `expected` that are not in `printed`. `…` matches anything. */
export function missing(expected: string, printed: string): string[] {
  const lines = printed.split('\n').map((line) => line.trimEnd());
  return expected
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && line !== '…')
    .filter((line) => {
      const pattern = new RegExp(`^${line.split('…').map(escaped).join('.*')}$`);
      return !lines.some((found) => pattern.test(found));
    });
}
