/**
 * fuzzStateful: mutated streaming models against the interpreter of their files.
 *
 * In: a count, a seed, how many to compile as well.  Out: counts by verdict and by mutation, and what
 * differed. Every file is refused with a RunletError, or all that it answers over 40 steps of three signals
 * is what the interpreter gives; throws on any other error. A file that is read though no interpreter runs it
 * counts as `accepted`: it has no right answer.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModel } from '../../models/read/index.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { parseFile } from '../oracle/file.ts';
import { judge, type Kind, type Verdict } from '../oracle/judge.ts';
import { type Base, mutated } from '../oracle/mutate.ts';
import { differing } from '../property/harness.ts';
import { runStyles } from '../property/styles.ts';

export interface StatefulResult {
  counts: Record<Kind, number>;
  /** By the name of the (first) mutation. */
  byMutation: Record<string, Partial<Record<Kind, number>>>;
  /** What is neither refused nor equal, one line each. */
  failures: string[];
  /** Outputs of modules that were compared, and modules that differ. */
  compiled: number;
  modulesDifferent: number;
}

const usable = async (bytes: Uint8Array): Promise<boolean> => {
  try {
    await readModel(bytes);
    return true;
  } catch {
    return false;
  }
};

/** Real models to change as well, where they are there. */
export const realBases = (folder: string | undefined): Base[] =>
  (folder ? ['v2/vad', 'v2/hey_jarvis', 'v1/okay_nabu'] : []).map((name) => ({
    name,
    file: parseFile(new Uint8Array(readFileSync(join(folder as string, name, 'model.tflite')))),
  }));

/** The first signal through the module in both styles, in pieces: what is not as the reference has it. */
async function moduleDiffers({ quant, signals, expected }: Verdict): Promise<string | undefined> {
  const wanted = expected[0] ?? [];
  let step = 0;
  for await (const outputs of runStyles(quant as QuantPlan, signals[0]?.[0] as Int8Array, [1, 3], true)) {
    if (differing(wanted[step] ?? [], outputs) > 0) return `step ${step}`;
    step++;
  }
  return step === wanted.length ? undefined : `${step} steps answered, not ${wanted.length}`;
}

export async function fuzzStateful(options: {
  count: number;
  seed: number;
  compiles: number;
  others?: readonly Base[];
}): Promise<StatefulResult> {
  const { count, seed, compiles, others = [] } = options;
  const result: StatefulResult = {
    counts: { refused: 0, equal: 0, different: 0, accepted: 0, unjudged: 0 },
    byMutation: {},
    failures: [],
    compiled: 0,
    modulesDifferent: 0,
  };
  let modules = 0;
  for (let i = 0; i < count; i++) {
    const own = seed * 1_000_003 + i;
    const { bytes, what, model } = await mutated(own, { usable, others });
    const about = `mutation ${own} of ${model} (${what.join(' and ')})`;
    try {
      const verdict = await judge(bytes, own);
      result.counts[verdict.kind]++;
      const key = (what[0] as string).replace(', shapes fitted', '');
      const row = result.byMutation[key] ?? {};
      result.byMutation[key] = row;
      row[verdict.kind] = (row[verdict.kind] ?? 0) + 1;
      if (verdict.kind !== 'refused' && verdict.kind !== 'equal')
        result.failures.push(`${verdict.kind}: ${about}: ${verdict.detail}`);
      // A sample, spread over the campaign, of what is equal and has a state.
      if (verdict.kind !== 'equal' || !verdict.quant || !verdict.stateful || modules >= ((i + 1) * compiles) / count) continue;
      modules++;
      const wrong = await moduleDiffers(verdict);
      if (wrong) result.failures.push(`module: ${about}: ${wrong}`);
      if (wrong) result.modulesDifferent++;
      result.compiled += verdict.expected[0]?.length ?? 0;
    } catch (error) {
      throw new Error(about, { cause: error });
    }
  }
  return result;
}
