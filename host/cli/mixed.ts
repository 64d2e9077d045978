/**
 * --mixed of the verbs that quantise: int16 for the activations that need it most.
 *
 * In: the int8 graph that quantising gave, plan options, the command line.  Out: the graph with int16, the table of what is int16 and why.
 */
import type { ArgsDef } from 'citty';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import type { Mixed } from '../../quant/mixed.ts';
import { table } from '../report/table.ts';
import { badOption, coloursFor, numberOption } from './args.ts';
import { loadSignals } from './load.ts';

export const mixedArgs = {
  mixed: { type: 'boolean', description: 'int16 for the activations that need it most (docs/adr/0020)' },
  mixedBudget: {
    type: 'string',
    description: 'Most cost that --mixed adds, percent of state and work (default 20)',
    valueHint: 'percent',
  },
  mixedTargetDb: {
    type: 'string',
    description: 'Signal-to-noise at the outputs from which on --mixed takes no more',
    valueHint: 'dB',
  },
} as const satisfies ArgsDef;

export interface MixedArgs {
  mixed?: boolean;
  mixedBudget?: string;
  mixedTargetDb?: string;
  calib?: string;
}

/** What --mixed looks at: the float graph with channels that differ widely brought to one range inside, and the signals that say so, read once. */
export interface MixedInput {
  graph: Graph;
  signals?: Float32Array[];
}

/** The graph as it is without --mixed. */
export async function normalisedFor(graph: Graph, args: MixedArgs): Promise<MixedInput> {
  if (!args.mixed || !args.calib || isQuantised(graph)) return { graph };
  const { normaliseInputs } = await import('../../quant/methods/normalise-inputs.ts');
  const signals = await loadSignals(graph, args.calib);
  return { graph: normaliseInputs(graph, signals), signals };
}

/** Nothing without --mixed. @throws RN740 where an option of it stands alone */
export async function mixedOf(
  int8: Graph,
  options: PlanOptions,
  args: MixedArgs,
  signals: Float32Array[] = [],
): Promise<Mixed | undefined> {
  const budgetPercent = numberOption('mixed-budget', args.mixedBudget, { min: 0, max: 1000 });
  const targetDb = numberOption('mixed-target-db', args.mixedTargetDb, { min: 0, max: 200 });
  if (!args.mixed) {
    const [name, value] =
      args.mixedBudget === undefined ? ['mixed-target-db', args.mixedTargetDb] : ['mixed-budget', args.mixedBudget];
    if (value !== undefined) throw badOption(name, value, '--mixed beside it');
    return undefined;
  }
  const { mixed } = await import('../../quant/mixed.ts');
  return mixed(int8, options, signals, {
    ...(budgetPercent !== undefined && { budgetPercent }),
    ...(targetDb !== undefined && { targetDb }),
  });
}

const db = (x: number) => (Number.isFinite(x) ? `${x.toFixed(1)} dB` : 'exact');

/** Which tensors are int16 and why, those with most noise first. */
export function mixedText({ groups, beforeDb, afterDb, costPercent, budgetPercent }: Mixed): string {
  const rows = [...groups]
    .sort((a, b) => b.noise - a.noise)
    .map(({ name, op, aloneDb, share, costPercent: cost, type, why }) => [
      name.length > 34 ? `…${name.slice(-33)}` : name,
      op,
      db(aloneDb),
      `${(100 * share).toFixed(1)} %`,
      `${cost.toFixed(1)} %`,
      type,
      why,
    ]);
  const head = ['tensor', 'op', 'alone in int8', 'of the noise', 'cost of int16', 'type', 'why'];
  const sums = `activations: ${db(beforeDb)} at the outputs in int8, ${db(afterDb)} as chosen; ${costPercent.toFixed(1)} % of cost added (budget ${budgetPercent} %)`;
  return `${table(rows, { head, colour: coloursFor(process.stdout).isColorSupported })}\n\n${sums}\n`;
}
