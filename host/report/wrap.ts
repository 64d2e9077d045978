/**
 * Text broken into lines between words.
 *
 * In: text, columns.  Out: the same text with line breaks, so that no line is longer, where no word is.
 * Sequences of a terminal have no width.
 */
import { stripVTControlCharacters } from 'node:util';

const widthOf = (text: string): number => stripVTControlCharacters(text).length;

/** One line as several. Blanks at its start are kept. @param indent blanks before each line but the first */
function broken(line: string, columns: number, indent: number): string[] {
  const lines: string[] = [];
  const [, start = '', rest = ''] = /^(\s*)(.*)$/s.exec(line) ?? [];
  let [now, filled] = [start, false];
  for (const [, word = '', blanks = ''] of rest.matchAll(/(\S+)(\s*)/g)) {
    if (filled && widthOf(now + word) > columns) {
      lines.push(now.trimEnd());
      now = ' '.repeat(indent);
    }
    now += word + blanks;
    filled = true;
  }
  return [...lines, now.trimEnd()];
}

export const wrap = (text: string, columns: number): string =>
  text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= columns ? [line.trimEnd()] : broken(line, columns, 0)))
    .join('\n');

/**
 * Blanks before what follows a break: under the text behind a label (`mode        stream`), else as the line
 * began.
 */
function hanging(line: string): number {
  const plain = stripVTControlCharacters(line);
  const [label] = /^\s*(?:\S+ {1,2})?\S+\s{2,}(?=\S)/.exec(plain) ?? [];
  return label && label.length <= 24 ? label.length : (/^\s*/.exec(plain) ?? [''])[0].length;
}

/** JSON, and lines that move the cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequence that empties a line
const asTheyAre = /^[{[]|\r|\x1b\[[\d;]*K/;

/**
 * Whole lines of a program for a terminal of so many columns. JSON and lines that move the cursor stay as
 * they are.
 */
export const fitLines = (text: string, columns: number): string =>
  text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= columns || asTheyAre.test(line) ? [line] : broken(line, columns, hanging(line))))
    .join('\n');
