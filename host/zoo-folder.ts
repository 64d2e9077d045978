/** Folder of the zoo's models, found from the sources and from dist; undefined in a package without them. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const zooFolder: string | undefined = ['../models/zoo', '../../models/zoo']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find(existsSync);
