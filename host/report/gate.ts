/**
 * Report of a model behind a gate, as text.
 *
 * In: its summary (host/session/gate-summary.ts).  Out: rows of a table of two columns.
 */
import type { GateSummary } from '../session/index.ts';
import type { Cell } from './table.ts';

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const millions = (n: number): string => `${(n / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} M`;

/** Formats the summary as rows of a table. */
export function gateRows(name: string, gate: GateSummary): Cell[][] {
  const { condition, opened, skipped, macs, gateMacs, awakeMacs, catchUpHops, catchUpMs, gateDelayMs, keptBytes } = gate;
  const share = awakeMacs > 0 ? `, ${percent((macs + gateMacs) / awakeMacs)} of ${millions(awakeMacs)}` : '';
  return [
    [`${name} gated`, `${condition}: opened ${opened === 1 ? 'once' : `${opened} times`}`],
    ['  skipped', `${percent(skipped)} of hops`],
    ['  work', `${millions(macs + gateMacs)} multiply-adds with the gate${share} without`],
    [
      '  wake-up',
      `${catchUpHops} hops${catchUpMs === undefined ? '' : `, ${catchUpMs} ms`}; the gate decides up to ${gateDelayMs} ms late`,
    ],
    ['  kept', `${keptBytes.toLocaleString('en')} bytes of frames`],
  ];
}
