/**
 * mutated: returns a streaming model with a change that breaks it or only changes its meaning.
 *
 * In: a seed.  Out: a file's bytes, and the change. Either one mutation of the graph (sometimes two), after
 * which the shapes are usually repaired, or bytes changed in place.
 */
import type { FileOf } from './file.ts';
import { Edit, type Mutation, repairShapes } from './mutations/edit.ts';
import { graphMutations } from './mutations/graph.ts';
import { insertMutations } from './mutations/insert.ts';
import { sliceMutations } from './mutations/slices.ts';
import { stateMutations } from './mutations/state.ts';
import { randomModel } from './writer/random-model.ts';
import { Rng } from './writer/rng.ts';
import { writeFile } from './writer/write.ts';

export const mutations: Record<string, Mutation> = {
  ...stateMutations,
  ...sliceMutations,
  ...graphMutations,
  ...insertMutations,
};
const names = Object.keys(mutations);

export interface Mutated {
  bytes: Uint8Array;
  /** Names of the mutations; `bytes` means changed bytes. */
  what: string[];
  /** Name of the changed model. */
  model: string;
}

export interface MutateOptions {
  /** Name of the mutation. Default: any. */
  wanted?: string;
  /** Returns true if a file is worth changing: the reader accepts it unchanged. */
  usable?: (bytes: Uint8Array) => Promise<boolean>;
  /** Non-random files, chosen once in 33 times. */
  others?: readonly Base[];
}

/** Applies one mutation (by name, or any), and retries until one applies. */
function mutateOnce(file: FileOf, rng: Rng, wanted?: string): string | undefined {
  for (let tries = 0; tries < 20; tries++) {
    const name = wanted ?? rng.pick(names);
    const copy = structuredClone(file);
    const edit = new Edit(copy, rng);
    if (!mutations[name]?.(edit)) continue;
    const repaired = rng.chance(0.6);
    if (repaired) repairShapes(edit);
    file.subgraphs = copy.subgraphs;
    return repaired ? `${name}, shapes fitted` : name;
  }
  return undefined;
}

/** Changes a few bytes in the tables at the file's end, or anywhere. */
function changeBytes(bytes: Uint8Array, rng: Rng): Uint8Array {
  const out = bytes.slice();
  const place = () =>
    rng.chance(0.5) ? rng.int(0, out.length - 1) : out.length - 1 - rng.int(0, Math.min(out.length - 1, 3000));
  for (let n = rng.int(1, 3); n > 0; n--) {
    const at = place();
    const old = out[at] as number;
    out[at] = rng.pick([old ^ (1 << rng.int(0, 7)), old + 1, old - 1, 0, rng.int(0, 255)]) & 255;
  }
  return out;
}

/** A file to change, and its name. */
export interface Base {
  name: string;
  file: FileOf;
}

/**
 * Returns a model with one mutation; the same seed gives the same bytes. It makes models until one is usable.
 */
export async function mutated(seed: number, options: MutateOptions = {}): Promise<Mutated> {
  const { wanted, usable = async () => true, others = [] } = options;
  const rng = new Rng(seed ^ 0x5bd1e995);
  for (;;) {
    const base: Base = others.length > 0 && rng.chance(0.03) ? rng.pick(others) : randomBase(rng);
    const file = structuredClone(base.file);
    if (!(await usable(writeFile(file)))) continue;
    if (wanted === 'bytes' || (!wanted && rng.chance(0.12)))
      return { bytes: changeBytes(writeFile(file), rng), what: ['bytes'], model: base.name };
    const what = mutateOnce(file, rng, wanted);
    if (!what) continue;
    const second = !wanted && rng.chance(0.12) ? mutateOnce(file, rng) : undefined;
    return { bytes: writeFile(file), what: second ? [what, second] : [what], model: base.name };
  }
}

function randomBase(rng: Rng): Base {
  const seed = rng.int(1, 2 ** 30);
  return { name: `random ${seed}`, file: randomModel(seed).file };
}
