/**
 * What `runlet fit` prints: three rows of needs, how the time comes about, and what to change.
 *
 * In: an estimate and what it is of.  Out: lines of at most 80 columns.
 */
import { isScalar } from '../../assembly/emit/target.ts';
import { append } from '../../models/lists.ts';
import type { Advice } from '../fit/advice.ts';
import { type Board, type CoreModel, coreModels } from '../fit/boards.ts';
import { type Engine, engines } from '../fit/engines.ts';
import { type Estimate, fitsAll } from '../fit/estimate.ts';
import { bytesText, type Cell, table } from './table.ts';
import { wrap } from './wrap.ts';

const columns = 80;
const percent = (share: number): string => (share < 0.1 ? `${(100 * share).toFixed(1)} %` : `${(100 * share).toFixed(0)} %`);
const count = (n: number): string => Math.round(n).toLocaleString('en');
export const msText = (ms: number): string => `${ms < 0.1 ? ms.toPrecision(2) : ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;

const parts = (of: Record<string, number>): string =>
  Object.entries(of)
    .map(([name, bytes]) => `${name} ${bytesText(bytes)}`)
    .join(', ');

/** A paragraph behind a label, wrapped. */
const labelled = (label: string, text: string): string =>
  wrap(text, columns - 14)
    .split('\n')
    .map((line, i) => `${(i === 0 ? label : '').padEnd(14)}${line}`)
    .join('\n');

/** How sure the count is: what was measured, what was seen elsewhere, what is a guess; or what counted it. */
function sureness(
  { instructions: { known, alike, checked, tools, notCounted, factor } }: Estimate,
  { counted }: Engine,
  core: CoreModel,
): string {
  if (tools) return `counted in QEMU for ${coreNames[core.counted]}: ${tools}`;
  const what = counted === 'native' ? 'functions' : 'instructions of the interpreter';
  const rest = 1 - known - alike;
  const parts = [`${known > 0.995 ? 'all' : percent(known)} in ${what} that were measured`];
  if (alike > 0.005) parts.push(`${percent(alike)} in code like some that was`);
  if (rest > 0.005) parts.push(`${percent(rest)} guessed from its opcodes`);
  const off = checked
    ? `. Of ${checked.models} models held out ${checked.within} were within 2 % of QEMU's count, the worst ${Math.abs(checked.worst).toFixed(1)} % off`
    : '';
  const promise = factor === undefined ? '' : factor < 1.5 ? `within ${percent(factor - 1)}, ` : `to a factor of ${factor}, `;
  return `estimated: ${promise}${parts.join(', ')}${off}${notCounted ? `; ${notCounted}` : ''}`;
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
  const good = fitsAll(estimate);
  const verdict = good ? colours.green('fits') : colours.red('does not fit');
  const mark = (fit?: boolean) => (fit === false ? 'no' : fit ? 'ok' : '');
  const rows: Cell[][] = [
    [
      'flash',
      bytesText(flash.needs),
      bytesText(flash.has),
      percent(flash.needs / flash.has),
      mark(fits.flash),
      parts(flash.parts),
    ],
    ['RAM', bytesText(ram.needs), bytesText(ram.has), percent(ram.needs / ram.has), mark(fits.ram)],
    ['time', msText(ms.worst), budget ? msText(budget.ms) : '?', budget ? percent(budget.worst) : '', mark(fits.time)],
  ];
  const hopText = budget
    ? `a hop of ${hop} at ${+(rate ?? 0).toPrecision(6)} Hz`
    : `a hop of ${hop}; --rate says how long it may take`;
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
      `${even ? `${count(instructions.most)} a hop` : `${count(instructions.mean)} a hop on average, ${count(instructions.most)} at worst`}, ${sureness(estimate, engine, core)}`,
    ),
  ];
  if (fits.time && budget && budget.worst * (instructions.factor ?? 1) > 1)
    lines.push(
      labelled(
        'not sure',
        `it would not fit if the estimate were off by its factor of ${instructions.factor}: count it, with --measure`,
      ),
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
