/**
 * Breaks text into lines between words.
 *
 * In: text, columns.  Out: the text with line breaks. No line is longer than `columns`, except for a longer
 * word. Terminal escape sequences have no width.
 */
import { stripVTControlCharacters } from 'node:util';

const widthOf = (text: string): number => stripVTControlCharacters(text).length;

/** Breaks one line; spaces at its start are kept. @param indent spaces before each line after the first. */
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

/** Breaks every line of a text. */
export const wrap = (text: string, columns: number): string =>
  text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= columns ? [line.trimEnd()] : broken(line, columns, 0)))
    .join('\n');

/**
 * Returns the indent of continued lines: that of the text after a label (`mode        stream`), else that of
 * the line.
 */
function hanging(line: string): number {
  const plain = stripVTControlCharacters(line);
  const [label] = /^\s*(?:\S+ {1,2})?\S+\s{2,}(?=\S)/.exec(plain) ?? [];
  return label && label.length <= 24 ? label.length : (/^\s*/.exec(plain) ?? [''])[0].length;
}

/** Matches JSON, and lines that move the cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequence that empties a line
const unbreakable = /^[{[]|\r|\x1b\[[\d;]*K/;

/** Breaks a program's lines for a terminal. JSON and lines that move the cursor are not changed. */
export const fitLines = (text: string, columns: number): string =>
  text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= columns || unbreakable.test(line) ? [line] : broken(line, columns, hanging(line))))
    .join('\n');
