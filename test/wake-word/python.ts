/** The recipe of models/train/wake-word, for its tests. */
import { join } from 'node:path';
import { runPython } from '../python.ts';
import { root } from '../shared.ts';

export const folder = join(root, 'models/train/wake-word');

/** Runs Python in the recipe's folder. */
export const run = (...args: string[]) => runPython(args, folder);
