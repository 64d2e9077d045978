/**
 * runlet explain RN301: prints the explanation of an error code, or of a streaming rule (R1 to R14).
 *
 * In: a code.  Out: its paragraph from docs/errors.md; without a code, all paragraphs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { coloursFor, printJson } from '../command/args.ts';
import { jsonArg, optional, text } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { wrap } from '../report/wrap.ts';

const docs = join(import.meta.dirname, '../../docs');

/** Returns the text of docs/errors.md; empty if it is not installed. */
function sources(): string[] {
  const page = join(docs, 'errors.md');
  return existsSync(page) ? [readFileSync(page, 'utf8')] : [];
}

export interface Explanation {
  code: string;
  /** Rest of the heading after the code; may be empty. */
  title: string;
  text: string;
}

/** Patterns of an error code and of a rule's code. */
export const errorCode = /RN\d{3}/;
export const ruleCode = /R\d{1,2}/;

/**
 * Splits a Markdown text into explanations. Each begins with a line that starts with a code: a heading, bold
 * text, or a list item.
 */
export function explanations(markdown: string, code = errorCode): Explanation[] {
  const begins = new RegExp(`^(#+\\s+|[-*]\\s+)?[*\`]*(${code.source})\\b[*\`]*[:.]?\\s*[-–—:]?\\s*(.*)$`);
  const found: Explanation[] = [];
  let current: Explanation | undefined;
  for (const line of markdown.split('\n')) {
    const start = begins.exec(line);
    if (start) {
      const isHeading = start[1]?.startsWith('#') ?? false;
      const rest = (start[3] ?? '').trim();
      current = { code: start[2] as string, title: isHeading ? rest : '', text: isHeading ? '' : rest };
      found.push(current);
    } else if (line.startsWith('#')) current = undefined;
    else if (current) current.text += `\n${line}`;
  }
  for (const entry of found)
    entry.text = entry.text
      .replace(/\n(?!\n|[-*] )/g, ' ')
      .replace(/ {2,}/g, ' ')
      .trim();
  return found;
}

export default defineVerb({
  examples: [
    ['explain RN301', 'explains an error, and what to try'],
    ['explain R6', 'explains a streaming rule'],
  ],
  args: {
    code: optional(text('Error code, for example RN301, or rule, for example R6 (default: all codes)')),
    ...jsonArg,
  },
  run({ args }) {
    const code = args.code?.toUpperCase();
    const isRule = code !== undefined && /^R\d/.test(code);
    const all = sources().flatMap((page) => explanations(page, isRule ? ruleCode : errorCode));
    const chosen = code === undefined ? all : all.filter((entry) => entry.code === code);
    if (chosen.length === 0)
      throw new RunletError('RN742', {
        what:
          code === undefined ? 'the list of errors is not installed' : `there is no ${isRule ? 'rule' : 'error code'} ${code}`,
        where: code === undefined ? 'docs/errors.md' : 'command line',
        tryThis: isRule ? 'R1 to R14' : 'runlet explain without a code lists all codes',
      });
    if (args.json) return printJson(code === undefined ? chosen : chosen[0]);
    const { bold } = coloursFor(process.stdout);
    const columns = Math.min(process.stdout.columns ?? 100, 100);
    const paragraphs = chosen.map((e) => `${bold(`${e.code} ${e.title}`.trimEnd())}\n${wrap(e.text, columns)}`);
    process.stdout.write(`${paragraphs.join('\n\n')}\n`);
  },
});
