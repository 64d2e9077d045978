/**
 * Text broken into lines between words.
 *
 * In: text, columns.  Out: the same text with line breaks, so that no line is longer, where no word is.
 */
export const wrap = (text: string, columns: number): string =>
  text
    .split('\n')
    .map((line) => line.replace(new RegExp(`(.{1,${columns}})(\\s+|$)`, 'g'), '$1\n').trimEnd())
    .join('\n');
