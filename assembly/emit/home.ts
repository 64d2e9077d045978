/**
 * Homes of a module's weights: where they are while it runs (docs/adr/0014).
 *
 * embed    in the module, as a data segment linear   in a file apart; the host copies them into linear memory
 * once tile     in a file apart, which stays where it is (flash): the module's only import copies the next
 * tile into a small buffer
 */
import { RunletError } from '../../models/error.ts';
import type { Form } from '../bundle/manifest.ts';
import { isScalar, type Target } from './target.ts';

export const homes = ['embed', 'linear', 'tile'] as const;
export type Home = (typeof homes)[number];

const isHome = (name: string): name is Home => (homes as readonly string[]).includes(name);

/** @throws RN508 no such home, or none for this target or form */
export function checkHome(home: string, target: Target, form?: Form): Home {
  if (!isHome(home))
    throw new RunletError('RN508', {
      what: `weights cannot live in ${home}`,
      why: `there are ${homes.join(', ')}`,
      tryThis: 'embed, which needs nothing of the host',
    });
  if (home === 'tile' && !isScalar(target))
    throw new RunletError('RN508', {
      what: `weights cannot be fetched in tiles by target ${target}`,
      why: 'its kernels read them over and over, and its engines have memory enough',
      tryThis: '--target interp or native, or --weights linear',
    });
  if (home !== 'embed' && form === 'wasi')
    throw new RunletError('RN508', {
      what: `the weights of a WASI command cannot live in ${home}`,
      why: 'it has standard input and output alone, and nobody gives it a second file',
      tryThis: '--weights embed, or build without --wasi',
    });
  return home;
}
