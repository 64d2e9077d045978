/**
 * mutated: a broken, or only different, streaming model.
 *
 * In: a seed.  Out: a file's bytes and what was done to it. One mutation of the graph (two in some), the shapes made to fit again in half of
 * them; or bytes changed in place.
 */
import type { FileOf } from './file.ts';
import { Edit, type Mutation, repairShapes } from './mutations/edit.ts';
import { graphMutations } from './mutations/graph.ts';
import { sliceMutations } from './mutations/slices.ts';
import { stateMutations } from './mutations/state.ts';
import { randomModel } from './writer/random-model.ts';
import { Rng } from './writer/rng.ts';
import { writeFile } from './writer/write.ts';

export const mutations: Record<string, Mutation> = { ...stateMutations, ...sliceMutations, ...graphMutations };
const names = Object.keys(mutations);

export interface Mutated {
  bytes: Uint8Array;
  /** Names of the mutations, `bytes` for changed bytes. */
  what: string[];
  /** Seed of the model that was changed. */
  model: number;
}

/** One mutation by name (or any), tried until it finds a place. */
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

/** Words, bits and runs of bytes that are changed in the tables at a file's end, or anywhere. */
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

/** A model and one mutation of it; the same seed gives the same bytes. */
export function mutated(seed: number, wanted?: string): Mutated {
  const rng = new Rng(seed ^ 0x5bd1e995);
  for (;;) {
    const model = rng.int(1, 2 ** 30);
    const { file } = randomModel(model);
    if (wanted === 'bytes' || (!wanted && rng.chance(0.12)))
      return { bytes: changeBytes(writeFile(file), rng), what: ['bytes'], model };
    const what = mutateOnce(file, rng, wanted);
    if (!what) continue;
    const second = !wanted && rng.chance(0.12) ? mutateOnce(file, rng) : undefined;
    return { bytes: writeFile(file), what: second ? [what, second] : [what], model };
  }
}
