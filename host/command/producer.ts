/** Returns the version of Runlet from package.json, for the manifest of a bundle that it builds. */
import { readFileSync } from 'node:fs';

export const producer = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
