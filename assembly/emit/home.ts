/**
 * Homes of a module's weights: where they are while it runs (docs/adr/0014).
 *
 *   embed    in the module, as a data segment
 *   linear   in a separate file, which the host copies into linear memory once
 *   tile     in a separate file that stays where it is (flash); the module's only import copies tiles of it
 */
import { RunletError } from '../../models/error.ts';
import type { Form } from '../bundle/manifest.ts';
import { isScalar, type Target } from './target.ts';

export const homes = ['embed', 'linear', 'tile'] as const;
export type Home = (typeof homes)[number];

const isHome = (name: string): name is Home => (homes as readonly string[]).includes(name);

/** Returns the home. @throws RN508 if there is no such home, or this target or form does not have it */
export function checkHome(home: string, target: Target, form?: Form): Home {
  if (!isHome(home))
    throw new RunletError('RN508', {
      what: `weights cannot live in ${home}`,
      why: `the homes are ${homes.join(', ')}`,
      tryThis: 'embed, which needs nothing from the host',
    });
  if (home === 'tile' && !isScalar(target))
    throw new RunletError('RN508', {
      what: `weights cannot be fetched in tiles by target ${target}`,
      why: 'its kernels read them many times, and its engines have enough memory',
      tryThis: '--target interp or native, or --weights linear',
    });
  if (home !== 'embed' && form === 'wasi')
    throw new RunletError('RN508', {
      what: `the weights of a WASI command cannot live in ${home}`,
      why: 'it has only standard input and output, and cannot read a second file',
      tryThis: '--weights embed, or build without --wasi',
    });
  return home;
}
