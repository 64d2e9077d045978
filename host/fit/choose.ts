/**
 * Chooses among sizes of one model: the most accurate size that fits a board.
 *
 * In: examined sizes with their stated accuracies.  Out: all sizes in the order in which they are preferred,
 * and the first that fits.  Rule: higher accuracy first; of equal accuracies less time per hop, then less
 * RAM, then less flash, then the order in which they were given.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { fitsAll } from './estimate.ts';
import type { Examined } from './examine.ts';

export interface Size extends Examined {
  /** File of the size: its name in reports. */
  file: string;
  /** Accuracy on held-out data in %, as stated; undefined only if there is nothing to choose from. */
  accuracy: number | undefined;
}

export interface Choice {
  /** All sizes, the preferred ones first. */
  sizes: Size[];
  /** The chosen size; undefined if none fits. */
  chosen: Size | undefined;
  /** The size that needs least: of all sizes the one with the least time, then RAM, then flash. */
  cheapest: Size;
}

/** What a size costs; earlier elements count first. */
const costs = ({ figures: { ms, ram, flash } }: Size): number[] => [ms.worst, ram.needs, flash.needs];

/** Compares two sizes by their costs. */
function byCost(a: Size, b: Size): number {
  const other = costs(b);
  return (
    costs(a)
      .map((cost, i) => cost - (other[i] as number))
      .find((difference) => difference !== 0) ?? 0
  );
}

const byPreference = (a: Size, b: Size): number => (b.accuracy ?? 0) - (a.accuracy ?? 0) || byCost(a, b);

/** Returns what the outputs of a model mean. Accuracies of other outputs cannot be compared. */
const taskOf = ({ outputs, labels }: Manifest): string => JSON.stringify([outputs.map(({ elements }) => elements), labels]);

/** Checks that every size has an accuracy, if there are several. @throws RN766 */
export function requireAccuracies(sizes: readonly Pick<Size, 'file' | 'accuracy'>[]): void {
  const unstated = sizes.filter(({ accuracy }) => accuracy === undefined).map(({ file }) => file);
  if (sizes.length === 1 || unstated.length === 0) return;
  throw new RunletError('RN766', {
    what: `no accuracy is stated for ${unstated.length} of ${sizes.length} sizes`,
    where: unstated.join(', '),
    why: 'the most accurate size that fits is chosen, and Runlet takes the accuracy on held-out data from the files',
    tryThis: `--accuracy with ${sizes.length} numbers in %, in the order of the files; or export the models with an accuracy`,
  });
}

/** Checks that the outputs of all sizes mean the same. @throws RN767 */
function requireOneTask([first, ...others]: readonly [Size, ...Size[]]): void {
  const task = taskOf(first.subject.manifest);
  const other = others.find(({ subject }) => taskOf(subject.manifest) !== task);
  if (!other) return;
  const shown = ({ subject: { manifest } }: Size) => printable(taskOf(manifest).slice(0, 100));
  throw new RunletError('RN767', {
    what: 'these are not sizes of one model',
    where: `${first.file}, ${other.file}`,
    why: `their outputs have the elements and labels ${shown(first)} and ${shown(other)}, so their accuracies cannot be compared`,
    tryThis: 'give sizes of one model, or fit each file alone',
  });
}

/** @throws RN766, RN767 */
export function choose(given: readonly [Size, ...Size[]]): Choice {
  requireAccuracies(given);
  requireOneTask(given);
  const sizes = [...given].sort(byPreference);
  return {
    sizes,
    chosen: sizes.find(({ figures }) => fitsAll(figures)),
    cheapest: given.reduce((best, size) => (byCost(size, best) < 0 ? size : best)),
  };
}
