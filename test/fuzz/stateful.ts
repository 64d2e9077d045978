/**
 * fuzzStateful: compares mutated streaming models with the interpreter of their files.
 *
 * In: a count, a seed, the number of files to compile as well.  Out: counts by verdict and by mutation, and
 * the differences. Every file must be refused with a RunletError, or its outputs over 40 steps of three
 * signals must equal those of the interpreter. Any other error is thrown. A file that the reader accepts
 * although no interpreter runs it counts as `accepted`: it has no defined result.
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
  /** Verdicts by the name of the (first) mutation. */
  byMutation: Record<string, Partial<Record<Kind, number>>>;
  /** Files that are neither refused nor equal, one line each. */
  failures: string[];
  /** Number of compared module outputs, and number of modules that differ. */
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

/** Returns real models to change as well, if the folder is available. */
export const realBases = (folder: string | undefined): Base[] =>
  (folder ? ['v2/vad', 'v2/hey_jarvis', 'v1/okay_nabu'] : []).map((name) => ({
    name,
    file: parseFile(new Uint8Array(readFileSync(join(folder as string, name, 'model.tflite')))),
  }));

/** Runs the first signal in both styles, in pieces, and describes the first difference from the reference. */
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
      // Compiles a sample of the equal stateful models, spread over the campaign.
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
