/**
 * Builds the documentation site: `npm run docs`.
 *
 * In: docs/, the code.  Out: out/site, static files for any server. Pages that are made from the code are
 * first written to out/docs. A link to a missing page or heading ends the build with exit code 1.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vitepress';
import { generatedFolder, sections } from '../docs/.vitepress/site.ts';
import { writeApiPages } from './docs/api.ts';
import { commandLinePage } from './docs/command-line.ts';
import { brokenLinks } from './docs/site-links.ts';

const root = join(import.meta.dirname, '..');
const reference = join(root, generatedFolder, 'reference');

rmSync(join(root, generatedFolder), { recursive: true, force: true });
mkdirSync(join(reference, 'api'), { recursive: true });
writeFileSync(join(reference, 'command-line.md'), await commandLinePage());
await writeApiPages(join(reference, 'api'));

const missing = sections.flatMap(({ pages }) => pages.map(({ file }) => file)).filter((file) => !existsSync(join(root, file)));
if (missing.length > 0) throw new Error(`the side bar names pages that do not exist: ${missing.join(', ')}`);
await build(join(root, 'docs'));
const broken = brokenLinks(join(root, 'out/site'), process.env.RUNLET_DOCS_BASE ?? '/');
if (broken.length > 0) throw new Error(`broken links:\n${broken.join('\n')}`);
process.stdout.write('The site is out/site\n');
