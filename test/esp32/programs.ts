/**
 * The programs of this folder, compiled as strict C99 with sanitizers over the C host (test/mcu/tools.ts).
 */
import { join } from 'node:path';
import { at, build, mcu, type Sanitizer } from '../mcu/tools.ts';

const main = join(mcu, 'esp32/main');
const shared = ['runlet-image.c', 'runlet-detector.c'].map((name) => join(mcu, name));
const own = ['inference.c', 'heartbeat.c'].map((name) => join(main, name));

/**
 * Compiles a program. `image` needs the reader and the detector; the others also need the
 * platform-independent files and WAMR.
 */
export const program = (name: 'image' | 'listen' | 'detect', sanitizer: Sanitizer = 'address'): string =>
  build(
    join(import.meta.dirname, `${name}.c`),
    { sanitizer, more: [...shared, ...(name === 'image' ? [] : own), `-I${main}`] },
    name !== 'image',
  );

export { at };
