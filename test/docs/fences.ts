/**
 * The fenced blocks of a Markdown page, for the tests that run them.
 *
 * In: Markdown.  Out: blocks in order. "```html [out/page/index.html]" has kind `html` and the title
 * `out/page/index.html`.
 */

export interface Fence {
  kind: string;
  /** What stands in brackets behind the kind: a file's path, or the address of a page. */
  title: string | undefined;
  text: string;
  /** Only blank lines stand between this block and the one before. */
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

/**
 * The page without its blocks, indented code and code in lines: what links and headings are looked for in.
 */
export const prose = (page: string): string =>
  page
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/^ {4,}.*$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));

/** Commands of a block: its lines, and the parts of a line between `&&`. */
export const commandsOf = (block: string): string[] =>
  block
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
    .flatMap((line) => line.split(' && '));

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Lines of `expected` that `printed` does not have. `…` stands for anything. */
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
