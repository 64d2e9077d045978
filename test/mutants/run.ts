/**
 * Runs seeded faults with the tests that must notice them, each in a scratch copy, with two workers.
 *
 * In: mutants.  Out: a line for each that survives, with the reason; the numbers by folder. A mutant survives
 * if its tests pass or are skipped, if its text is no longer in the file, or if a test file dies without a
 * failed test. `node --import tsx test/mutants/run.ts PART...` runs those whose id, file or tests contain a
 * part; `--loud` also prints the output of the tests.
 */
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { all } from './all.ts';
import { runTests, type Verdict } from './execute.ts';
import type { Mutant } from './mutant.ts';
import { makeScratch, type Scratch } from './scratch.ts';

const workers = 2;

const reasons: Record<Exclude<Verdict, 'failed'>, string> = {
  passed: 'its tests pass',
  skipped: 'its tests were skipped',
  broken: 'a test file ended without a failed test: the fault has to load',
  slow: 'no answer in time',
};

export interface Result {
  mutant: Mutant;
  killed: boolean;
  why: string;
  text: string;
  seconds: number;
}

async function runOne(scratch: Scratch, mutant: Mutant): Promise<Result> {
  let restore: () => void;
  try {
    restore = scratch.apply(mutant);
  } catch (error) {
    return { mutant, killed: false, why: (error as Error).message, text: '', seconds: 0 };
  }
  try {
    const { verdict, text, seconds } = await runTests(scratch, mutant.tests, mutant.env);
    return { mutant, killed: verdict === 'failed', why: verdict === 'failed' ? '' : reasons[verdict], text, seconds };
  } finally {
    restore();
  }
}

/** Runs mutants, two at a time, and calls `onResult` for each. */
export async function runMutants(mutants: readonly Mutant[], onResult: (result: Result) => void): Promise<Result[]> {
  const queue = [...mutants];
  const results: Result[] = [];
  const work = async () => {
    if (queue.length === 0) return;
    const scratch = makeScratch();
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const result = await runOne(scratch, next);
        results.push(result);
        onResult(result);
      }
    } finally {
      scratch.close();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return results;
}

/** Runs each test without a fault, where it must pass. @returns the tests that do not pass */
export async function runUnchanged(mutants: readonly Mutant[]): Promise<string[]> {
  const runs = new Map(
    mutants.flatMap((m) => m.tests.map((file) => [JSON.stringify([file, m.env]), { file, env: m.env }] as const)),
  );
  const queue = [...runs.values()];
  const wrong: string[] = [];
  const work = async () => {
    const scratch = makeScratch();
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { verdict } = await runTests(scratch, [next.file], next.env);
        if (verdict !== 'passed') wrong.push(`${next.file} ${JSON.stringify(next.env ?? {})} without a fault: ${verdict}`);
      }
    } finally {
      scratch.close();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return wrong;
}

/** Returns one line for a result, for logs. */
export const lineOf = ({ mutant, killed, why, seconds }: Result): string =>
  `${killed ? 'killed ' : 'LIVES  '} ${mutant.file} ${mutant.id}${killed ? '' : `: ${why} (${mutant.why}; ${mutant.tests.join(', ')})`}, ${seconds.toFixed(1)} s`;

/** Returns one line per folder with its number of mutants and how many were noticed. */
export function byFolder(results: readonly Result[]): string[] {
  const counts = new Map<string, [number, number]>();
  for (const { mutant, killed } of results) {
    const folder = dirname(mutant.file);
    const [died, of] = counts.get(folder) ?? [0, 0];
    counts.set(folder, [died + Number(killed), of + 1]);
  }
  return [...counts].sort().map(([folder, [died, of]]) => `${`${died}`.padStart(4)} of ${`${of}`.padEnd(3)} ${folder}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const parts = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
  const loud = process.argv.includes('--loud');
  const holds = (m: Mutant) =>
    parts.length === 0 || parts.some((part) => [m.id, m.file, ...m.tests].some((s) => s.includes(part)));
  const results = await runMutants(all.filter(holds), (result) => {
    console.log(lineOf(result));
    if (loud) console.log(result.text);
  });
  for (const line of byFolder(results)) console.log(line);
  const lives = results.filter((r) => !r.killed).length;
  console.log(`${results.length - lives} killed, ${lives} alive`);
  process.exitCode = lives > 0 || results.length === 0 ? 1 : 0;
}
