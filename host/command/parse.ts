/**
 * Parses a command line by the declarations of a verb.
 *
 * In: the arguments after the verb, the declarations.  Out: values by name, and the names that were given.
 * Checks the whole command line before any file is read, in this order: unknown options, surplus arguments,
 * values, missing options, paths.
 */
import { parseArgs } from 'node:util';
import { RunletError } from '../../models/error.ts';
import { badOption, kebab } from './args.ts';
import { nearest } from './nearest.ts';
import type { Option, Options, Values } from './options.ts';

export interface Parsed<A extends Options> {
  args: Values<A>;
  /** Names of the options and arguments that were given. */
  given: ReadonlySet<string>;
}

/** Returns the name as users see it: `--micro-hop` for an option, `MODEL` for an argument. */
export const shownName = (name: string, { place }: Option): string => (place ? kebab(name).toUpperCase() : `--${kebab(name)}`);

/** Maps every accepted spelling of an option to its key. Only flags have `no-NAME`. */
function spellings(options: Options): Map<string, string> {
  const known = new Map<string, string>();
  for (const [name, { place, short, read }] of Object.entries(options)) {
    if (place) continue;
    for (const spelling of [kebab(name), name, ...(short ? [short] : [])]) known.set(spelling, name);
    if (!read) for (const spelling of [`no-${kebab(name)}`, `no-${name}`]) known.set(spelling, name);
  }
  return known;
}

function unknownOption(verb: string, written: string, known: Iterable<string>): RunletError {
  const meant = nearest(
    written.replace(/^-+/, ''),
    [...known].filter((name) => name.length > 1),
  );
  return new RunletError('RN741', {
    what: `runlet ${verb} has no option ${written}`,
    where: 'command line',
    tryThis: meant ? `--${meant}; runlet help ${verb} lists all options` : `runlet help ${verb}`,
  });
}

/** Splits the command line into option texts (true or false for flags) and positional arguments. */
export function tokensOf(verb: string, raw: readonly string[], options: Options) {
  const known = spellings(options);
  const config = Object.fromEntries(
    Object.entries(options).flatMap(([name, { place, short, read }]) => {
      const type = read ? ('string' as const) : ('boolean' as const);
      return place ? [] : [[name, { type }] as const, [kebab(name), { type, ...(short && { short }) }] as const];
    }),
  );
  const { tokens } = parseArgs({ args: [...raw], options: config, strict: false, allowPositionals: true, tokens: true });
  const texts = new Map<string, string | boolean>();
  const places: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') places.push(token.value);
    if (token.kind !== 'option') continue;
    const name = known.get(token.name);
    if (name === undefined) throw unknownOption(verb, token.rawName, known.keys());
    const { value } = token;
    if (options[name]?.read) {
      if (value === undefined || (!token.inlineValue && value.startsWith('--') && known.has(value.slice(2).replace(/=.*$/, ''))))
        throw new RunletError('RN740', {
          what: `${token.rawName} needs a value`,
          where: token.rawName,
          tryThis: `runlet help ${verb}`,
        });
      texts.set(name, value);
    } else {
      const on = !token.name.startsWith('no-') || kebab(name).startsWith('no-');
      if (value !== undefined && value !== 'true' && value !== 'false') throw badOption(kebab(name), value, 'no value');
      texts.set(name, on === (value !== 'false'));
    }
  }
  return { texts, places };
}

/** Assigns positional arguments to their declarations. @throws RN741 if there are too many. */
function placed(verb: string, places: readonly string[], options: Options): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let left = [...places];
  for (const [name, { place }] of Object.entries(options)) {
    if (!place || left.length === 0) continue;
    const count = place === 'rest' ? left.length : 1;
    found.set(name, left.slice(0, count));
    left = left.slice(count);
  }
  if (left.length === 0) return found;
  const names = Object.entries(options).flatMap(([name, option]) => (option.place ? [shownName(name, option)] : []));
  throw new RunletError('RN741', {
    what: `unexpected argument ${left.join(' ')}: runlet ${verb} takes ${names.length > 0 ? names.join(' and ') : 'no argument'}`,
    where: 'command line',
    tryThis: `runlet help ${verb}`,
  });
}

/** Parses the arguments of a verb. @throws RN720, RN740, RN741, RN753, RN754 */
export function parse<A extends Options>(verb: string, raw: readonly string[], options: A): Parsed<A> {
  const { texts: optionTexts, places } = tokensOf(verb, raw, options);
  const positions = placed(verb, places, options);
  const args: Record<string, unknown> = {};
  const checks: (() => void)[] = [];
  const missing: string[] = [];
  for (const [name, option] of Object.entries(options) as [string, Option][]) {
    const where = shownName(name, option);
    const texts = option.place ? positions.get(name) : optionTexts.get(name);
    if (texts === undefined) {
      args[name] = option.default;
      if (option.required) missing.push(`${where}${option.place ? '' : ` <${option.hint}>`}`);
    } else if (typeof texts === 'boolean') args[name] = texts;
    else {
      const values = [texts].flat().map((value) => {
        if (option.check) checks.push(() => option.check?.(value, where));
        return option.read?.(value, option.place ? where : kebab(name));
      });
      args[name] = option.place === 'rest' ? values : values[0];
    }
  }
  if (missing.length > 0)
    throw new RunletError('RN754', {
      what: `${missing.join(' and ')} is missing`,
      where: `runlet ${verb}`,
      tryThis: `runlet help ${verb}`,
    });
  for (const check of checks) check();
  return { args: args as Values<A>, given: new Set([...optionTexts.keys(), ...positions.keys()]) };
}
