/**
 * The plan's table, the same on the terminal and on the page.
 *
 * In: a StreamPlan.  Out: titles and one row of cells a layer.
 */
import { planRows } from '../../models/stream/print.ts';
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

/** Columns that a narrow terminal does without, the first first. */
export const planSpare = ['op', 'part', 'RF', 'MACs/window', 'delay', 'time padding', 'frames'];

/** A name of at most `most` characters: its end is kept. */
export const shortName = (name: string, most = 34): string => (name.length > most ? `…${name.slice(1 - most)}` : name);

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
