/**
 * Names of slots and streams, as senders give them.
 *
 * In: any text.  Out: the name, if it is valid.  Errors: RN805.
 */
import { RunletError } from '../../../models/error.ts';

/** Pattern of a name, for patterns that contain one. */
export const nameText = '[A-Za-z0-9][A-Za-z0-9._-]{0,63}';
const names = new RegExp(`^${nameText}$`);

/** Returns `name` if it is valid. @param what kind of the named thing, for the error. @throws RN805 */
export function checkName(what: string, name: string): string {
  if (names.test(name)) return name;
  throw new RunletError('RN805', {
    what: `this is not a valid name of a ${what}`,
    where: JSON.stringify(name.slice(0, 40)),
    why: 'a name has at most 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit',
    tryThis: `use a plain name, such as ${what}-1`,
  });
}
