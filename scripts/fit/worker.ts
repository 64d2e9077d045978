/**
 * A worker process of `npm run fit:calibrate`: builds modules and counts instructions, one task at a time.
 *
 * In: messages {id, task}.  Out: messages {id, result} or {id, error}. Modules are files in a folder of the
 * parent process.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Target } from '../../assembly/emit/target.ts';
import { countInstructions } from '../../host/bench/count.ts';
import type { CountedCore } from '../../host/fit/coefficients.ts';
import { countHops } from '../../host/fit/counts.ts';
import { executedIn } from '../../host/fit/native-count.ts';
import { countInWamr } from '../../test/wamr/bare.ts';
import { buildModel } from './corpus.ts';

export type Task =
  | { kind: 'build'; name: string; target: Target; file: string }
  | { kind: 'count'; file: string; core: CountedCore }
  | { kind: 'wamr'; files: string[]; core: CountedCore };

const read = (file: string) => ({ wasm: new Uint8Array(readFileSync(file)), weights: undefined });

async function run(task: Task): Promise<unknown> {
  if (task.kind === 'wamr') return countInWamr(task.files.map(read), { core: task.core });
  if (task.kind === 'count') return countInstructions(read(task.file), task.core);
  if (!existsSync(task.file)) writeFileSync(task.file, (await buildModel(task.name, task.target)).wasm);
  const counts = await countHops(read(task.file));
  return executedIn(counts, counts.hops);
}

process.on('message', async ({ id, task }: { id: number; task: Task }) => {
  let answer: { result?: unknown; error?: string };
  try {
    answer = { result: await run(task) };
  } catch (error) {
    answer = { error: String((error as { parts?: { why?: string } }).parts?.why || error).slice(0, 400) };
  }
  if (process.connected) process.send?.({ id, ...answer });
});
