/**
 * The table of a plan and the table of its alternatives, for the terminal and the page.
 *
 * In: a StreamPlan, or its alternatives.  Out: titles, and one row of cells per layer or alternative.
 */
import type { Alternative } from '../../models/report/explain.ts';
import { planRows } from '../../models/report/print.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import type { Cell } from './table.ts';

export const planHead = [
  'layer',
  'op',
  'part',
  'frames',
  'MACs/hop',
  'MACs/window',
  'state B',
  'delay',
  'RF',
  'time padding',
  'equals',
];

/** Columns that a narrow terminal hides, in this order. */
export const planSpare = ['op', 'part', 'RF', 'MACs/window', 'delay', 'time padding', 'frames'];

/** Truncates a name to `maxLength` characters; its end is kept. */
export const shortName = (name: string, maxLength = 34): string =>
  name.length > maxLength ? `…${name.slice(1 - maxLength)}` : name;

export const planCells = (plan: StreamPlan): Cell[][] =>
  planRows(plan).map((r) => [
    r.layer,
    r.op,
    r.section,
    `${r.framesPerHop}/${r.framesPerWindow}`,
    r.macsPerHop,
    r.macsPerWindow,
    r.stateBytes,
    r.delayFrames,
    r.receptiveField,
    r.padding,
    r.exact,
  ]);

export const choiceHead = ['MACs/hop', 'work', 'state B', 'state', 'taken by', 'layers, left edges'];

/** Formats a ratio as a change: `+6 %`, `-74 %`; from ten on as a factor. */
function change(ratio: number): string {
  if (ratio >= 10) return `x${ratio.toFixed(0)}`;
  const percent = Math.round(100 * (ratio - 1));
  return `${percent > 0 ? '+' : ''}${percent} %`;
}

/** Returns the cells of an alternative: its cost, and the change against the plan that is shown. */
export const choiceCells = ({ macsPerHop, stateBytes, work, state, how, option, chosen }: Alternative): Cell[] => [
  macsPerHop,
  chosen ? '' : change(work),
  stateBytes,
  chosen ? '' : change(state),
  chosen ? 'this plan' : option,
  how,
];
