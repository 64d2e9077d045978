/**
 * runlet.json, the project file: settings of one model that every verb uses.
 *
 * In: runlet.json in the current folder, and the arguments of a verb.  Out: the arguments with the file's
 * settings added; arguments of the command line come first. The file is about one model and the files that
 * `make` wrote for it. A bundle holds its settings itself, so nothing is added for it.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import * as v from 'valibot';
import { truthPlaces } from '../../assembly/bundle/manifest.ts';
import { targets } from '../../assembly/emit/target.ts';
import { RunletError } from '../../models/error.ts';
import { checkedJson } from '../../models/json.ts';
import { printable } from '../../models/printable.ts';
import { modes } from '../../models/stream/modes.ts';
import { preferences } from '../../models/stream/types.ts';
import { presetNames } from '../../quant/presets.ts';
import { kebab } from '../command/args.ts';
import type { Options } from '../command/options.ts';
import { tokensOf } from '../command/parse.ts';

export const projectFile = 'runlet.json';
const limitBytes = 1 << 16;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(1000), v.transform(printable));
const names = v.pipe(v.array(text), v.minLength(1), v.maxLength(4096));

const schema = v.strictObject({
  /** The model file, relative to the folder of runlet.json. */
  model: text,
  /** Files that `make` wrote: the int8 model and the bundle. */
  int8: v.optional(text),
  bundle: v.optional(text),
  hop: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  mode: v.optional(v.picklist(modes)),
  prefer: v.optional(v.picklist(preferences)),
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
    tryThis: 'correct it, or write it again with runlet make',
  });

/** Parses runlet.json. @throws RN757 */
export const readProject = (json: string): Project => checkedJson(json, schema, 'the file', bad);

const same = (a: string, b: string | undefined): boolean =>
  b !== undefined && existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);

/**
 * Adds the settings of runlet.json to a verb's arguments. @returns all arguments, and those that were added.
 * @param options options of the verb; only verbs that take a model use the file.
 * @throws RN757, and the errors of parse for unknown options and missing values
 */
export function withProject(verb: string, options: Options, raw: readonly string[]): { raw: string[]; added: string[] } {
  const plain = { raw: [...raw], added: [] };
  if (!options.model?.place || !existsSync(projectFile)) return plain;
  const { size } = statSync(projectFile);
  if (size > limitBytes) throw bad(`it has ${size} bytes, at most ${limitBytes} are read`);
  const { model, int8, bundle: _, ...rest } = readProject(readFileSync(projectFile, 'utf8'));
  const { texts, places } = tokensOf(verb, raw, options);
  const [named] = places;
  const quantised = named !== undefined && same(named, int8);
  if (named !== undefined && !quantised && !same(named, model)) return plain;
  const added = Object.entries(rest).flatMap(([name, value]) => {
    if (value === undefined || !(name in options) || texts.has(name)) return [];
    if (quantised && (name === 'calib' || name === 'preset')) return [];
    return [`--${kebab(name)}=${Array.isArray(value) ? value.join(',') : value}`];
  });
  if (named === undefined) added.unshift(model);
  return { raw: [...added, ...raw], added };
}
