/**
 * The choice of `runlet make --board`: of the built sizes of one model the most accurate that fits the board.
 *
 * In: built sizes, with the accuracies that their files or --accuracy state.  Out: the chosen size, and the
 * choice for people and as JSON. The accuracy on the recording is not used: the recording calibrates, and is
 * often short.
 */
import type { Bundle } from '../../assembly/build.ts';
import { RunletError } from '../../models/error.ts';
import { exitCodes, printJson } from '../command/args.ts';
import { type Board, boards } from '../fit/boards.ts';
import { choose, type Size } from '../fit/choose.ts';
import { engines } from '../fit/engines.ts';
import { examine } from '../fit/examine.ts';
import { adviceLines } from '../report/fit-text.ts';
import { whileWorking } from '../report/progress.ts';
import { adviceOn, choiceJson, choiceText, sizesTable } from '../report/sizes-text.ts';

/** A built size. `made`: what the caller knows of it. */
export interface Built<M> {
  made: M;
  file: string;
  bundle: Bundle;
}

export interface Sized<M> {
  /** Undefined if no size fits. */
  chosen: Built<M> | undefined;
  lines: string[];
  json: { choice: ReturnType<typeof choiceJson> };
}

/** Makes the error for several models without a board. */
export const needsBoard = (models: readonly string[]): RunletError =>
  new RunletError('RN741', {
    what: `there are ${models.length} models and no --board`,
    where: models.join(' '),
    why: 'make takes one model and one recording, which is the last argument; --board chooses among sizes of one model',
    tryThis: 'one model, or --board with the board that the module must fit',
  });

/** @param id name of the board on the command line. @throws RN766, RN767 */
export async function chooseBuilt<M>(built: readonly Built<M>[], id: string): Promise<Sized<M>> {
  const board = boards[id] as Board;
  const sizes = await whileWorking('running the modules with counters', () =>
    Promise.all(
      built.map(async ({ file, bundle }): Promise<Size> => {
        const examined = await examine(bundle, file, board, { measure: false });
        return { file, accuracy: bundle.manifest.accuracy, ...examined };
      }),
    ),
  );
  const choice = choose(sizes as [Size, ...Size[]]);
  const { chosen, cheapest } = choice;
  return {
    chosen: built.find((_, i) => sizes[i] === chosen),
    lines: [
      `${board.name}, ${engines[cheapest.figures.engine].name}: ${choiceText(choice)}`,
      ...sizesTable(choice, 71).split('\n'),
      ...(sizes.length > 1 ? ['accuracy on held-out data as stated, not on this recording; times are estimates'] : []),
      ...adviceLines(adviceOn(choice, board), cheapest.file),
    ],
    json: { choice: choiceJson(choice, id, board) },
  };
}

/** Reports that no size fits: nothing is written (exit code 1). */
export function reportNone({ lines, json }: Sized<unknown>, asJson: boolean | undefined): void {
  process.exitCode = exitCodes.checkFailed;
  if (asJson) printJson(json);
  else process.stdout.write(`${lines.join('\n')}\n`);
}
