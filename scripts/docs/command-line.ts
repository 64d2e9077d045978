/**
 * The page "Command line" of the documentation, from the options that each verb declares.
 *
 * In: host/cli/<verb>.ts, whose default export is a citty command.  Out: Markdown; a section a verb, a table of its options.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ArgDef, ArgsDef, CommandDef, CommandMeta } from 'citty';
import { kebab } from '../../host/cli/args.ts';

const folder = join(import.meta.dirname, '../../host/cli');

const settled = async <T>(value: T | Promise<T> | (() => T | Promise<T>) | undefined): Promise<T | undefined> =>
  typeof value === 'function' ? (value as () => T | Promise<T>)() : value;

interface Verb {
  meta: CommandMeta;
  args: ArgsDef;
}

/** The verbs of the command line, in the order of `runlet --help`'s alphabet. */
export async function verbs(): Promise<Verb[]> {
  const found: Verb[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.ts')) continue;
    const { default: command } = (await import(join(folder, file))) as { default?: CommandDef };
    const meta = command && (await settled(command.meta));
    if (meta?.name) found.push({ meta, args: (await settled(command?.args)) ?? {} });
  }
  return found;
}

/** Text in a cell of a table, where angle brackets and bars mean nothing. */
const cell = (text: string): string => text.replace(/[|\\<>*_`]/g, '\\$&').replaceAll('\n', ' ');

const isPositional = ({ type }: ArgDef): boolean => type === 'positional';

function written(name: string, arg: ArgDef): string {
  if (isPositional(arg)) return name.toUpperCase();
  const aliases = 'alias' in arg ? [arg.alias ?? []].flat() : [];
  const hint = arg.type === 'boolean' ? '' : ` ${('valueHint' in arg && arg.valueHint) || kebab(name)}`;
  return [...aliases.map((alias) => `${alias.length === 1 ? '-' : '--'}${alias}`), `--${kebab(name)}${hint}`].join(', ');
}

/** @returns the verb's line: `runlet build [MODEL] [options]`. */
function usage({ meta, args }: Verb): string {
  const positional = Object.entries(args)
    .filter(([, arg]) => isPositional(arg))
    .map(([name, arg]) => (arg.required === false ? `[${name.toUpperCase()}]` : name.toUpperCase()));
  return ['runlet', meta.name, ...positional, '[options]'].join(' ');
}

function section(verb: Verb): string[] {
  const rows = Object.entries(verb.args).map(([name, arg]) => {
    const options = 'options' in arg && arg.options ? ` One of ${arg.options.join(', ')}.` : '';
    const byDefault = arg.default === undefined || arg.default === false ? '' : ` Default: ${String(arg.default)}.`;
    return `| \`${written(name, arg).replaceAll('|', '\\|')}\` | ${cell(`${arg.description ?? ''}${options}${byDefault}`)} |`;
  });
  return [
    `## ${verb.meta.name}`,
    '',
    `${cell(verb.meta.description ?? '')}.`,
    '',
    '```text',
    usage(verb),
    '```',
    '',
    '| | |',
    '|---|---|',
    ...rows,
    '',
  ];
}

/** The whole page. */
export async function commandLinePage(): Promise<string> {
  const all = await verbs();
  const list = all.map(({ meta }) => `- [${meta.name}](#${meta.name}): ${cell(meta.description ?? '')}`);
  return [
    '# Command line',
    '',
    'Every verb prints results on standard output and progress on standard error. Exit codes: 0 ok, 1 a check failed, 2 usage,',
    '3 model not supported, 4 input or output, 130 interrupted. `runlet VERB --help` prints the same options as this page.',
    '',
    ...list,
    '',
    ...all.flatMap(section),
  ].join('\n');
}
