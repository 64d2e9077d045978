/**
 * The report of a choice among sizes of one model: a table, how it was chosen, and advice if none fits.
 *
 * In: a choice and its board.  Out: lines of at most 80 columns.
 */
import { append } from '../../models/lists.ts';
import { bytesText } from '../bytes-text.ts';
import { type Advice, adviceFor } from '../fit/advice.ts';
import { type Board, type CoreModel, coreModels } from '../fit/boards.ts';
import type { Choice, Size } from '../fit/choose.ts';
import { engines } from '../fit/engines.ts';
import { type Estimate, fitsAll } from '../fit/estimate.ts';
import { adviceLines, columns, isUncertain, labelled, msText } from './fit-text.ts';
import { type Cell, table } from './table.ts';

/** Says what a size lacks: bytes of flash and RAM, and the time of a hop as a factor of its limit. */
function missing({ flash, ram, budget, fits }: Estimate): string {
  const lacks = (name: string, { needs, has }: { needs: number; has: number }) => `${name} +${bytesText(needs - has)}`;
  return [
    ...(fits.flash ? [] : [lacks('flash', flash)]),
    ...(fits.ram ? [] : [lacks('RAM', ram)]),
    ...(fits.time === false && budget ? [`time x${Number(budget.worst.toPrecision(3))}`] : []),
  ].join(', ');
}

const accuracyText = (accuracy: number | undefined): string => (accuracy === undefined ? '?' : `${accuracy} %`);

/** Formats the sizes as a table, the chosen one with a mark. */
export function sizesTable({ sizes, chosen }: Choice, width = columns): string {
  const rows = sizes.map((size): Cell[] => {
    const { flash, ram, ms } = size.figures;
    return [
      size === chosen ? '*' : '',
      size.file,
      accuracyText(size.accuracy),
      bytesText(flash.needs),
      bytesText(ram.needs),
      msText(ms.worst),
      fitsAll(size.figures) ? 'fits' : missing(size.figures),
    ];
  });
  return table(rows, { head: ['', 'size', 'accuracy', 'flash', 'RAM', 'time', ''], columns: width });
}

/** Returns changes that would make the cheapest size fit; none if a size fits. */
export function adviceOn({ chosen, cheapest }: Choice, board: Board): Advice[] {
  return chosen ? [] : adviceFor(cheapest.subject, board, cheapest.figures, cheapest.rate);
}

/** Returns the choice as JSON. @param id name of the board on the command line. */
export const choiceJson = (choice: Choice, id: string, board: Board) => ({
  board: { ...board, id },
  chosen: choice.chosen?.file ?? null,
  sizes: choice.sizes.map(({ file, accuracy, subject: { manifest }, rate, figures }) => {
    const { name, hop, target } = manifest;
    return { file, name, hop, target, rate, accuracy, fit: fitsAll(figures), ...figures };
  }),
  advice: adviceOn(choice, board),
});

/** Describes the choice in one sentence. */
export function choiceText({ sizes, chosen, cheapest }: Choice): string {
  if (sizes.length === 1) return chosen ? `${cheapest.file} fits` : `${cheapest.file} does not fit`;
  return chosen ? `${chosen.file}, the most accurate of ${sizes.length} sizes that fits` : `none of ${sizes.length} sizes fits`;
}

const hopText = ({ subject, figures: { budget }, rate }: Size): string =>
  budget ? `${subject.manifest.hop} frames at ${+(rate ?? 0).toPrecision(6)} Hz, ${msText(budget.ms)}` : '';

/** Formats the report. */
export function sizesText(choice: Choice, board: Board, colours: { bold(s: string): string }): string {
  const { sizes, cheapest } = choice;
  const core: CoreModel = coreModels[board.core];
  const hops = new Set(sizes.map(hopText));
  const uncertain = sizes.filter(({ figures }) => isUncertain(figures)).map(({ file }) => file);
  const used = new Set(sizes.map(({ figures }) => engines[figures.engine].name));
  const free = `${bytesText(cheapest.figures.flash.has)} of flash, ${bytesText(cheapest.figures.ram.has)} of RAM`;
  const lines = [
    `${colours.bold(board.name)}: ${choiceText(choice)}`,
    `${core.name} at ${board.hz / 1e6} MHz, ${[...used].join(', ')}`,
    '',
    sizesTable(choice),
    '',
    labelled('has', `${free}, after other parts of the firmware (assumed)`),
    labelled('hop', hops.has('') ? '--rate gives the time limit of sizes that do not state their rate' : [...hops].join('; ')),
    labelled('accuracy', 'on held-out data, as the files or --accuracy state it'),
    ...(uncertain.length > 0
      ? [labelled('uncertain', `the time limit lies inside the range of the estimate: ${uncertain.join(', ')}`)]
      : []),
    labelled('more', 'runlet fit with one size and --board explains each figure'),
  ];
  append(lines, adviceLines(adviceOn(choice, board), cheapest.file));
  return `${lines.join('\n')}\n`;
}
