/**
 * Makes text from files safe for terminals, logs and pages.
 *
 * In: any text.  Out: the same text with each control character written as `\uXXXX`: C0, DEL and C1; marks,
 * overrides and isolates of direction; line and paragraph separators; tag characters. `printable` also
 * replaces newline and tab; `printableLines` keeps these two.
 * Rule: inside a JSON string the replacement means the same character, so JSON keeps its meaning.
 * Source: ECMA-48 (control functions), Unicode 15 (Bidi_Control, zl, zp, tags); Trojan Source, Boucher and
 * Anderson, 2021.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unsafe = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

const code = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
const codes = (found: string): string => Array.from({ length: found.length }, (_, i) => code(found[i] as string)).join('');

/** Replaces control characters in a name or another text of one line. */
export const printable = (text: string): string => text.replace(unsafe, codes);

/** Replaces control characters in text of several lines. */
export const printableLines = (text: string): string =>
  text.replace(unsafe, (found) => (found === '\n' || found === '\t' ? found : codes(found)));
