/**
 * Reads the cards of the zoo: what a page shows of them is written only there.
 *
 * In: a card.md.  Out: its title, its first paragraph, the rows of its first table, the table of its data,
 * and the first table of its accuracy. Cells and paragraphs are HTML; relative links lead to the repository.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import MarkdownIt from 'markdown-it';
import { root } from '../../test/shared.ts';

type Token = ReturnType<MarkdownIt['parse']>[number];

export interface Table {
  /** Plain text. */
  head: string[];
  /** HTML of the cells. */
  rows: string[][];
}

export interface Card {
  title: string;
  about: string;
  /** Rows of the first table, by the text of their first cell. */
  facts: Map<string, string>;
  data: Table;
  accuracy: Table & { about: string };
}

const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { repository: { url: string } };
const filesUrl = `${repository.url.replace(/^git\+|\.git$/g, '')}/blob/HEAD`;

/** Address of a file of the repository. @param path from its root */
export const fileUrl = (path: string): string => `${filesUrl}/${path}`;

/** Parts of a Markdown file. @param path from the root of the repository */
export class MarkdownFile {
  #md = new MarkdownIt({ html: false });
  #tokens: Token[];
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    this.#md.renderer.rules.link_open = (tokens, i, options, _, self) => {
      const href = tokens[i]?.attrGet('href') ?? '';
      if (!/^[a-z]+:/i.test(href)) tokens[i]?.attrSet('href', fileUrl(posix.join(posix.dirname(path), href)));
      return self.renderToken(tokens, i, options);
    };
    this.#tokens = this.#md.parse(readFileSync(join(root, path), 'utf8'), {});
  }

  #html(tokens: Token[]): string {
    return this.#md.renderer.render(tokens, this.#md.options, {}).trim();
  }

  get title(): string {
    return this.#tokens[this.#indexOf('heading_open', 0) + 1]?.content ?? '';
  }

  #indexOf(type: string, from: number): number {
    const found = this.#tokens.findIndex((token, i) => i >= from && token.type === type);
    if (found < 0) throw new Error(`${this.path}: there is no ${type.replace('_open', '')} after token ${from}`);
    return found;
  }

  /** Index of the first token below a heading. @param heading undefined: the title */
  #below(heading: string | undefined): number {
    if (heading === undefined) return this.#indexOf('heading_close', 0) + 1;
    const found = this.#tokens.findIndex(({ type }, i) => type === 'heading_open' && this.#tokens[i + 1]?.content === heading);
    if (found < 0) throw new Error(`${this.path}: there is no section ${heading}`);
    return found + 3;
  }

  /** HTML from a heading to the next one. */
  section(heading?: string): string {
    const from = this.#below(heading);
    return this.#html(this.#tokens.slice(from, this.#indexOf('heading_open', from)));
  }

  /** HTML of the first paragraph below a heading. */
  paragraph(heading?: string): string {
    const from = this.#indexOf('paragraph_open', this.#below(heading));
    return this.#html(this.#tokens.slice(from, from + 3));
  }

  /** The first table below a heading, and the paragraph before it. */
  table(heading?: string): Table & { about: string } {
    const from = this.#indexOf('table_open', this.#below(heading));
    const tokens = this.#tokens.slice(from, this.#indexOf('table_close', from));
    const lines: string[][] = [];
    for (const token of tokens) {
      if (token.type === 'tr_open') lines.push([]);
      if (token.type === 'inline') lines.at(-1)?.push(this.#html([token]));
    }
    const [head = [], ...rows] = lines;
    const before = this.#tokens.slice(from - 3, from);
    return { head, rows, about: before[0]?.type === 'paragraph_open' ? this.#html(before) : '' };
  }
}

/** Reads the card of a folder of the zoo. @throws Error if a part is missing */
export function readCard(folder: string): Card {
  const file = new MarkdownFile(`models/zoo/${folder}/card.md`);
  return {
    title: file.title,
    about: file.paragraph(),
    facts: new Map(file.table().rows.map(([name = '', text = '']) => [name, text])),
    data: file.table('Training data'),
    accuracy: file.table('Accuracy'),
  };
}
