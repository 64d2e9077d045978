/** Faults in the comparison of placements. */
import { inFolder } from '../mutant.ts';

export const poolSearch = inFolder('scripts/pools', [
  {
    id: 'pools-tau-ties',
    file: 'ranking.ts',
    find: 'inA += x * x;',
    replace: 'inA += 1;',
    tests: 'pool-search',
    why: 'pairs that are tied in the first list count as pairs',
  },
  {
    id: 'pools-front-ties',
    file: 'ranking.ts',
    find: ' && (other < cost || w > v)',
    replace: '',
    tests: 'pool-search',
    why: 'a placement is beaten by an equal one',
  },
  {
    id: 'pools-chance-side',
    file: 'ranking.ts',
    find: '>= measured) count++',
    replace: '< measured) count++',
    tests: 'pool-search',
    why: 'the chance is that of smaller differences',
  },
  {
    id: 'pools-seeds-paired',
    file: 'page.ts',
    find: "kind === 'trained' && j <= i",
    replace: 'j <= i',
    tests: 'pool-search',
    why: 'a supernet is not compared with every training',
  },
]);
