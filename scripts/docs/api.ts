/**
 * Makes the API pages of the documentation from the types and comments of the packages' public names.
 *
 * In: the entry points' TypeScript.  Out: Markdown by TypeDoc, one page per entry point.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Application, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import { entryPoints } from '../../docs/.vitepress/site.ts';

const root = join(import.meta.dirname, '../..');

/** Writes a page for each entry point into `folder`. @throws Error if a type cannot be read */
export async function writeApiPages(folder: string): Promise<void> {
  const made = mkdtempSync(join(tmpdir(), 'runlet-api-'));
  const sources = entryPoints.map(({ source }) => join(root, source));
  // only the entry points and their imports are compiled
  const tsconfig = join(made, 'tsconfig.json');
  writeFileSync(tsconfig, JSON.stringify({ extends: join(root, 'tsconfig.json'), include: [], files: sources }));
  try {
    const pages = join(made, 'pages');
    // TypeDoc empties its folder `out`, which is docs/ by default
    const app = await Application.bootstrapWithPlugins({
      ...options,
      entryPoints: sources,
      tsconfig,
      basePath: root,
      out: pages,
    });
    const project = await app.convert();
    if (!project) throw new Error(`${sources.join(' and ')} cannot be documented: their types were not read`);
    await app.outputs.writeOutput({ name: 'markdown', path: pages }, project);
    for (const { page, name, source } of entryPoints) {
      const text = readFileSync(join(pages, madeName(source)), 'utf8').replace(/^# .*\n/, '');
      writeFileSync(join(folder, `${page}.md`), `# API: ${name}\n\n\`import { … } from '${name}'\`\n${cleaned(text)}`);
    }
  } finally {
    rmSync(made, { recursive: true });
  }
}

/** Returns TypeDoc's file name for an entry point. */
const madeName = (source: string): string => `${source.replace(/(?:\/index)?\.ts$/, '')}.md`;

/** Removes HTML anchors and the links to them, and renames links to the pages of other entry points. */
const cleaned = (text: string): string =>
  entryPoints.reduce(
    (all, { page, source }) => all.replaceAll(new RegExp(`\\]\\((?:\\.\\./)*${madeName(source)}`, 'g'), `](${page}.md`),
    text.replace(/<a id="[^"]*"><\/a> /g, '').replace(/\[([^\]]+)\]\([^)]*#property-[^)]*\)/g, '$1'),
  );

const options: Partial<TypeDocOptions & PluginOptions> = {
  plugin: ['typedoc-plugin-markdown'],
  readme: 'none',
  // `npm run check` checks the types
  skipErrorChecking: true,
  disableSources: true,
  excludeInternal: true,
  excludeExternals: true,
  excludePrivate: true,
  sort: ['kind', 'alphabetical'],
  logLevel: 'Error',
  router: 'module',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  useCodeBlocks: true,
};
