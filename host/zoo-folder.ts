/** The folder of the zoo's models, from the sources and from dist; undefined where they were left out. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const zooFolder: string | undefined = ['../models/zoo', '../../models/zoo']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find(existsSync);
