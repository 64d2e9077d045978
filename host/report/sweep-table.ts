/**
 * A sweep as a table of the good hops or windows.
 *
 * In: a Sweep.  Out: lines for the terminal.
 */
import { bestHops, type Sweep, type SweepRow, someWindows } from '../../models/report/sweep.ts';
import { table } from './table.ts';

export type Over = 'hop' | 'window';

/** Returns the rows to show, and a note that says what makes them good. */
export function goodOnes(sweep: Sweep, over: Over): { rows: SweepRow[]; note: string } {
  const count = `${sweep.rows.filter((r) => r.good).length} of ${sweep.rows.length} ${over}s are good`;
  if (over === 'window') return { rows: someWindows(sweep.rows), note: `${count}: every longer one has more work or state` };
  const { rows, by } = bestHops(sweep.rows);
  const shown = by > 0 ? `. Shown: those that save ${by} % or more against all smaller ones` : '';
  return { rows, note: `${count}: every smaller one has more work per frame or more state${shown}` };
}

export function sweepLines(sweep: Sweep, over: Over, colour: boolean): string[] {
  const { rows, totalStride, refused, sampledOf } = sweep;
  const { rows: best, note } = goodOnes(sweep, over);
  const star = over === 'hop' && totalStride > 1;
  const cells = best.map((r) => [
    `${r[over].toLocaleString('en')}${star && r.free ? '*' : ''}`,
    r.mode,
    r.macsPerHop,
    Math.round(r.macsPerFrame),
    Number((r.macsPerWindow / r.macsPerHop).toFixed(2)),
    r.stateBytes,
    r.delayFrames,
    r.equals,
  ]);
  const head = [over, 'mode', 'MACs/hop', 'MACs/frame', 'times less', 'state B', 'delay', 'equals'];
  const codes = [...new Set(refused.map((r) => r.code))].join(', ');
  return [
    table(cells, { head, colour, spare: ['delay', 'MACs/frame', 'equals'] }),
    '',
    note,
    ...(star ? [`* a multiple of the total stride ${totalStride}: no phases`] : []),
    ...(sampledOf
      ? [
          `${rows.length + refused.length} of ${sampledOf} ${over}s were planned: small ones, multiples of the stride, and some evenly in between`,
        ]
      : []),
    ...(refused.length > 0 ? [`${refused.length} ${over}s have no plan (${codes})`] : []),
  ];
}
