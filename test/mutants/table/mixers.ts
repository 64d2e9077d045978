/** Faults in the comparison of mixers. */
import { inFolder } from '../mutant.ts';

export const mixers = inFolder('scripts/mixers', [
  {
    id: 'mixers-first-fold',
    file: 'page.ts',
    find: 'mean(folds.map(',
    replace: 'mean(folds.slice(0, 1).map(',
    tests: 'mixers',
    why: 'accuracy is that of the first fold',
  },
]);
