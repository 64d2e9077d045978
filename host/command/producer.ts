/** The version of Runlet that builds a bundle, from package.json. */
import { readFileSync } from 'node:fs';

export const producer = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
