/**
 * Shows what a gate saves and costs, below the numbers of the run.
 *
 * In: the gate's history.  Out: elements. The figures are those of gateSummary, as `runlet run --gate` prints
 * them.
 */
import { byId, fillPairs } from './dom.ts';
import type { GateHistory } from './history.ts';
import { kilobytes, millions, percent, secondsText } from './text.ts';

/** @param history undefined: the model has no gate. */
export function showGate(history: GateHistory | undefined): void {
  const list = byId('gate-numbers');
  list.hidden = history === undefined;
  const { summary } = history ?? {};
  if (!history || !summary) {
    fillPairs(list, []);
    return;
  }
  const { opened, macs, gateMacs, awakeMacs, catchUpHops, catchUpMs = 0, gateDelayMs, keptFrames, keptBytes } = summary;
  const work = macs + gateMacs;
  fillPairs(list, [
    ['gate', history.isOpen ? 'open' : 'closed', `${summary.condition}; opened ${opened === 1 ? 'once' : `${opened} times`}`],
    [
      'work saved',
      awakeMacs > 0 ? percent(1 - work / awakeMacs) : '–',
      `${millions(work)} multiply-adds with the gate, ${millions(awakeMacs)} without`,
    ],
    [
      'wake-up delay',
      secondsText((gateDelayMs + catchUpMs) / 1000),
      `the gate decides up to ${gateDelayMs} ms late; ${catchUpHops} hops to catch up take ${catchUpMs} ms`,
    ],
    ['kept frames', kilobytes(keptBytes), `${keptFrames} frames of the model's input`],
  ]);
}
