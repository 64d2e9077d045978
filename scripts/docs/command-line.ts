/**
 * The page "Command line" of the documentation, from the options that each verb declares.
 *
 * In: host/cli/<verb>.ts, whose default export declares `args`.  Out: Markdown; a section a verb, a table for
 * each group of its options.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kebab } from '../../host/cli/args.ts';

const folder = join(import.meta.dirname, '../../host/cli');

/** What a verb declares of an option or an argument. */
interface Declared {
  about?: string;
  description?: string;
  /** What stands for the value; a flag has none. */
  hint?: string;
  valueHint?: string;
  group?: string;
  short?: string;
  alias?: string | string[];
  /** An argument without a name. */
  place?: 'one' | 'rest';
  type?: string;
  words?: readonly string[];
  default?: unknown;
  required?: boolean;
}

interface Verb {
  name: string;
  about: string;
  args: Record<string, Declared>;
  /** Command lines without `runlet`, and what each does. */
  examples: readonly (readonly [line: string, text: string])[];
}

type VerbFile = Partial<Pick<Verb, 'args' | 'examples'>> & { meta?: { name?: string; description?: string } };

/** Names and texts of all verbs by group, where host/cli/verbs.ts lists them. */
async function listed(): Promise<Record<string, Record<string, string>>> {
  const list = join(folder, 'verbs.ts');
  return existsSync(list) ? ((await import(list)) as { verbGroups: Record<string, Record<string, string>> }).verbGroups : {};
}

/** The verbs of the command line: in the order of its help, else by name. */
export async function verbs(): Promise<Verb[]> {
  const texts: Record<string, string> = Object.assign({}, ...Object.values(await listed()));
  const found: Verb[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.ts')) continue;
    const { default: verb } = (await import(join(folder, file))) as { default?: VerbFile };
    if (!verb?.args) continue;
    const name = file.slice(0, -3);
    found.push({ name, about: texts[name] ?? verb.meta?.description ?? '', args: verb.args, examples: verb.examples ?? [] });
  }
  const order = Object.keys(texts);
  return found.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

/** Text in a cell of a table or in a line, where it means itself. */
const plain = (text: string): string => text.replace(/[|\\<>*_`]/g, '\\$&').replaceAll('\n', ' ');
/** Code in a cell of a table. */
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

const isArgument = ({ place, type }: Declared): boolean => place !== undefined || type === 'positional';
const isFlag = ({ hint, type }: Declared): boolean => (type === undefined ? hint === undefined : type === 'boolean');

function written(name: string, option: Declared): string {
  if (isArgument(option)) return name.toUpperCase();
  const short = [option.short ?? option.alias ?? []].flat().map((letter) => `-${letter}`);
  const value = isFlag(option) ? '' : ` ${option.hint ?? option.valueHint ?? 'value'}`;
  return `${[...short, `--${kebab(name)}`].join(', ')}${value}`;
}

function row(name: string, option: Declared): string {
  const words = option.words ? ` One of ${option.words.join(', ')}.` : '';
  const byDefault = option.default === undefined || option.default === false ? '' : ` Default: ${String(option.default)}.`;
  const about = option.about ?? option.description ?? '';
  return `| ${code(written(name, option))} | ${plain(`${about}${words && `.${words}`}${byDefault && `.${byDefault}`}`)} |`;
}

/** Options by the title of their group, '' for none, in the order in which they are declared. */
function grouped(options: [string, Declared][]): Map<string, [string, Declared][]> {
  const groups = new Map<string, [string, Declared][]>();
  for (const option of options) {
    const title = option[1].group ?? '';
    groups.set(title, [...(groups.get(title) ?? []), option]);
  }
  return groups;
}

const tableOf = (rows: string[]): string[] => ['| option | meaning |', '|---|---|', ...rows, ''];

function section({ name, about, args, examples }: Verb): string[] {
  const options = Object.entries(args);
  const places = options
    .filter(([, option]) => isArgument(option))
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

/** The whole page. */
export async function commandLinePage(): Promise<string> {
  const all = await verbs();
  return [
    '# Command line',
    '',
    'Every verb prints results on standard output and progress on standard error. Exit codes: 0 ok, 1 a check failed, 2 usage,',
    '3 model not supported, 4 input or output, 130 interrupted. `runlet VERB --help` prints the same options as this page.',
    '',
    ...all.map(({ name, about }) => `- [${name}](#${name}): ${plain(about)}`),
    '',
    ...all.flatMap(section),
  ].join('\n');
}
