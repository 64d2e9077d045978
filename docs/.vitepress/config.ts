/**
 * The documentation site. `npm run docs` builds it into out/site: static files with a search of their own,
 * made without a network.
 *
 * In: Markdown of docs/, of a few files beside it, and of out/docs (scripts/docs.ts makes those from the
 * code). A link to a page that does not exist ends the build. Base of all addresses: RUNLET_DOCS_BASE, `/` by
 * default.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConfig } from 'vitepress';
import { links } from './links.ts';
import { addressOf, anchorOf, navigation, type Page, routeOf, sections, sources } from './site.ts';

const root = resolve(import.meta.dirname, '../..');
const { description, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  description: string;
  repository?: { url: string };
};
const repositoryUrl = repository?.url.replace(/^git\+|\.git$/g, '');
const others = readdirSync(root, { withFileTypes: true }).filter(({ name }) => !sources.includes(name));

const item = ({ text, file }: Page) => ({ text, link: addressOf(file) });

/** Three rows of a stream, the newest one filled. */
const bars = [
  ['4', '8', '#7b93b5'],
  ['12', '14', '#7b93b5'],
  ['20', '24', '#2f6fde'],
].map(([y, width, colour]) => `<rect x='4' y='${y}' width='${width}' height='5' rx='2' fill='${colour}'/>`);
const icon = `data:image/svg+xml,${encodeURIComponent(`<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>${bars.join('')}</svg>`)}`;

export default defineConfig({
  title: 'Runlet',
  description,
  base: process.env.RUNLET_DOCS_BASE ?? '/',
  srcDir: root,
  srcExclude: [
    ...others.map((entry) => (entry.isDirectory() ? `${entry.name}/**` : entry.name)),
    'models/**/!(card).md',
    'out/!(docs)/**',
    'out/*.md',
  ],
  rewrites: routeOf,
  head: [['link', { rel: 'icon', href: icon }]],
  // the front page takes a picture from here
  vite: { publicDir: join(root, 'docs/images'), build: { chunkSizeWarningLimit: 2000 } },
  outDir: join(root, 'out/site'),
  cacheDir: join(root, 'out/site-cache'),
  markdown: {
    html: false,
    anchor: { slugify: anchorOf },
    config: (md) => {
      md.use(links(root, repositoryUrl && `${repositoryUrl}/blob/HEAD`));
      // {{ }} in indented code is text, as in fenced code
      const block = md.renderer.rules.code_block;
      md.renderer.rules.code_block = (...args) => block?.(...args).replace('<pre', '<pre v-pre') ?? '';
    },
  },
  themeConfig: {
    nav: navigation.map(item),
    sidebar: sections.map(({ text, pages }) => ({
      text,
      collapsed: false,
      items: pages.map(item),
    })),
    outline: [2, 3],
    search: { provider: 'local' },
    ...(repositoryUrl && { socialLinks: [{ icon: 'github', link: repositoryUrl }] }),
  },
});
