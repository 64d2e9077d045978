/**
 * Name and release of a bundle, for gateways: --name, --version and --sequence of `runlet build`.
 *
 * In: the options.  Out: fields of the manifest, only for options that were given.
 */
import { type Given, group, number, text } from '../command/options.ts';

/** Names that gateways accept; they appear in addresses and messages. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$/;

export const releaseArgs = group('Release', {
  name: text(
    "The bundle's name (default: the model's)",
    { hint: 'name' },
    {
      wants: 'at most 64 letters, digits, dots, dashes and underscores, with a letter or digit first',
      test: namePattern,
    },
  ),
  version: text('Version that gateways show', { hint: '1.4.0' }, { wants: 'a version such as 1.4.0', test: versionPattern }),
  sequence: number('Number of this release; gateways refuse a number below the highest one that they confirmed', {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    whole: true,
  }),
});

/** Returns the given fields of the release. */
export const releaseOf = ({ name, version, sequence }: Given<typeof releaseArgs>) => ({
  ...(name !== undefined && { name }),
  ...(version !== undefined && { version }),
  ...(sequence !== undefined && { sequence }),
});
