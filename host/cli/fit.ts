/**
 * runlet fit: estimates whether a bundle fits a board, and advises what to change if not (exit code 1). Of
 * several sizes of one model, --choose takes the most accurate that fits.
 *
 * The module runs in this process with counters. The estimate is the number of its instructions times
 * measured coefficients (docs/fit.md). If the engine compiles and the tools are installed, the module is
 * compiled for the board's core and counted in QEMU instead; --measure requires it, --no-measure disables it.
 */
import { RunletError } from '../../models/error.ts';
import { badOption, coloursFor, exitCodes, printJson } from '../command/args.ts';
import { weightsBeside } from '../command/bundle-file.ts';
import { isWasm, readBytes } from '../command/load.ts';
import { accuraciesArg, accuraciesFor } from '../command/model-options.ts';
import { choice, flag, group, input, jsonArg, number, rest, type Values } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { type Board, boards } from '../fit/boards.ts';
import type { Size } from '../fit/choose.ts';
import { type EngineName, engines } from '../fit/engines.ts';
import { whileWorking } from '../report/progress.ts';

const fitArgs = {
  bundles: rest(
    input('Bundle (.wasm), with its weights file in the same folder if it has one; several sizes of one model with --choose'),
  ),
  ...group('Board', {
    board: choice('Board to check a bundle for', Object.keys(boards), { hint: 'board' }),
    choose: choice('Board to choose a size for, the most accurate that fits', Object.keys(boards), { hint: 'board' }),
    ...accuraciesArg,
    engine: choice(
      'Engine that runs the module (default: wamr-fast for interp, c for native)',
      Object.keys(engines) as EngineName[],
      {
        hint: 'engine',
      },
    ),
    rate: number('Frames per second (default: from the bundle)', { above: 0, hint: 'Hz' }),
    measure: flag(
      'Compile for the core and count in QEMU (engines aot, c; default if wasm2c, gcc and QEMU are installed and it takes only seconds)',
      'Always estimate, do not use QEMU',
    ),
  }),
  ...jsonArg,
};
type Args = Values<typeof fitArgs>;

/** Returns the name of the board. @throws RN740, RN754 */
function boardOf({ bundles, board, choose, accuracy }: Args): string {
  const name = choose ?? board;
  if (name === undefined)
    throw new RunletError('RN754', {
      what: '--board or --choose is missing',
      where: 'runlet fit',
      tryThis: '--board with one bundle, or --choose with sizes of one model',
    });
  if (choose !== undefined && board !== undefined)
    throw badOption('choose', choose, 'a board only without --board, which checks one bundle');
  if (choose === undefined && (bundles.length > 1 || accuracy))
    throw new RunletError('RN740', {
      what: bundles.length > 1 ? `--board checks one bundle, not ${bundles.length}` : '--accuracy has no effect here',
      where: bundles.length > 1 ? '--board' : '--accuracy',
      why: 'only a choice among sizes of one model compares several bundles, by their accuracies',
      tryThis: `--choose ${name}`,
    });
  return name;
}

/** Reads a bundle and estimates it. */
async function sizeOf(file: string, accuracy: number | undefined, board: Board, args: Args): Promise<Size> {
  const wasm = await readBytes(file);
  if (!isWasm(wasm))
    throw new RunletError('RN763', {
      what: 'this is not a bundle',
      where: file,
      why: 'fit runs the module to count its instructions',
      tryThis: 'run runlet build first, then fit the .wasm that it writes',
    });
  const weights = await weightsBeside(file, wasm);
  const { examine } = await import('../fit/examine.ts');
  const examined = await examine({ wasm, weights }, file, board, args);
  return { file, accuracy: accuracy ?? examined.subject.manifest.accuracy, ...examined };
}

async function fitOne(size: Size, id: string, board: Board, json: boolean | undefined): Promise<void> {
  const { fitsAll } = await import('../fit/estimate.ts');
  const { adviceFor } = await import('../fit/advice.ts');
  const { subject, figures, rate } = size;
  const { name, hop, target, weights } = subject.manifest;
  const advice = adviceFor(subject, board, figures, rate);
  const fit = fitsAll(figures);
  if (!fit) process.exitCode = exitCodes.checkFailed;
  if (json) return printJson({ name, hop, target, rate, board: { ...board, id }, fit, ...figures, advice });
  const { fitText } = await import('../report/fit-text.ts');
  process.stdout.write(
    fitText(
      { name, hop, target, tiles: weights?.home === 'tile', rate, board, estimate: figures, advice },
      coloursFor(process.stdout),
    ),
  );
}

async function fitSizes(sizes: [Size, ...Size[]], id: string, board: Board, json: boolean | undefined): Promise<void> {
  const { choose } = await import('../fit/choose.ts');
  const { choiceJson, sizesText } = await import('../report/sizes-text.ts');
  const choice = choose(sizes);
  if (!choice.chosen) process.exitCode = exitCodes.checkFailed;
  if (json) return printJson(choiceJson(choice, id, board));
  process.stdout.write(sizesText(choice, board, coloursFor(process.stdout)));
}

export default defineVerb({
  examples: [
    ['fit model.wasm --board esp32s3', 'estimates flash, RAM and time per hop on this board'],
    ['fit model.wasm --board rp2040 --measure', 'counts instructions in QEMU instead of estimating them'],
    ['fit small.wasm large.wasm --choose esp32s3 --accuracy 91.2,93.1', 'takes the most accurate size that fits'],
  ],
  args: fitArgs,
  async run({ args }) {
    const id = boardOf(args);
    const board = boards[id] as Board;
    const stated = accuraciesFor(args.accuracy, args.bundles.length);
    const sizes = await whileWorking('running the module with counters', async () => {
      const made: Size[] = [];
      for (const [i, file] of args.bundles.entries()) made.push(await sizeOf(file, stated?.[i], board, args));
      return made as [Size, ...Size[]];
    });
    if (args.choose === undefined) return fitOne(sizes[0], id, board, args.json);
    return fitSizes(sizes, id, board, args.json);
  },
});
