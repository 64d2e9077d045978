/**
 * runlet explain RN301: prints the paragraph of an error code, or of a rule of streaming (R1 to R14).
 *
 * In: a code.  Out: its paragraph of docs/errors.md (or of the parts that it is made of). Without a code, all
 * codes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { coloursFor, printJson } from '../command/args.ts';
import { jsonArg, optional, text } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { wrap } from '../report/wrap.ts';

const docs = join(import.meta.dirname, '../../docs');

/** Text of docs/errors.md, else of the parts in docs/errors. */
function sources(): string[] {
  const page = join(docs, 'errors.md');
  return existsSync(page) ? [readFileSync(page, 'utf8')] : [];
}

export interface Explanation {
  code: string;
  /** What stands behind the code in its heading, or nothing. */
  title: string;
  text: string;
}

/** What a code looks like: an error's, a rule's. */
export const errorCode = /RN\d{3}/;
export const ruleCode = /R\d{1,2}/;

/**
 * The paragraphs of a Markdown text: each begins with a line that starts with a code, as a heading, in bold,
 * or in a list.
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
    ['explain RN301', 'what this error means, and what to try'],
    ['explain R6', 'a rule of streaming'],
  ],
  args: {
    code: optional(text('The code, for example RN301, or a rule, for example R6; all codes without it')),
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
        tryThis: isRule ? 'R1 to R14' : 'runlet explain, without a code, lists all',
      });
    if (args.json) return printJson(code === undefined ? chosen : chosen[0]);
    const { bold } = coloursFor(process.stdout);
    const columns = Math.min(process.stdout.columns ?? 100, 100);
    const paragraphs = chosen.map((e) => `${bold(`${e.code} ${e.title}`.trimEnd())}\n${wrap(e.text, columns)}`);
    process.stdout.write(`${paragraphs.join('\n\n')}\n`);
  },
});
