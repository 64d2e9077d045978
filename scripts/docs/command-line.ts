/**
 * Makes the page "Command line" of the documentation from the options that each verb declares.
 *
 * In: host/cli/verbs.ts.  Out: Markdown: a section per verb in the order of the help, with a table for each
 * group of its options.
 */

import { loadVerb, verbs as texts } from '../../host/cli/verbs.ts';
import { kebab } from '../../host/command/args.ts';
import type { Option } from '../../host/command/options.ts';
import type { Verb } from '../../host/command/verb.ts';

interface NamedVerb extends Verb {
  name: string;
  about: string;
}

/** Loads the verbs of the command line, in the order of its help. */
export const verbs = (): Promise<NamedVerb[]> =>
  Promise.all(Object.entries(texts).map(async ([name, about]) => ({ name, about, ...(await loadVerb(name)) })));

/** Escapes text for a table cell or a line. */
const plain = (text: string): string => text.replace(/[|\\<>*_`]/g, '\\$&').replaceAll('\n', ' ');
/** Formats code for a table cell. */
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

function written(name: string, { place, hint, short }: Option): string {
  if (place) return name.toUpperCase();
  return `${short ? `-${short}, ` : ''}--${kebab(name)}${hint === undefined ? '' : ` ${hint}`}`;
}

function row(name: string, option: Option): string {
  const words = option.words && `One of ${option.words.join(', ')}.`;
  const byDefault = option.default !== undefined && option.default !== false && `Default: ${String(option.default)}.`;
  const about = [words || byDefault ? `${option.about}.` : option.about, words, byDefault].filter(Boolean).join(' ');
  return `| ${code(written(name, option))} | ${plain(about)} |`;
}

/** Groups options by the title of their group ('' for none), in the order of their declaration. */
function grouped(options: [string, Option][]): Map<string, [string, Option][]> {
  const groups = new Map<string, [string, Option][]>();
  for (const option of options) {
    const title = option[1].group ?? '';
    groups.set(title, [...(groups.get(title) ?? []), option]);
  }
  return groups;
}

const tableOf = (rows: string[]): string[] => ['| option | meaning |', '|---|---|', ...rows, ''];

function section({ name, about, args, examples }: NamedVerb): string[] {
  const options = Object.entries(args);
  const places = options
    .filter(([, option]) => option.place)
    .map(([place, option]) => (option.required === false ? `[${place.toUpperCase()}]` : place.toUpperCase()));
  const groups = grouped(options);
  return [
    `## ${name}`,
    '',
    `${plain(about)}.`,
    '',
    '```text',
    ['runlet', name, ...places, '[options]'].join(' '),
    '```',
    '',
    ...examples.flatMap(([line, text]) => [`- ${code(`runlet ${line}`)}: ${plain(text)}`]),
    '',
    ...[...groups].flatMap(([title, members]) => [
      ...(title ? [`### ${title} {#${kebab(`${name}${title}`).replace(/\W+/g, '-')}}`, ''] : []),
      ...tableOf(members.map(([option, declared]) => row(option, declared))),
    ]),
  ];
}

/** Returns the whole page. */
export async function commandLinePage(): Promise<string> {
  const all = await verbs();
  return [
    '# Command line',
    '',
    'Every verb prints results on standard output and progress on standard error. Exit codes: 0 ok, 1 a check failed, 2 usage,',
    '3 model not supported, 4 input or output, 130 interrupted. Every verb has `--json`.',
    '',
    'The command is `npx runlet` where the package is installed, and `./runlet` in a clone. `runlet` alone shows the way from a model to',
    'a module, `runlet help VERB` prints the options of a verb with examples, and `runlet completion bash` (or zsh, fish) prints a script that',
    'completes commands, options and their values. On a terminal, tables leave out columns that do not fit, and name them.',
    '',
    ...all.map(({ name, about }) => `- [${name}](#${name}): ${plain(about)}`),
    '',
    ...all.flatMap(section),
  ].join('\n');
}
