/**
 * The report of `runlet fit`: a table of needs, the parts of each figure, and advice.
 *
 * In: an estimate, its board and its model.  Out: lines of at most 80 columns.
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

export const columns = 80;
const percent = (share: number): string => (share < 0.1 ? `${(100 * share).toFixed(1)} %` : `${(100 * share).toFixed(0)} %`);
const count = (n: number): string => Math.round(n).toLocaleString('en');
export const msText = (ms: number): string => `${ms < 0.1 ? ms.toPrecision(2) : ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;

const parts = (of: Record<string, number>): string =>
  Object.entries(of)
    .map(([name, bytes]) => `${name} ${bytesText(bytes)}`)
    .join(', ');

const between = (text: (n: number) => string, low: number, high: number): string =>
  low === high ? text(low) : `${text(low)} to ${text(high)}`;

/** Formats a wrapped paragraph after a label. */
export const labelled = (label: string, text: string): string =>
  wrap(text, columns - 14)
    .split('\n')
    .map((line, i) => `${(i === 0 ? label : '').padEnd(14)}${line}`)
    .join('\n');

/** Formats an estimate: three significant digits. */
const rough = (n: number): string => Number(n.toPrecision(3)).toLocaleString('en');
const signed = (share: number): string => `${share < 0 ? '-' : '+'}${Math.round(100 * Math.abs(share))} %`;

/** Describes how the instructions were counted, or the range of an estimate and how it was checked. */
function sourceText({ instructions }: Estimate, core: CoreModel): string {
  const { range, costs, known = 1, checked, tools, notCounted } = instructions;
  if (tools) return `counted in QEMU for ${coreNames[core.counted]}: ${tools}`;
  const parts = [`estimated${range ? `: ${rough(range.low)} to ${rough(range.high)}` : ''}`];
  if (costs) {
    const { modules, low, high } = costs.spread;
    parts.push(
      `${costs.narrow} per executed WebAssembly instruction, ${costs.wide} per 64-bit one`,
      `on ${modules} held-out modules QEMU's count was ${signed(low - 1)} to ${signed(high - 1)} off the estimate`,
    );
  }
  if (known < 0.995) parts.push(`${percent(known)} in interpreter instructions whose cost was measured`);
  if (checked)
    parts.push(
      `on ${checked.within} of ${checked.models} held-out models it was within 2 % of QEMU's count, at worst ${Math.abs(checked.worst).toFixed(1)} % off`,
    );
  if (notCounted) parts.push(notCounted);
  return parts.join('; ');
}

const coreNames = { rv32: 'RV32IMC', m4: 'Cortex-M4', m0: 'Cortex-M0+' };

function coreText({ cycles, name, counted, why }: CoreModel): string {
  const of = coreNames[counted];
  const other = name.startsWith(of) ? '' : ` of ${of}, used for ${name}`;
  return `${cycles} per instruction${other}, assumed: ${why}`;
}

/** Checks whether the time limit lies inside the range of the estimate. */
export const isUncertain = ({ ms, budget }: Estimate): boolean =>
  budget !== undefined && (ms.low ?? ms.worst) <= budget.ms !== (ms.high ?? ms.worst) <= budget.ms;

/** Formats advice on a bundle. */
export function adviceLines(advice: readonly Advice[], name?: string): string[] {
  if (advice.length === 0) return [];
  const lines = ['', name === undefined ? 'What to change:' : `What to change in ${name}:`];
  for (const { change, effect } of advice) append(lines, [...wrap(change, columns - 4).split('\n').map((l, i) => `${i === 0 ? '  - ' : '    '}${l}`), ...wrap(effect, columns - 6).split('\n').map((l) => `      ${l}`)]); // biome-ignore format: one line
  return lines;
}

export interface FitReport {
  name: string;
  hop: number;
  target: string;
  /** True if the weights are fetched in tiles. */
  tiles: boolean;
  rate?: number;
  board: Board;
  estimate: Estimate;
  advice: Advice[];
}

/** Formats the report. */
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
    : `a hop of ${hop}; --rate gives its time limit`;
  const number = instructions.from === 'estimated' ? rough : count;
  const isConstant = instructions.most / instructions.mean < 1.0005;
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
      `${isConstant ? `${number(instructions.most)} per hop` : `${number(instructions.mean)} per hop on average, ${number(instructions.most)} at worst`}, ${sourceText(estimate, core)}`,
    ),
  ];
  if (isUncertain(estimate))
    lines.push(
      labelled('uncertain', 'the time limit lies inside the range of the estimate: count the instructions with --measure'),
    );
  if (engine.timesFrom && isScalar(target))
    lines.push(labelled('engine', `${engine.times[target].toFixed(2)} times the counted instructions, ${engine.timesFrom}`));
  if (tiles && !instructions.tools) lines.push(labelled('tiles', 'copies by the host are not counted: 1 to 8 % more'));
  lines.push(
    labelled('cycles', coreText(core)),
    labelled(
      'not included',
      `${bytesText(board.systemFlashBytes)} of flash and ${bytesText(board.systemBytes)} of RAM for other parts of the firmware (assumed), time for other tasks, waiting for flash`,
    ),
    labelled('board', board.source),
  );
  if (!good) append(lines, adviceLines(advice));
  return `${lines.join('\n')}\n`;
}
