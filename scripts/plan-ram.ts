/**
 * npm run plan:ram -- DIR... [--options FILE] [--json]
 *
 * Compares the default plan with the plan with the least work: how much less state, and how much more work.
 *
 * In: folders of models (corpus/folder.ts).  Out: a line for each model and hop where the two differ; the
 * mean over all, and over those with several exact plans (models/report/explain.ts); totals, and the largest
 * increase of work. The hops are 1, 2, a quarter of the window, and an odd one. The outputs of all plans are
 * equal; npm run corpus runs the default plan.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Cell, table } from '../host/report/table.ts';
import { isRunletError } from '../models/error.ts';
import type { Graph } from '../models/graph/types.ts';
import { viewOf } from '../models/graph/view.ts';
import { maxOf } from '../models/lists.ts';
import type { ReadOptions } from '../models/read/index.ts';
import { planChoices, planStream } from '../models/stream/plan.ts';
import { hopsFor, modelsIn, optionsOf } from './corpus/folder.ts';
import { read } from './corpus/read.ts';

interface Row {
  id: string;
  hop: number;
  work: { macs: number; stateBytes: number };
  taken: { macs: number; stateBytes: number };
  /** True if there is more than one exact plan. */
  hasChoice: boolean;
}

const { values: options, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: { options: { type: 'string' }, json: { type: 'boolean', default: false } },
});
const say = (text = ''): void => void process.stdout.write(`${text}\n`);

function rowsOf(id: string, graph: Graph): Row[] {
  const { window } = viewOf(graph).clock;
  return (graph.stateful ? [window] : hopsFor(window)).map((hop) => {
    const [work, taken] = [planStream(graph, { hop, prefer: 'work' }), planStream(graph, { hop })];
    return {
      id,
      hop,
      work: { macs: work.macsPerHop, stateBytes: work.stateBytes },
      taken: { macs: taken.macsPerHop, stateBytes: taken.stateBytes },
      hasChoice: planChoices(taken).points.length > 1,
    };
  });
}

async function readOrSay(id: string, file: string, given: ReadOptions = {}): Promise<Graph | undefined> {
  try {
    return (await read(file, given))[0];
  } catch (error) {
    if (!isRunletError(error)) throw error;
    process.stderr.write(`${id} is refused: ${error.code}\n`);
    return undefined;
  }
}

/** Returns the state over that of the plan with the least work; 1 if that plan has no state. */
const share = ({ work, taken }: Row): number => (work.stateBytes === 0 ? 1 : taken.stateBytes / work.stateBytes);
const more = ({ work, taken }: Row): number => (work.macs === 0 ? 0 : taken.macs / work.macs - 1);
const percent = (of: number): string => `${(100 * of).toFixed(1)} %`;

function summary(name: string, rows: readonly Row[]): string {
  const mean = rows.reduce((sum, row) => sum + share(row), 0) / rows.length;
  const bytes = (of: (row: Row) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  const [before, after] = [bytes((r) => r.work.stateBytes), bytes((r) => r.taken.stateBytes)];
  return `${name} (${rows.length}): mean state ${percent(mean - 1)}; total state ${before.toLocaleString('en')} to ${after.toLocaleString('en')} bytes, ${percent(after / before - 1)}; at most ${percent(maxOf(rows.map(more)))} more work`;
}

const rows: Row[] = [];
for (const folder of folders.map((path) => resolve(path))) {
  const given = optionsOf(folder, options.options);
  for (const { id, file } of modelsIn(folder)) {
    const graph = await readOrSay(id, file, given[id]);
    if (graph) for (const row of rowsOf(id, graph)) rows.push(row);
  }
}
if (folders.length === 0) {
  say('npm run plan:ram -- DIR... [--options FILE] [--json]');
  process.exitCode = 2;
} else if (options.json) say(JSON.stringify(rows, undefined, 2));
else {
  const cells = rows
    .filter((row) => row.taken.stateBytes !== row.work.stateBytes)
    .map((row): Cell[] => {
      const { id, hop, work, taken } = row;
      return [id, hop, taken.macs, percent(more(row)), work.stateBytes, taken.stateBytes, percent(share(row) - 1)];
    });
  say(table(cells, { head: ['model', 'hop', 'MACs/hop', 'work', 'least work B', 'state B', 'state'], columns: 100 }));
  say(`\n${summary('all plans', rows)}`);
  const choice = rows.filter((row) => row.hasChoice);
  say(summary('models with several exact plans', choice));
}
