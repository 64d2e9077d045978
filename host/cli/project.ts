/**
 * runlet.json: what is said once of a model, so that every verb knows it.
 *
 * In: runlet.json in the folder where a verb runs, and its arguments.  Out: arguments with what the file says; those on the command line come first.
 * The file speaks of one model, and of the files that `make` wrote for it. A bundle holds its own settings, so that nothing is added to those.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import * as v from 'valibot';
import { truthPlaces } from '../../assembly/bundle/manifest.ts';
import { targets } from '../../assembly/emit/target.ts';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { modes } from '../../models/stream/types.ts';
import { presetNames } from '../../quant/presets.ts';
import { kebab } from './args.ts';
import type { Options } from './options.ts';

export const projectFile = 'runlet.json';
const limitBytes = 1 << 16;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(1000), v.transform(printable));
const names = v.pipe(v.array(text), v.minLength(1), v.maxLength(4096));

const schema = v.strictObject({
  /** The model file, relative to the folder. */
  model: text,
  /** What `make` wrote: the int8 model and the bundle. */
  int8: v.optional(text),
  bundle: v.optional(text),
  hop: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  mode: v.optional(v.picklist(modes)),
  rate: v.optional(v.pipe(v.number(), v.minValue(1e-6), v.maxValue(1e9))),
  columns: v.optional(names),
  labels: v.optional(names),
  truthAt: v.optional(v.picklist(truthPlaces)),
  target: v.optional(v.picklist(targets)),
  calib: v.optional(text),
  preset: v.optional(v.picklist(presetNames)),
});

export type Project = v.InferOutput<typeof schema>;

const bad = (why: string): RunletError =>
  new RunletError('RN757', {
    what: `${projectFile} cannot be used`,
    where: projectFile,
    why,
    tryThis: 'correct it, or let runlet make write it again',
  });

/** @throws RN757 */
export function readProject(json: string): Project {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw bad((error as Error).message);
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw bad(`${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`);
}

const same = (a: string, b: string | undefined): boolean =>
  b !== undefined && existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);

/** The first argument that is no option and no option's value. */
function firstPlace(options: Options, raw: readonly string[]): string | undefined {
  for (let i = 0; i < raw.length; i++) {
    const arg = raw[i] as string;
    if (!arg.startsWith('-') || arg === '-') return arg;
    const name = arg.replace(/^--?/, '');
    const known = Object.entries(options).find(([key, { short }]) => [key, kebab(key), short].includes(name));
    if (known?.[1].read) i++;
  }
  return undefined;
}

/**
 * Arguments of a verb with what runlet.json says, and those that were added.
 * @param options of the verb; the file is of use to verbs that read a model.
 * @throws RN757
 */
export function withProject(options: Options, raw: readonly string[]): { raw: string[]; added: string[] } {
  const plain = { raw: [...raw], added: [] };
  if (!options.model?.place || !existsSync(projectFile)) return plain;
  const bytes = readFileSync(projectFile);
  if (bytes.length > limitBytes) throw bad(`it has ${bytes.length} bytes, at most ${limitBytes} are read`);
  const { model, int8, bundle: _, ...rest } = readProject(bytes.toString('utf8'));
  const named = firstPlace(options, raw);
  const quantised = named !== undefined && same(named, int8);
  if (named !== undefined && !quantised && !same(named, model)) return plain;
  const given = (name: string) => raw.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  const added = Object.entries(rest).flatMap(([name, value]) => {
    const key = name in options ? name : undefined;
    if (value === undefined || !key || given(kebab(key)) || (quantised && (name === 'calib' || name === 'preset'))) return [];
    return [`--${kebab(key)}=${Array.isArray(value) ? value.join(',') : value}`];
  });
  if (named === undefined) added.unshift(model);
  return { raw: [...added, ...raw], added };
}
