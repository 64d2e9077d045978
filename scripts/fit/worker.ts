/**
 * One of the processes of `npm run fit:calibrate`: builds, traces and counts what it is told to, one thing at
 * a time.
 *
 * In: messages {id, task}.  Out: messages {id, result} or {id, error}. Modules are files in a folder that the
 * parent made.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Target } from '../../assembly/emit/target.ts';
import { countInstructions } from '../../host/bench/count.ts';
import type { CountedCore } from '../../host/fit/coefficients.ts';
import { countCompiled, type HopCounts } from '../../host/fit/counts.ts';
import { functionKeys } from '../../host/fit/segment-keys.ts';
import { countInWamr } from '../../test/wamr/bare.ts';
import { buildModel } from './corpus.ts';
import { trace } from './trace.ts';

export type Task =
  | { kind: 'build'; name: string; target: Target; file: string }
  | { kind: 'trace'; file: string; core: CountedCore }
  | { kind: 'count'; file: string; core: CountedCore }
  | { kind: 'wamr'; files: string[]; core: CountedCore };

export interface BuiltFunctions {
  /** Functions that run in a hop: key, and share of the instructions of the module. */
  functions: { key: string; share: number }[];
  /** Instructions of the module that a hop runs. */
  size: number;
}

const read = (file: string) => new Uint8Array(readFileSync(file));

/** Outputs of a trace: two, the first of which is not counted elsewhere. */
export const tracedOutputs = 2;

export function functionShares({ module, segments, hops }: HopCounts): BuiltFunctions {
  const hop = hops[0] ?? new Uint32Array();
  const functions = module.functions.map((fn, f) => {
    const list = segments[f] ?? [];
    const runs = list.reduce(
      (sum, { from, to, counter }) => sum + (to - from) * (counter === undefined ? 0 : (hop[counter] ?? 0)),
      0,
    );
    return { key: functionKeys(fn, list).whole, share: runs };
  });
  const size = functions.reduce((sum, { share }) => sum + share, 0);
  return { functions: functions.map(({ key, share }) => ({ key, share: share / (size || 1) })), size };
}

async function run(task: Task): Promise<unknown> {
  if (task.kind === 'build') {
    if (!existsSync(task.file)) writeFileSync(task.file, (await buildModel(task.name, task.target)).wasm);
    return functionShares(await countCompiled({ wasm: read(task.file), weights: undefined }, tracedOutputs));
  }
  if (task.kind === 'wamr')
    return countInWamr(
      task.files.map((file) => ({ wasm: read(file), weights: undefined })),
      { core: task.core },
    );
  if (task.kind === 'count') return countInstructions({ wasm: read(task.file), weights: undefined }, task.core);
  return trace(read(task.file), task.core, tracedOutputs);
}

process.on('message', async ({ id, task }: { id: number; task: Task }) => {
  let answer: { result?: unknown; error?: string };
  try {
    answer = { result: await run(task) };
  } catch (error) {
    answer = { error: String((error as { parts?: { why?: string } }).parts?.why ?? error).slice(0, 400) };
  }
  if (process.connected) process.send?.({ id, ...answer });
});
