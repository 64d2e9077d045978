/**
 * What the documentation site is made of: its pages by section, their addresses, and the anchors of their
 * headings.
 *
 * In: paths of Markdown files, relative to the repository.  Out: addresses on the site.  The configuration,
 * the build (scripts/docs.ts) and the test of links (test/docs/links.test.ts) read this one list.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export interface Page {
  text: string;
  /** Path of the Markdown file, relative to the repository's root. */
  file: string;
}

/** Where scripts/docs.ts writes pages that are made from the code. Git ignores the folder. */
export const generatedFolder = 'out/docs';

const page = (text: string, name: string): Page => ({ text, file: `docs/${name}.md` });
const generated = (text: string, name: string): Page => ({ text, file: `${generatedFolder}/reference/${name}.md` });

interface EntryPoint {
  /** The page's name, without an ending. */
  page: string;
  /** What programs import. */
  name: string;
  /** Its TypeScript, relative to the repository's root. */
  source: string;
}

const { exports } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string }>;
};

/**
 * The package's entry points that have types, the last one of package.json first: a name that two export is
 * on the page of the first.
 */
export const entryPoints: EntryPoint[] = Object.entries(exports)
  .flatMap(([path, entry]): EntryPoint[] => {
    if (typeof entry === 'string') return [];
    const source = entry.types.replace(/^\.\/dist\/(.*)\.d\.ts$/, '$1.ts');
    return [{ page: path === '.' ? 'runlet' : path.slice(2), name: posix.join('runlet', path), source }];
  })
  .reverse();

/** The side bar, in order. Every page under docs/ is in it, but for the front page and single decisions. */
export const sections: { text: string; pages: Page[] }[] = [
  {
    text: 'Tutorials',
    pages: [
      page('A model on a web page', 'tutorials/web-page'),
      page('A model on a microcontroller, in C', 'tutorials/microcontroller'),
      page('A model on a gateway', 'tutorials/gateway'),
      page('From drift to a better model', 'tutorials/drift'),
      page('Train for streaming in PyTorch', 'tutorials/pytorch'),
      page('The demos', 'how-to/demos'),
    ],
  },
  {
    text: 'How to prepare a model',
    pages: [
      page('The short road', 'how-to/make'),
      page('Read a model file', 'reading'),
      page('Plan how it streams', 'how-to/plan'),
      page('Quantise it', 'how-to/quantise'),
      page('Build a module', 'how-to/build'),
      page('Check it', 'how-to/check'),
      page('Run it over a signal', 'how-to/run'),
      page('Work with sound', 'how-to/sound'),
      page('Measure it', 'how-to/measure'),
      page('Train for streams', 'training'),
      page('Choose methods of quantisation', 'quantisation'),
      page('Exchange int8 models as ONNX', 'qdq'),
    ],
  },
  {
    text: 'How to run it',
    pages: [
      page('In a program or a page', 'how-to/library'),
      page('A session in a worker', 'session'),
      page('C without a runtime', 'bare-metal'),
      page('C over WAMR', 'c-host'),
      page('ESP32', 'esp32'),
      page('Any WebAssembly runtime', 'runtimes'),
      page('Fit a board', 'fit'),
      page('Gateway', 'gateway'),
      page('Streams of a gateway', 'streams'),
      page('Collecting windows', 'collection'),
      page('Drift', 'drift'),
      page('Fleets', 'fleet'),
      page('Clusters', 'cluster'),
      page('What a cluster costs', 'scale'),
      page('Labels from live streams', 'learning'),
      page('Which version to run', 'versions'),
      page('Models over a serial line', 'serial'),
    ],
  },
  {
    text: 'Reference',
    pages: [
      generated('Command line', 'command-line'),
      ...entryPoints.map((entry) => generated(`API: ${entry.name}`, `api/${entry.page}`)),
      page('What is supported', 'supported'),
      page('Operators', 'operators'),
      page('The packages', 'packages'),
      page('Errors', 'errors'),
      page('Manifest', 'manifest'),
      page('ABI of a module', 'abi'),
      page('Performance', 'performance'),
      page('Figures and their commands', 'figures'),
    ],
  },
  {
    text: 'Explanations',
    pages: [
      page('Streaming in pictures', 'explanations/streaming'),
      page('A tour of the code', 'tour'),
      page('Glossary', 'explanations/glossary'),
      page('Runlet and other runtimes', 'comparison'),
      page('The pipeline: specification', 'pipeline'),
      page("The paper's figures", 'paper'),
      page('Seeded faults', 'mutants'),
      page('Decisions', 'adr/index'),
    ],
  },
  {
    text: 'Project',
    pages: [
      { text: 'Contributing', file: 'CONTRIBUTING.md' },
      { text: 'Changes', file: 'CHANGELOG.md' },
      { text: 'Security', file: 'SECURITY.md' },
    ],
  },
];

/** Links at the top of every page. */
export const navigation: Page[] = [
  page('Tutorials', 'tutorials/web-page'),
  generated('Command line', 'command-line'),
  page('Streaming in pictures', 'explanations/streaming'),
  page('Compared', 'comparison'),
];

/** Files and folders at the root that hold pages of the site; models/zoo has the cards of its models. */
export const sources = ['docs', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'models', 'out'];

/** Whether a Markdown file is a page of the site. */
export const isPage = (file: string): boolean =>
  /^(docs|out\/docs)\/.*\.md$|^(CHANGELOG|CONTRIBUTING|SECURITY)\.md$|^models\/zoo\/[^/]+\/card\.md$/.test(file);

/** Path on the site of a page's Markdown file, with its ending: `docs/esp32.md` is `esp32.md`. */
export function routeOf(file: string): string {
  const card = /^models\/zoo\/([^/]+)\/card\.md$/.exec(file);
  if (card) return `models/${card[1]}.md`;
  for (const folder of [generatedFolder, 'docs']) if (file.startsWith(`${folder}/`)) return file.slice(folder.length + 1);
  return file.toLowerCase();
}

/** Address of a page on the site, without the site's base. */
export const addressOf = (file: string): string => `/${routeOf(file).replace(/(?:\bindex)?\.md$/, '')}`;

/** Path in the repository that a relative link in `file` leads to, without its anchor. */
export function targetOf(file: string, link: string): string {
  const path = decodeURI(link).replace(/[?#].*$/, '');
  return path === '' ? file : posix.join(posix.dirname(file), path).replace(/\/$/, '');
}

/** Anchor of a heading, as code hosts make it: lower case, no punctuation, hyphens for spaces. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
