/**
 * What a bundle is called and which release it is, for gateways: --name, --version, --sequence of `runlet build`.
 *
 * In: the options' text.  Out: fields of the manifest; those that were not given are left out.
 */
import { badOption, numberOption } from './args.ts';

/** What gateways take as a name: it stands in addresses and in messages. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$/;

export const releaseArgs = {
  name: { type: 'string', description: "The bundle's name (default: the model's)", valueHint: 'name' },
  version: { type: 'string', description: "The model's version, which gateways show", valueHint: '1.4.0' },
  sequence: {
    type: 'string',
    description: 'Number of this release: gateways take no bundle below the highest that they confirmed',
    valueHint: 'n',
  },
} as const;

/** @throws RN740 */
export function releaseOf({ name, version, sequence }: { name?: string; version?: string; sequence?: string }) {
  if (name !== undefined && !namePattern.test(name))
    throw badOption('name', name, 'letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first');
  if (version !== undefined && !versionPattern.test(version)) throw badOption('version', version, 'a version such as 1.4.0');
  const number = numberOption('sequence', sequence, { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true });
  return {
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(number !== undefined && { sequence: number }),
  };
}
