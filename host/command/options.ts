/**
 * Declarations of command-line options and arguments. One declaration gives the help text, the type, the
 * parser with its limits, the default and the error message.
 *
 * In: the purpose of an option and the values that it accepts.  Out: an Option. parse.ts parses command lines
 * with it; help.ts and completion.ts print it. The key in the verb's `args` is the option's name: `microHop`
 * is written `--micro-hop`.
 */
import { RunletError } from '../../models/error.ts';
import { badOption, kebab } from './args.ts';
import { checkFile, checkFolder, checkOutput, checkSignals } from './paths.ts';

export interface Option<T = unknown> {
  /** Help text. */
  about: string;
  /** Placeholder of the value in the help; a flag has none. */
  hint?: string;
  /** Title of the option's group in the help. */
  group?: string;
  /** One-letter form: `o` for `-o`. */
  short?: string;
  /** Value if the option is not given. */
  default?: T;
  required?: boolean;
  /** Set for a positional argument: a single one, or all that remain. */
  place?: 'one' | 'rest';
  /** Help text of a flag's form `--no-NAME`. Without this text the form works, but the help hides it. */
  negative?: string;
  /** All values that the option accepts. */
  words?: readonly string[];
  /** True if the value is a path. */
  path?: boolean;
  /** Parses the value. A flag has no parser. @throws RN740 */
  read?(text: string, name: string): T;
  /** Refuses an unusable path. Runs after all values are parsed; opens no file. @throws RN720, RN753 */
  check?(text: string, where: string): void;
}

export type Options = Readonly<Record<string, Option>>;

/** Values of options, by name. */
export type Values<A extends Options> = { [K in keyof A]: A[K] extends Option<infer T> ? T : never };
/** Some of the values of options, by name. */
export type Given<A extends Options> = Partial<Values<A>>;

interface Spec<T> {
  hint?: string;
  short?: string;
  default?: T;
  required?: true;
}

/** Type of a value: `undefined` is possible unless the option is required or has a default. */
type Held<T, S> = S extends { required: true } | { default: NonNullable<unknown> } ? T : T | undefined;

/**
 * Declares an option with a value.
 * @param about help text. @param wants description of the accepted values, for RN740.
 * @param read parses the text; returns undefined if it cannot.
 */
export function withValue<T, const S extends Spec<T> = Spec<T>>(
  about: string,
  wants: string,
  read: (text: string) => T | undefined,
  spec?: S,
): Option<Held<T, S>> {
  return {
    about,
    hint: 'value',
    ...spec,
    read(text, name) {
      const value = read(text);
      if (value === undefined) throw badOption(name, text, wants);
      return value;
    },
  } as Option<Held<T, S>>;
}

export interface Limits {
  /** Smallest allowed value. */
  min?: number;
  /** Exclusive lower bound. */
  above?: number;
  /** Largest allowed value. */
  max?: number;
  /** True if only integers are allowed. */
  whole?: boolean;
}

/** Parses a number; returns undefined if it is outside the limits. */
export function readNumber(text: string, { min = -Infinity, above = -Infinity, max = Infinity, whole }: Limits = {}) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const fits = value >= min && value <= max && value > above && Number.isFinite(value);
  return fits && (!whole || Number.isInteger(value)) ? value : undefined;
}

/** Describes the numbers within the limits, for messages. */
function numberText({ min, above, max, whole }: Limits): string {
  const range = [min === undefined ? '' : `from ${min}`, above === undefined ? '' : `above ${above}`];
  return [whole ? 'a whole number' : 'a number', ...range, max === undefined ? '' : `to ${max}`].filter(Boolean).join(' ');
}

/** Declares an option with a number. */
export function number<const S extends Spec<number> & Limits = Spec<number> & Limits>(
  about: string,
  spec?: S,
): Option<Held<number, S>> {
  const { min, above, max, whole, ...rest } = { hint: 'n', ...spec } as Spec<number> & Limits;
  const limits = { min, above, max, whole };
  return withValue(about, numberText(limits), (text) => readNumber(text, limits), rest) as Option<Held<number, S>>;
}

/** Declares an option that accepts one of a few words. */
export function choice<const W extends readonly string[], const S extends Spec<W[number]> = Spec<W[number]>>(
  about: string,
  words: W,
  spec?: S,
): Option<Held<W[number], S>> {
  const joined = words.join('|');
  const one = withValue<W[number], S>(
    about,
    `one of ${words.join(', ')}`,
    (text) => (words.includes(text) ? (text as W[number]) : undefined),
    { hint: joined.length <= 20 ? joined : 'name', ...spec } as S,
  );
  return { ...one, words };
}

/** Declares an option that accepts `on` or `off`. */
export const onOff = (about: string): Option<boolean | undefined> => ({
  ...withValue(about, 'on or off', (text) => (text === 'on' ? true : text === 'off' ? false : undefined), { hint: 'on|off' }),
  words: ['on', 'off'],
});

/** Declares an option with any non-empty text that matches `pattern`. */
export function text<const S extends Spec<string> = Spec<string>>(
  about: string,
  spec?: S,
  pattern?: { wants: string; test: RegExp },
): Option<Held<string, S>> {
  const read = (value: string) => (value !== '' && (pattern?.test.test(value) ?? true) ? value : undefined);
  return withValue(about, pattern?.wants ?? 'some text', read, { hint: 'text', ...spec } as S);
}

/** Declares an option with a list, separated by commas. */
export const list = (about: string, spec: Spec<string[]> = {}): Option<string[] | undefined> =>
  withValue(
    about,
    'names separated by commas',
    (value) => {
      const parts = value.split(',').map((part) => part.trim());
      return parts.includes('') ? undefined : parts;
    },
    { hint: 'a,b', ...spec },
  );

/**
 * Declares a flag: true for `--NAME`, false for `--no-NAME`, undefined if neither is given.
 * @param negative help text of `--no-NAME`.
 */
export const flag = (about: string, negative?: string): Option<boolean | undefined> => ({ about, negative });

/** Declares a flag that is true unless `--no-NAME` is given. */
export const flagOn = (about: string, negative: string): Option<boolean> => ({ about, negative, default: true });

/** Declares a path that is not checked before its use. */
export const path = <const S extends Spec<string> = Spec<string>>(about: string, spec?: S): Option<Held<string, S>> => ({
  ...text(about, { hint: 'file', ...spec } as S),
  path: true,
});

/** Declares a file to read. @param except pattern of values that are not paths. */
export const input = <const S extends Spec<string> = Spec<string>>(
  about: string,
  spec?: S,
  except?: RegExp,
): Option<Held<string, S>> => ({
  ...path(about, spec),
  check: (value, where) => except?.test(value) || checkFile(value, where),
});

/**
 * Declares signals: files, standard input or generators, separated by commas; each may be written as
 * `name=source`.
 */
export const signals = <const S extends Spec<string> = Spec<string>>(about: string, spec?: S): Option<Held<string, S>> => ({
  ...path(about, spec),
  check: checkSignals,
});

/** Declares a file to write. */
export const output = <const S extends Spec<string> = Spec<string>>(about: string, spec?: S): Option<Held<string, S>> => ({
  ...path(about, spec),
  check: checkOutput,
});

/** Declares a folder to write to. */
export const folder = <const S extends Spec<string> = Spec<string>>(about: string, spec?: S): Option<Held<string, S>> => ({
  ...path(about, { hint: 'folder', ...spec } as S),
  check: checkFolder,
});

/** Turns an option into a required positional argument. */
export const argument = <T>(option: Option<T>): Option<NonNullable<T>> =>
  ({ ...option, place: 'one', required: true }) as Option<NonNullable<T>>;

/** Turns an option into an optional positional argument. */
export const optional = <T>(option: Option<T>): Option<T | undefined> => ({ ...option, place: 'one' }) as Option<T | undefined>;

/** Turns an option into the list of all remaining positional arguments, at least one. */
export const rest = <T>(option: Option<T>): Option<NonNullable<T>[]> =>
  ({ ...option, place: 'rest', required: true }) as unknown as Option<NonNullable<T>[]>;

/** Turns an option into the list of all remaining positional arguments, which may be empty. */
export const anyRest = <T>(option: Option<T>): Option<NonNullable<T>[]> => ({ ...rest(option), required: false, default: [] });

/** Returns the option with another help text. */
export const reworded = <T>(option: Option<T>, about: string): Option<T> => ({ ...option, about });

/** Puts options under one title in the help. */
export const group = <const A extends Options>(title: string, options: A): A =>
  Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, group: title }])) as unknown as A;

/** The option `--json`, which every verb has. */
export const jsonArg = group('Output', { json: flag('Print the results as JSON to standard output') });

/**
 * Refuses options that were given but have no effect here.
 * @param why reason that they have no effect. @param but names that are allowed. @throws RN740
 */
export function refuseGiven(options: Options, given: ReadonlySet<string>, why: string, but: readonly string[] = []): void {
  const name = Object.keys(options).find((key) => given.has(key) && !but.includes(key));
  if (name === undefined) return;
  const where = `--${kebab(name)}`;
  throw new RunletError('RN740', { what: `${where} has no effect here`, where, why });
}
