/**
 * Options and arguments of the command line. Each is declared once: help, type, parser with limits, default
 * and error are one declaration.
 *
 * In: what an option is for and what it takes.  Out: an Option. parse.ts reads a command line by them,
 * help.ts and completion.ts print them. An option's name is its key in the verb's `args`: `microHop` is
 * written `--micro-hop`.
 */
import { RunletError } from '../../models/error.ts';
import { badOption, kebab } from './args.ts';
import { checkFile, checkFolder, checkOutput, checkSignals } from './paths.ts';

export interface Option<T = unknown> {
  /** Text of the help: what it is for. */
  about: string;
  /** What stands for the value in the help; a flag has none. */
  hint?: string;
  /** Title in the help. */
  group?: string;
  /** One letter: `-o`. */
  short?: string;
  /** Holds where the option is not given. */
  default?: T;
  required?: boolean;
  /** An argument without a name: one, or all that follow. */
  place?: 'one' | 'rest';
  /** A flag's other form `--no-NAME`, as text of the help; a flag that has none still takes it. */
  negative?: string;
  /** All values that there are. */
  words?: readonly string[];
  /** The value is a path. */
  path?: boolean;
  /** The value of a text. A flag has none. @throws RN740 */
  read?(text: string, name: string): T;
  /**
   * Refuses a path that cannot be used. It is called when all values are read, and reads no file. @throws
   * RN720, RN753
   */
  check?(text: string, where: string): void;
}

export type Options = Readonly<Record<string, Option>>;

/** What a command line says, by name. */
export type Values<A extends Options> = { [K in keyof A]: A[K] extends Option<infer T> ? T : never };
/** The same, where a caller gives only some. */
export type Given<A extends Options> = Partial<Values<A>>;

interface Spec<T> {
  hint?: string;
  short?: string;
  default?: T;
  required?: true;
}

/** A value that is always there, or one that may not be. */
type Held<T, S> = S extends { required: true } | { default: NonNullable<unknown> } ? T : T | undefined;

/**
 * An option whose text `read` turns into a value; undefined says that it cannot. @param wants what it takes,
 * for RN740
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
  /** Smallest value, itself allowed. */
  min?: number;
  /** Value that is too small, where no smallest one can be named. */
  above?: number;
  /** Largest value, itself allowed. */
  max?: number;
  whole?: boolean;
}

/** The number that a text is, within limits. */
export function readNumber(text: string, { min = -Infinity, above = -Infinity, max = Infinity, whole }: Limits = {}) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const fits = value >= min && value <= max && value > above && Number.isFinite(value);
  return fits && (!whole || Number.isInteger(value)) ? value : undefined;
}

export function numberText({ min, above, max, whole }: Limits): string {
  const range = [min === undefined ? '' : `from ${min}`, above === undefined ? '' : `above ${above}`];
  return [whole ? 'a whole number' : 'a number', ...range, max === undefined ? '' : `to ${max}`].filter(Boolean).join(' ');
}

export function number<const S extends Spec<number> & Limits = Spec<number> & Limits>(
  about: string,
  spec?: S,
): Option<Held<number, S>> {
  const { min, above, max, whole, ...rest } = { hint: 'n', ...spec } as Spec<number> & Limits;
  const limits = { min, above, max, whole };
  return withValue(about, numberText(limits), (text) => readNumber(text, limits), rest) as Option<Held<number, S>>;
}

/** One of a few words. */
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

/** `on` or `off`. */
export const onOff = (about: string): Option<boolean | undefined> => ({
  ...withValue(about, 'on or off', (text) => (text === 'on' ? true : text === 'off' ? false : undefined), { hint: 'on|off' }),
  words: ['on', 'off'],
});

/** Any text that `pattern` takes. */
export function text<const S extends Spec<string> = Spec<string>>(
  about: string,
  spec?: S,
  pattern?: { wants: string; test: RegExp },
): Option<Held<string, S>> {
  const read = (value: string) => (value !== '' && (pattern?.test.test(value) ?? true) ? value : undefined);
  return withValue(about, pattern?.wants ?? 'some text', read, { hint: 'text', ...spec } as S);
}

/** Parts with commas between them. */
export const list = (about: string, spec: Spec<string[]> = {}): Option<string[] | undefined> =>
  withValue(
    about,
    'names with commas between them',
    (value) => {
      const parts = value.split(',').map((part) => part.trim());
      return parts.includes('') ? undefined : parts;
    },
    { hint: 'a,b', ...spec },
  );

/**
 * Given or not; undefined where neither `--NAME` nor `--no-NAME` stands there. @param negative help of
 * `--no-NAME`
 */
export const flag = (about: string, negative?: string): Option<boolean | undefined> => ({ about, negative });

/** Given unless `--no-NAME` stands there. */
export const flagOn = (about: string, negative: string): Option<boolean> => ({ about, negative, default: true });

/** A path that is looked at when it is used. */
export const path = <const S extends Spec<string> = Spec<string>>(about: string, spec?: S): Option<Held<string, S>> => ({
  ...text(about, { hint: 'file', ...spec } as S),
  path: true,
});

/** A file that is read. @param except values that are no path */
export const input = <const S extends Spec<string> = Spec<string>>(
  about: string,
  spec?: S,
  except?: RegExp,
): Option<Held<string, S>> => ({
  ...path(about, spec),
  check: (value, where) => except?.test(value) || checkFile(value, where),
});

/** Signals: files, standard input or generators, with commas between them, each perhaps as `name=source`. */
export const signals = <const S extends Spec<string> = Spec<string>>(about: string, spec?: S): Option<Held<string, S>> => ({
  ...path(about, spec),
  check: checkSignals,
});

/** A file that is written. */
export const output = <const S extends Spec<string> = Spec<string>>(about: string, spec?: S): Option<Held<string, S>> => ({
  ...path(about, spec),
  check: checkOutput,
});

/** A folder that is written into. */
export const folder = <const S extends Spec<string> = Spec<string>>(about: string, spec?: S): Option<Held<string, S>> => ({
  ...path(about, { hint: 'folder', ...spec } as S),
  check: checkFolder,
});

/** The option as an argument without a name, which must be there. */
export const argument = <T>(option: Option<T>): Option<NonNullable<T>> =>
  ({ ...option, place: 'one', required: true }) as Option<NonNullable<T>>;

/** The option as an argument without a name. */
export const optional = <T>(option: Option<T>): Option<T | undefined> => ({ ...option, place: 'one' }) as Option<T | undefined>;

/** The option as all arguments that follow, one at least. */
export const rest = <T>(option: Option<T>): Option<NonNullable<T>[]> =>
  ({ ...option, place: 'rest', required: true }) as unknown as Option<NonNullable<T>[]>;

/** The same option with another text in the help, or other properties of it that are no type. */
export const reworded = <T>(option: Option<T>, about: string): Option<T> => ({ ...option, about });

/** Options under one title of the help. */
export const group = <const A extends Options>(title: string, options: A): A =>
  Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, group: title }])) as unknown as A;

/** The option that every verb has. */
export const jsonArg = group('Output', { json: flag('Results as JSON on standard output') });

/**
 * Options of a declaration that are given although they are of no use. @param why what makes them so @throws
 * RN740
 */
export function refuseGiven(options: Options, given: ReadonlySet<string>, why: string, but: readonly string[] = []): void {
  const name = Object.keys(options).find((key) => given.has(key) && !but.includes(key));
  if (name === undefined) return;
  const where = `--${kebab(name)}`;
  throw new RunletError('RN740', { what: `${where} is of no use here`, where, why });
}
