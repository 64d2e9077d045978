/**
 * npm run web: builds the page (host/web) into out/web and serves it on 127.0.0.1. `-- --build` only builds;
 * `-- --port 8080` selects the port.
 *
 * In: the sources, the zoo.  Out: out/web, its sizes on stderr, the address on stdout.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../test/shared.ts';
import { buildWeb, sizes } from './web/build.ts';
import { serveFolder } from './web/serve.ts';

const { values } = parseArgs({ options: { build: { type: 'boolean' }, port: { type: 'string', default: '8790' } } });
const folder = join(root, 'out/web');
rmSync(folder, { recursive: true, force: true });
const files = await buildWeb(folder);
const { page, all } = sizes(folder, files);
process.stderr.write(
  `built out/web: ${files.length} files, ${page} bytes gz before the first model runs, ${all} bytes gz in all\n`,
);
if (!values.build) {
  try {
    const { address } = await serveFolder(folder, Number(values.port));
    process.stdout.write(`${address}\n`);
  } catch (error) {
    process.stderr.write(
      `port ${values.port} cannot be used (${(error as Error).message}): choose another one, or any free port with --port 0\n`,
    );
    process.exitCode = 4;
  }
}
