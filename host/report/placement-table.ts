/**
 * Placements of the downsampling as a table.
 *
 * In: Placements.  Out: the rows to show, their cells, and lines for the terminal.
 */
import type { PlacementRow, Placements } from '../../models/report/placements.ts';
import { type Cell, table } from './table.ts';

/** Largest number of rows in a table. */
const maxRows = 24;

export const placementHead = ['strides', 'mode', 'MACs/hop', 'state B', 'delay', 'RF', 'edge rows', 'free hop'];

/** Formats the strides of a placement: `conv#1 2, maxpool#2 4`. */
export const stridesText = ({ strides }: PlacementRow): string =>
  strides.map(({ layer, stride }) => `${layer} ${stride}`).join(', ') || 'none';

/** Returns the Pareto front and the given placement. */
export const shownPlacements = ({ rows }: Placements): PlacementRow[] =>
  rows.filter((r, i) => r.given || (r.good && rows.slice(0, i).filter((other) => other.good).length < maxRows));

export const placementCells = (row: PlacementRow): Cell[] => [
  `${stridesText(row)}${row.given ? ' *' : ''}`,
  row.mode,
  row.macsPerHop,
  row.stateBytes,
  row.delayFrames,
  row.receptiveField,
  `${Math.round(100 * row.contaminated)} %`,
  row.total,
];

/** Returns the notes below the table. */
export function placementNotes({ rows, sampledOf, refused }: Placements): string[] {
  const good = rows.filter((r) => r.good).length;
  const none = refused.reduce((sum, { count }) => sum + count, 0);
  return [
    `${good} of ${rows.length} placements are good: no other is better in work or state and no worse in the other`,
    `${rows.some((r) => r.given) ? '* the placement of the model. ' : ''}Other placements need training: the table compares costs, not accuracy`,
    ...(sampledOf ? [`${rows.length + none} of ${sampledOf} placements were planned, evenly selected`] : []),
    ...(none > 0
      ? [`${none} ${none > 1 ? 'placements have' : 'placement has'} no plan (${refused.map(({ code }) => code).join(', ')})`]
      : []),
  ];
}

export function placementLines(found: Placements, colour: boolean): string[] {
  const cells = shownPlacements(found).map(placementCells);
  const spare = ['delay', 'free hop', 'mode', 'edge rows', 'RF'];
  return [table(cells, { head: placementHead, colour, spare }), '', ...placementNotes(found)];
}
