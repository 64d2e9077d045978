/**
 * The page with the cards of all zoo models: out/web/zoo.html.
 *
 * In: the built models, the catalogue, the cards (models/zoo).  Out: HTML. Its words, data, licences and
 * accuracy are those of the cards, its other figures are computed from the modules (card-figures.ts).
 */
import { readFileSync } from 'node:fs';
import { pageHtml, type TableOptions, tableHtml } from '../../host/report/design/page.ts';
import { escaped } from '../../host/report/design/text.ts';
import type { ModelEntry } from '../../host/web/protocol.ts';
import { bundleFigures, deviceFigures, type Figures } from './card-figures.ts';
import { plotOf } from './card-plot.ts';
import { fileUrl, MarkdownFile, readCard, type Table } from './card-text.ts';
import type { Put } from './demos.ts';
import type { ZooModel } from './zoo.ts';

/** Studies of har, which have a README in place of a card: their folder, and the section with a table. */
const studies = [{ study: 'pool-search' }, { study: 'mixers', results: 'Results' }];

interface Shown {
  models: readonly ZooModel[];
  /** Entries of the page's catalogue that run one of the models. */
  entries: readonly ModelEntry[];
}

const isNumber = (cell: string): boolean => /^(<strong>)?[-+\d.,]*(<\/strong>)?$/.test(cell);

/** Makes a table of a card; columns of numbers are aligned to the right. */
const cardTable = ({ head, rows }: Table, label: string, classes = ''): string => {
  const numeric: TableOptions['numeric'] = (column) => column > 0 && rows.every((row) => isNumber(row[column] ?? ''));
  return tableHtml(head, rows, { label, numeric, classes });
};

/** Makes one table of the figures of several models, with a column for each. */
function figuresTable(columns: { name: string; figures: Figures }[], label: string): string {
  const rows = (columns[0]?.figures ?? []).map(([name], i) => [
    escaped(name),
    ...columns.map(({ figures }) => escaped(figures[i]?.[1] ?? '')),
  ]);
  const head = ['', ...columns.map(({ name }) => name)];
  return tableHtml(head, rows, { label, numeric: () => false, narrow: columns.length === 1, classes: 'figures' });
}

/** The recording: a player for sound, a plot for other signals, and links to the page that plays both. */
async function recordingHtml({ models, entries }: Shown, folder: string, put: Put): Promise<string> {
  const [first] = models as [ZooModel];
  const { demo } = first.entry;
  const plot = await plotOf(first, folder);
  const links = entries.map(({ name }) => `<li><a href="./#${name}">Play ${name}</a></li>`).join('');
  const player = plot
    ? ''
    : `<audio controls preload="none" src="${demo?.file}" aria-label="${demo?.title} of ${first.entry.name}"></audio>`;
  const image =
    plot &&
    `<div class="scroll" tabindex="0" role="group" aria-label="Plot of ${demo?.title}"><img loading="lazy" width="900" height="560" src="${put(`cards/${first.entry.name}.svg`, plot)}" alt="${demo?.title}: the signal above, the answers of ${first.entry.name}"></div>`;
  return [
    '<h3>Recording</h3>',
    '<p>The page plays it: the signal moves, and the model answers in your browser.</p>',
    `<ul class="play">${links}</ul>${player}`,
    image ?? '',
  ].join('');
}

async function cardHtml(shown: Shown, folder: string, put: Put): Promise<string> {
  const { models } = shown;
  const [{ folder: name }] = models as [ZooModel];
  const card = readCard(name);
  const columns: { name: string; figures: Figures }[] = [];
  for (const model of models)
    columns.push({ name: model.entry.name, figures: [...bundleFigures(model), ...(await deviceFigures(model))] });
  const { accuracy, data, facts } = card;
  return [
    `<section id="${name}"><h2>${escaped(card.title)}</h2>`,
    card.about,
    await recordingHtml(shown, folder, put),
    '<h3>Work, bytes and time</h3>',
    figuresTable(columns, `Figures of ${name}`),
    '<h3>Accuracy</h3>',
    accuracy.about,
    cardTable(accuracy, `Accuracy of ${name}`),
    '<h3>Data and licences</h3>',
    cardTable(data, `Data of ${name}`, 'prose'),
    `<p>Licence of the weights and the code: ${facts.get('Licence of weights and code')}.</p>`,
    `<p><a href="${fileUrl(`models/zoo/${name}/card.md`)}">The whole card</a>: architecture, training, method of the evaluation, limits.</p>`,
    '</section>',
  ].join('\n');
}

/** @param results section with a table; undefined: the study has a plot */
function studyHtml({ study, results }: (typeof studies)[number], put: Put): string {
  const file = new MarkdownFile(`models/zoo/${study}/README.md`);
  const plot = () => put(`cards/${study}.svg`, readFileSync(new URL(`../../models/zoo/${study}/plot.svg`, import.meta.url)));
  return [
    `<section id="${study}"><h2>${escaped(file.title)}</h2>`,
    '<p>A study of the network of har, without a model of its own.</p>',
    file.section(),
    '<h3>Answers</h3>',
    file.section('Answers'),
    results
      ? cardTable(file.table(results), `Results of ${study}`)
      : `<div class="scroll" tabindex="0" role="group" aria-label="Plot of ${study}"><img loading="lazy" width="900" height="492" src="${plot()}" alt="Accuracy against multiply-adds per hop of 16 placements"></div>`,
    `<p><a href="${fileUrl(`models/zoo/${study}/README.md`)}">The whole study</a>: method, tables, limits. Its data is that of <a href="#har">har</a>.</p>`,
    '</section>',
  ].join('\n');
}

/** Makes an overview with one row per model. */
function overview(models: readonly ZooModel[]): string {
  const rows = models.map(({ folder, entry, bundle }) => [
    `<a href="#${folder}">${entry.name}</a>`,
    escaped(entry.note),
    bundle.manifest.macsPerHop.toLocaleString('en'),
    bundle.wasm.length.toLocaleString('en'),
    bundle.manifest.bytes.memoryBytes.toLocaleString('en'),
  ]);
  const head = ['model', 'answers', 'multiply-adds a hop', 'module, bytes', 'RAM, bytes'];
  return tableHtml(head, rows, { label: 'All models', numeric: (column) => column > 1, classes: 'overview' });
}

/**
 * Makes the page. @param folder holds the files of the page so far. @param entries the page's catalogue.
 * @throws Error if a card lacks a part
 */
export async function cardsPage(
  folder: string,
  models: readonly ZooModel[],
  entries: readonly ModelEntry[],
  put: Put,
): Promise<string> {
  const cards: string[] = [];
  for (const name of new Set(models.map((model) => model.folder))) {
    const own = models.filter((model) => model.folder === name);
    const files = own.map(({ entry }) => entry.file);
    cards.push(await cardHtml({ models: own, entries: entries.filter(({ file }) => files.includes(file)) }, folder, put));
  }
  const body = [
    '<main><header><h1>Models of the zoo</h1>',
    '<p>Each network is a demonstration that you can run, build and train again. Accuracy, data and licences are those of its card. Work and bytes are computed from the module that <a href="./">the page</a> runs. Times on microcontrollers are estimates of <code>runlet fit</code> for the slowest hop of the C form.</p></header>',
    overview(models),
    ...cards,
    ...studies.map((study) => studyHtml(study, put)),
    '</main>',
  ].join('\n');
  return pageHtml('Runlet: models of the zoo', readFileSync(new URL('./cards.css', import.meta.url), 'utf8'), body);
}
