/**
 * runlet.json: what is said once of a model, so that every verb knows it.
 *
 * In: runlet.json in the folder where a verb runs, and its arguments.  Out: arguments with what the file
 * says; those on the command line come first. The file speaks of one model, and of the files that `make`
 * wrote for it. A bundle holds its own settings, so that nothing is added to those.
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
  /** The model file, relative to the folder. */
  model: text,
  /** What `make` wrote: the int8 model and the bundle. */
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
    tryThis: 'correct it, or let runlet make write it again',
  });

/** @throws RN757 */
export const readProject = (json: string): Project => checkedJson(json, schema, 'the file', bad);

const same = (a: string, b: string | undefined): boolean =>
  b !== undefined && existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);

/**
 * Arguments of a verb with what runlet.json says, and those that were added.
 * @param options of the verb; the file is of use to verbs that read a model.
 * @throws RN757, and what parse throws of names and values that are missing
 */
export function withProject(verb: string, options: Options, raw: readonly string[]): { raw: string[]; added: string[] } {
  const plain = { raw: [...raw], added: [] };
  if (!options.model?.place || !existsSync(projectFile)) return plain;
  const { size } = statSync(projectFile);
  if (size > limitBytes) throw bad(`it has ${size} bytes, at most ${limitBytes} are read`);
  const { model, int8, bundle: _, ...rest } = readProject(readFileSync(projectFile, 'utf8'));
  const { said, places } = tokensOf(verb, raw, options);
  const [named] = places;
  const quantised = named !== undefined && same(named, int8);
  if (named !== undefined && !quantised && !same(named, model)) return plain;
  const added = Object.entries(rest).flatMap(([name, value]) => {
    if (value === undefined || !(name in options) || said.has(name)) return [];
    if (quantised && (name === 'calib' || name === 'preset')) return [];
    return [`--${kebab(name)}=${Array.isArray(value) ? value.join(',') : value}`];
  });
  if (named === undefined) added.unshift(model);
  return { raw: [...added, ...raw], added };
}
