/**
 * Formats the help of a verb, the list of all verbs, and the quick start that `runlet` without arguments
 * shows.
 *
 * In: declarations, the width of the terminal, colours.  Out: lines that fit the width, broken between words.
 */
import { append, maxOf } from '../../models/lists.ts';
import { kebab } from '../command/args.ts';
import type { Option, Options } from '../command/options.ts';
import { shownName } from '../command/parse.ts';
import type { Verb } from '../command/verb.ts';
import type { Colours } from '../report/terminal.ts';
import { wrap } from '../report/wrap.ts';
import { road, verbGroups, verbs } from './verbs.ts';

export interface Page {
  columns: number;
  colours: Colours;
}

type Entry = readonly [label: string, text: string];

const gap = 2;

/** Formats labels on the left and texts on the right. A label that is too long gets its own line. */
function entries(list: readonly Entry[], { columns, colours }: Page, maxLabel = Math.floor(columns / 3)): string[] {
  const width = Math.min(maxLabel, maxOf(list.map(([label]) => label.length)));
  const indent = gap + width + gap;
  return list.flatMap(([label, text]) => {
    const lines = wrap(text, columns - indent).split('\n');
    const fits = label.length <= width;
    const head = `${' '.repeat(gap)}${colours.cyan(label)}`;
    const rest = (fits ? lines.slice(1) : lines).map((line) => `${' '.repeat(indent)}${line}`.trimEnd());
    return [fits ? `${head}${' '.repeat(width - label.length + gap)}${lines[0]}`.trimEnd() : head, ...rest];
  });
}

/** Returns the text of an option, with its values unless the text names them, and its default. */
function optionText({ about, words, default: byDefault, required }: Option): string {
  const named = words?.every((word) => new RegExp(`\\b${word.replace(/[^\w-]/g, '.')}\\b`).test(about));
  const all = words && !named ? `: ${words.join(', ')}` : '';
  const shown = byDefault === undefined || typeof byDefault === 'boolean' ? '' : ` (default: ${byDefault})`;
  return `${about}${all}${about.includes('default') ? '' : shown}${required ? ' (required)' : ''}`;
}

/** Returns the lines of an option: `-o, --output <file>`; some flags have a second line, `--no-NAME`. */
function optionEntries(name: string, option: Option): Entry[] {
  const { short, read, hint, negative, place } = option;
  if (place) return [[shownName(name, option) + (place === 'rest' ? ' …' : ''), option.about]];
  const label = `${short ? `-${short}, ` : ''}--${kebab(name)}${read ? ` <${hint}>` : ''}`;
  return [[label, optionText(option)], ...(negative ? [[`--no-${kebab(name)}`, negative] as const] : [])];
}

/** Returns the usage line with the required options: `runlet plan MODEL [options]`. */
function usage(name: string, options: Options): string {
  const parts = Object.entries(options).flatMap(([key, option]) => {
    const shown = shownName(key, option);
    if (option.place) {
      const places = option.place === 'rest' ? `${shown} …` : shown;
      return [option.required ? places : `[${places}]`];
    }
    return option.required ? [`${shown} <${option.hint}>`] : [];
  });
  return ['runlet', name, ...parts, '[options]'].join(' ');
}

/** Groups options by title, in the order of declaration; those without a title are under "Options". */
export function titled(options: Options): Map<string, [string, Option][]> {
  const groups = new Map<string, [string, Option][]>();
  for (const [name, option] of Object.entries(options)) {
    const title = option.place ? 'Arguments' : (option.group ?? 'Options');
    groups.set(title, [...(groups.get(title) ?? []), [name, option]]);
  }
  // the group that every verb has comes last
  const output = groups.get('Output');
  if (output && groups.delete('Output')) groups.set('Output', output);
  return groups;
}

const title = (text: string, { colours }: Page): string[] => ['', colours.bold(text)];

/** Formats examples: the command line, and below it the description. */
const exampleLines = (examples: Verb['examples'], page: Page): string[] =>
  examples.flatMap(([line, text]) => [
    ...wrapped(`runlet ${line}`, page, gap).map(page.colours.cyan),
    ...wrapped(text, page, 2 * gap + 2),
  ]);

const wrapped = (text: string, { columns }: Page, indent: number): string[] =>
  wrap(text, columns - indent)
    .split('\n')
    .map((line) => `${' '.repeat(indent)}${line}`.trimEnd());

/** Returns the help of a verb. */
export function verbHelp(name: string, { args, examples }: Verb, page: Page): string[] {
  const lines = [...wrapped(`${verbs[name]}.`, page, 0), ...title('Usage', page), ...wrapped(usage(name, args), page, gap)];
  for (const [text, options] of titled(args))
    append(lines, [
      ...title(text, page),
      ...entries(
        options.flatMap(([key, option]) => optionEntries(key, option)),
        page,
      ),
    ]);
  return [...lines, ...title(examples.length > 1 ? 'Examples' : 'Example', page), ...exampleLines(examples, page)];
}

const about = 'Runlet turns a neural network into a streaming WebAssembly module: int8, small, one answer every few samples.';

/** Returns the list of all verbs. */
export function commandHelp(version: string, page: Page): string[] {
  const lines = [...wrapped(`runlet ${version}. ${about}`, page, 0), ...title('Usage', page), '  runlet COMMAND [options]'];
  const longest = maxOf(Object.keys(verbs).map((name) => name.length));
  for (const [text, group] of Object.entries(verbGroups))
    append(lines, [
      ...title(text, page),
      ...entries(
        Object.entries(group).map(([k, v]) => [k.padEnd(longest), v]),
        page,
      ),
    ]);
  return [...lines, '', ...wrapped('`runlet help COMMAND` shows options and examples, `runlet --version` the version.', page, 0)];
}

/** Returns the quick start: the commands from a model to a running module. */
export const roadHelp = (page: Page): string[] => [
  ...wrapped(about, page, 0),
  '',
  ...exampleLines(road, page),
  '',
  ...wrapped('`runlet --help` lists all commands, `runlet help COMMAND` shows options and examples.', page, 0),
];
