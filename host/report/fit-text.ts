/**
 * What `runlet fit` prints: three rows of needs, how the time comes about, and what to change.
 *
 * In: an estimate and what it is of.  Out: lines of at most 80 columns.
 */
import { isScalar } from '../../assembly/emit/target.ts';
import { append } from '../../models/lists.ts';
import { bytesText } from '../bytes-text.ts';
import type { Advice } from '../fit/advice.ts';
import { type Board, type CoreModel, coreModels } from '../fit/boards.ts';
import { type Engine, engines } from '../fit/engines.ts';
import { type Estimate, fitsAll } from '../fit/estimate.ts';
import { type Cell, table } from './table.ts';
import { wrap } from './wrap.ts';

const columns = 80;
const percent = (share: number): string => (share < 0.1 ? `${(100 * share).toFixed(1)} %` : `${(100 * share).toFixed(0)} %`);
const count = (n: number): string => Math.round(n).toLocaleString('en');
export const msText = (ms: number): string => `${ms < 0.1 ? ms.toPrecision(2) : ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;

const parts = (of: Record<string, number>): string =>
  Object.entries(of)
    .map(([name, bytes]) => `${name} ${bytesText(bytes)}`)
    .join(', ');

const between = (text: (n: number) => string, low: number, high: number): string =>
  low === high ? text(low) : `${text(low)} to ${text(high)}`;

/** A paragraph behind a label, wrapped. */
const labelled = (label: string, text: string): string =>
  wrap(text, columns - 14)
    .split('\n')
    .map((line, i) => `${(i === 0 ? label : '').padEnd(14)}${line}`)
    .join('\n');

/** Three digits: an estimate has no more. */
const rough = (n: number): string => Number(n.toPrecision(3)).toLocaleString('en');
const signed = (share: number): string => `${share < 0 ? '-' : '+'}${Math.round(100 * Math.abs(share))} %`;

/** What counted the instructions, or the range of an estimate and what it was checked with. */
function sourceText({ instructions }: Estimate, core: CoreModel): string {
  const { range, costs, known = 1, checked, tools, notCounted } = instructions;
  if (tools) return `counted in QEMU for ${coreNames[core.counted]}: ${tools}`;
  const parts = [`estimated${range ? `: ${rough(range.low)} to ${rough(range.high)}` : ''}`];
  if (costs) {
    const { modules, low, high } = costs.spread;
    parts.push(
      `${costs.narrow} for each WebAssembly instruction that runs, ${costs.wide} for one on 64 bits`,
      `QEMU's count was within ${signed(low - 1)} to ${signed(high - 1)} of the estimate on ${modules} modules that it was not fitted to`,
    );
  }
  if (known < 0.995) parts.push(`${percent(known)} in instructions of the interpreter that were measured`);
  if (checked)
    parts.push(
      `of ${checked.models} models held out ${checked.within} were within 2 % of QEMU's count, the worst ${Math.abs(checked.worst).toFixed(1)} % off`,
    );
  if (notCounted) parts.push(notCounted);
  return parts.join('; ');
}

const coreNames = { rv32: 'RV32IMC', m4: 'Cortex-M4', m0: 'Cortex-M0+' };

function coreText({ cycles, name, counted, why }: CoreModel): string {
  const of = coreNames[counted];
  const other = name.startsWith(of) ? '' : ` of ${of}, in place of ${name}`;
  return `${cycles} an instruction${other}, assumed: ${why}`;
}

export interface FitReport {
  name: string;
  hop: number;
  target: string;
  /** Weights are fetched in tiles. */
  tiles: boolean;
  rate?: number;
  board: Board;
  estimate: Estimate;
  advice: Advice[];
}

export function fitText(
  report: FitReport,
  colours: { bold(s: string): string; green(s: string): string; red(s: string): string },
): string {
  const { name, hop, target, tiles, rate, board, estimate, advice } = report;
  const core: CoreModel = coreModels[board.core];
  const engine: Engine = engines[estimate.engine];
  const { flash, ram, ms, budget, instructions, fits } = estimate;
  const { low = ms.worst, high = ms.worst } = ms;
  const shares = budget ? between(percent, low / budget.ms, high / budget.ms) : '';
  const good = fitsAll(estimate);
  const verdict = good ? colours.green('fits') : colours.red('does not fit');
  const mark = (fit?: boolean) => (fit === false ? 'no' : fit ? 'ok' : '');
  const rows: Cell[][] = [
    ['flash', bytesText(flash.needs), bytesText(flash.has), percent(flash.needs / flash.has), mark(fits.flash)],
    ['RAM', bytesText(ram.needs), bytesText(ram.has), percent(ram.needs / ram.has), mark(fits.ram)],
    ['time', between(msText, low, high), budget ? msText(budget.ms) : '?', shares, mark(fits.time)],
  ];
  const hopText = budget
    ? `a hop of ${hop} at ${+(rate ?? 0).toPrecision(6)} Hz`
    : `a hop of ${hop}; --rate says how long it may take`;
  const number = instructions.from === 'estimated' ? rough : count;
  const even = instructions.most / instructions.mean < 1.0005;
  const lines = [
    `${colours.bold(name)} (${target}) on ${board.name}: ${verdict}`,
    `${core.name} at ${board.hz / 1e6} MHz, ${engine.name}`,
    '',
    table(rows, { head: ['', 'needs', 'has', 'share', ''] }),
    '',
    labelled('flash', parts(flash.parts)),
    labelled('RAM', parts(ram.parts)),
    labelled('time', hopText),
    labelled(
      'instructions',
      `${even ? `${number(instructions.most)} a hop` : `${number(instructions.mean)} a hop on average, ${number(instructions.most)} at worst`}, ${sourceText(estimate, core)}`,
    ),
  ];
  if (budget && low <= budget.ms !== high <= budget.ms)
    lines.push(
      labelled('not sure', 'the time between two hops lies in the range of the estimate: count the instructions, with --measure'),
    );
  if (engine.timesFrom && isScalar(target))
    lines.push(labelled('engine', `${engine.times[target].toFixed(2)} times the instructions counted, ${engine.timesFrom}`));
  if (tiles && !instructions.tools) lines.push(labelled('tiles', 'what the host copies is not counted: 1 to 8 % more'));
  lines.push(
    labelled('cycles', coreText(core)),
    labelled(
      'left out',
      `${bytesText(board.systemFlashBytes)} of flash and ${bytesText(board.systemBytes)} of RAM for the firmware's other parts (assumed), waiting for flash and other tasks`,
    ),
    labelled('board', board.source),
  );
  if (!good) {
    lines.push('', 'What to change:');
    for (const { change, effect } of advice) append(lines, [...wrap(change, columns - 4).split('\n').map((l, i) => `${i === 0 ? '  - ' : '    '}${l}`), ...wrap(effect, columns - 6).split('\n').map((l) => `      ${l}`)]); // biome-ignore format: one line
  }
  return `${lines.join('\n')}\n`;
}
