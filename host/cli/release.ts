/**
 * What a bundle is called and which release it is, for gateways: --name, --version, --sequence of `runlet
 * build`.
 *
 * In: the options.  Out: fields of the manifest; those that were not given are left out.
 */
import { type Given, group, number, text } from '../command/options.ts';

/** What gateways take as a name: it stands in addresses and in messages. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$/;

export const releaseArgs = group('The release', {
  name: text(
    "The bundle's name (default: the model's)",
    { hint: 'name' },
    {
      wants: 'letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first',
      test: namePattern,
    },
  ),
  version: text(
    "The model's version, which gateways show",
    { hint: '1.4.0' },
    { wants: 'a version such as 1.4.0', test: versionPattern },
  ),
  sequence: number('Number of this release: gateways take no bundle below the highest that they confirmed', {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    whole: true,
  }),
});

export const releaseOf = ({ name, version, sequence }: Given<typeof releaseArgs>) => ({
  ...(name !== undefined && { name }),
  ...(version !== undefined && { version }),
  ...(sequence !== undefined && { sequence }),
});
