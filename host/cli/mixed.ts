/**
 * --mixed of `quantize`: int16 for the activations that need it most.
 *
 * In: the quantised int8 graph, plan options, the command line.  Out: the graph with int16 activations, and a
 * table that lists them with reasons.
 */
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import type { Mixed } from '../../quant/mixed.ts';
import { badOption, coloursFor } from '../command/args.ts';
import { loadSignals } from '../command/load.ts';
import type { SignalOptions } from '../command/model-options.ts';
import { flag, type Given, group, number } from '../command/options.ts';
import { table } from '../report/table.ts';

export const mixedArgs = group('Mixed int8 and int16', {
  mixed: flag('Use int16 for the activations that need it most (docs/adr/0020)'),
  mixedBudget: number('Maximum cost that --mixed adds, in percent of state and work (default 20)', {
    min: 0,
    max: 1000,
    hint: 'percent',
  }),
  mixedTargetDb: number('Signal-to-noise ratio of the outputs at which --mixed stops', { min: 0, max: 200, hint: 'dB' }),
});

export type MixedArgs = Given<typeof mixedArgs> & SignalOptions & { calib?: string };

/** Input of --mixed: signals, and the float graph with input channels of very different ranges normalised. */
export interface MixedInput {
  graph: Graph;
  signals?: Float32Array[];
}

/** Reads the signals and normalises the graph for --mixed; without --mixed returns the graph unchanged. */
export async function normalisedFor(graph: Graph, args: MixedArgs): Promise<MixedInput> {
  if (!args.mixed || !args.calib || isQuantised(graph)) return { graph };
  const { normaliseInputs } = await import('../../quant/methods/normalise-inputs.ts');
  const signals = await loadSignals(graph, args.calib, args);
  return { graph: normaliseInputs(graph, signals), signals };
}

/** Checks that options of --mixed are only used together with it. @throws RN740 */
export function checkMixed({ mixed, mixedBudget, mixedTargetDb }: MixedArgs): void {
  if (mixed) return;
  if (mixedBudget !== undefined) throw badOption('mixed-budget', `${mixedBudget}`, 'a number only together with --mixed');
  if (mixedTargetDb !== undefined) throw badOption('mixed-target-db', `${mixedTargetDb}`, 'a number only together with --mixed');
}

/** Chooses the int16 activations; undefined without --mixed. */
export async function mixedOf(
  int8: Graph,
  options: PlanOptions,
  args: MixedArgs,
  signals: Float32Array[] = [],
): Promise<Mixed | undefined> {
  const { mixedBudget: budgetPercent, mixedTargetDb: targetDb } = args;
  if (!args.mixed) return undefined;
  const { mixed } = await import('../../quant/mixed.ts');
  const { planStream } = await import('../../models/stream/plan.ts');
  return mixed(planStream(int8, options), signals, {
    ...(budgetPercent !== undefined && { budgetPercent }),
    ...(targetDb !== undefined && { targetDb }),
  });
}

const db = (x: number) => (Number.isFinite(x) ? `${x.toFixed(1)} dB` : 'exact');

/** Formats the table of chosen tensors with reasons, those with most noise first. */
export function mixedText(
  { groups, beforeDb, afterDb, costPercent, budgetPercent }: Mixed,
  named: (name: string) => string,
): string {
  const rows = [...groups]
    .sort((a, b) => b.noise - a.noise)
    .map(({ name, op, aloneDb, share, costPercent: cost, type, why }) => [
      named(name),
      op,
      db(aloneDb),
      `${(100 * share).toFixed(1)} %`,
      `${cost.toFixed(1)} %`,
      type,
      why,
    ]);
  const head = ['tensor', 'op', 'alone in int8', 'of the noise', 'cost of int16', 'type', 'why'];
  const sums = `noise of activations at the outputs: ${db(beforeDb)} in int8, ${db(afterDb)} as chosen; cost +${costPercent.toFixed(1)} % (budget ${budgetPercent} %)`;
  return `${table(rows, { head, spare: ['op', 'alone in int8'], colour: coloursFor(process.stdout).isColorSupported })}\n\n${sums}\n`;
}
