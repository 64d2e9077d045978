/**
 * Draws the pictures of docs/explanations/streaming.md: `npm run figure:docs` writes them to docs/images.
 *
 * In: nothing.  Out: SVG by file name. The text is the same in every run; a test compares it with the files.
 * Colours follow the reader's colour scheme. The pictures are computed: kernel, stride and padding of a small
 * network determine which row reads which.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** State of a row at a hop. */
type Kind = 'new' | 'kept' | 'edge' | 'zero' | 'earlier' | 'plain' | 'dropped';

interface Row {
  /** Column of the row's left end, in frames of the input. */
  at: number;
  /** Width of the row in the picture, in frames of the input. */
  span: number;
  kind: Kind;
}

interface Lane {
  name: string;
  rows: Row[];
}

/** The pictures are narrow, for phones; names and notes are above their rows. */
const cell = 18;
const laneHeight = 48;
const top = 24;
const margin = 3;
const width = 450;

const style = `<style>
text{font:13px system-ui,sans-serif;fill:#1f2933}
.small{font-size:12px;fill:#52606d}
.frame{fill:none;stroke:#1f2933;stroke-width:1.5}
.line{stroke:#52606d;stroke-width:1;fill:none}
.mark{fill:#1f2933}
rect.new{fill:#2f6fde;stroke:#2f6fde}
rect.kept{fill:#c5d4ea;stroke:#7b93b5}
rect.edge{fill:#e8963a;stroke:#b96f1b}
rect.zero{fill:none;stroke:#7b8794;stroke-dasharray:3 2}
rect.earlier{fill:#8fc7a2;stroke:#4e8f66}
rect.plain{fill:#e4e7eb;stroke:#9aa5b1}
rect.dropped{fill:none;stroke:#cbd2d9}
@media (prefers-color-scheme:dark){
text{fill:#e4e7eb}.small{fill:#9aa5b1}
.frame{stroke:#e4e7eb}.line{stroke:#9aa5b1}.mark{fill:#e4e7eb}
rect.new{fill:#5b93f5;stroke:#5b93f5}
rect.kept{fill:#33465f;stroke:#6c86a8}
rect.edge{fill:#d5802a;stroke:#f0a95a}
rect.earlier{fill:#3c7552;stroke:#74b48e}
rect.plain{fill:#3e4c59;stroke:#7b8794}
rect.dropped{stroke:#3e4c59}
}
</style>`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const x = (frame: number): number => margin + cell * frame;
const y = (lane: number): number => top + laneHeight * lane;

function svg(height: number, title: string, parts: string[]): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const open = `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${escaped(title)}">`;
  return `${[open, style, ...parts, '</svg>'].join('\n')}\n`;
}

const text = (left: number, baseline: number, words: string, kind = ''): string =>
  `<text x="${left}" y="${baseline}"${kind && ` class="${kind}"`}>${escaped(words)}</text>`;

const rect = (kind: Kind, left: number, upper: number, across: number): string =>
  `<rect class="${kind}" x="${left + 1.5}" y="${upper}" width="${across - 3}" height="18" rx="3"/>`;

function laneParts({ name, rows }: Lane, index: number): string[] {
  return [text(margin, y(index) - 8, name), ...rows.map(({ at, span, kind }) => rect(kind, x(at), y(index), cell * span))];
}

const kinds: Record<Kind, string> = {
  new: 'computed at this hop',
  kept: 'kept from earlier hops',
  edge: 'at the edge: computed again',
  zero: 'zero, as padding',
  earlier: 'real earlier signal',
  plain: 'signal',
  dropped: 'of earlier windows',
};

/** Draws a legend in two columns. */
function legend(used: Kind[], upper: number): string[] {
  return used.flatMap((kind, i) => entry(kind, kinds[kind], 225 * (i % 2), upper + 25 * Math.floor(i / 2)));
}

const entry = (kind: Kind, words: string, left: number, upper: number): string[] => [
  rect(kind, margin + left, upper, cell),
  text(margin + left + cell + 5, upper + 14, words),
];

/** Draws a bracket above a range of frames. */
const bracket = (from: number, to: number, words: string): string[] => [
  `<path class="line" d="M${x(from) + 2} ${top - 2}v-4H${x(to) - 2}v4"/>`,
  text(x(from) + 4, top - 10, words, 'small'),
];

interface Layer {
  kernel: number;
  /** Number of padding rows on the left. */
  padding: number;
}

/** Two convolutions of kernel 3 with causal padding of 2 and stride 1. They show how edges grow. */
const layers: Layer[] = [
  { kernel: 3, padding: 2 },
  { kernel: 3, padding: 2 },
];
const window = 16;
const hop = 4;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Returns the number of rows of a layer's window whose receptive field touches the zeros before it. */
const touched = (layer: number): number => layers.slice(0, layer).reduce((sum, { padding }) => sum + padding, 0);

const names = ['signal', 'layer 1', 'layer 2'];

/** Draws the windows of three hops over one signal. */
function windows(): string {
  const parts: string[] = [];
  for (const n of range(3)) {
    const start = hop * n;
    const rows: Row[] = range(window + 2 * hop).map((at) => ({
      at,
      span: 1,
      kind: at < start || at >= start + window ? 'dropped' : n > 0 && at < start + window - hop ? 'kept' : 'new',
    }));
    parts.push(...laneParts({ name: `window ${n}`, rows }, n));
    parts.push(`<rect class="frame" x="${x(start) - 1}" y="${y(n) - 4}" width="${cell * window + 2}" height="26" rx="5"/>`);
  }
  parts.push(...bracket(window, window + hop, 'one hop'));
  const below = y(3) - 14;
  parts.push(...entry('new', 'new since the window before', 0, below), ...entry('kept', 'was in the window before', 225, below));
  return svg(below + 24, 'Three windows over one signal, each one hop further', parts);
}

/** Draws the receptive field of one row. */
function field(): string {
  const row = 12;
  const lanes = range(3).map((depth): Lane => {
    const back = layers.slice(depth).reduce((sum, { kernel }) => sum + kernel - 1, 0);
    const rows = range(window).map((at): Row => ({ at, span: 1, kind: at <= row && at >= row - back ? 'new' : 'plain' }));
    return { name: names[depth] as string, rows };
  });
  const parts = lanes.flatMap(laneParts);
  const lines = layers.flatMap(({ kernel }, i) => {
    const [from, to] = [x(row) + cell / 2, y(i + 1)];
    return range(kernel).map((k) => `<path class="line" d="M${x(row - k) + cell / 2} ${y(i) + 18}L${from} ${to}"/>`);
  });
  const reach = layers.reduce((sum, { kernel }) => sum + kernel - 1, 1);
  parts.push(...lines, ...bracket(row - reach + 1, row + 1, `receptive field: ${reach} frames`));
  return svg(y(3) - 22, 'One row of the second layer and the five frames of signal that it depends on', parts);
}

type RowKind = (depth: number, row: number) => Kind;

/** Draws one window through the layers at a hop, with the rows before it (`front`). */
function through(title: string, front: Kind | undefined, kindOf: RowKind, used: Kind[], note: (depth: number) => string): string {
  const lead = 4;
  const parts: string[] = [];
  for (const depth of range(3)) {
    const before = front && depth < 2 ? range(2).map((i): Row => ({ at: lead - 2 + i, span: 1, kind: front })) : [];
    const rows = range(window).map((i): Row => ({ at: lead + i, span: 1, kind: kindOf(depth, i) }));
    parts.push(...laneParts({ name: names[depth] as string, rows: [...before, ...rows] }, depth));
    const end = x(lead + window);
    parts.push(`<text class="small" text-anchor="end" x="${end}" y="${y(depth) - 8}">${note(depth)}</text>`);
  }
  parts.push(...bracket(lead, lead + window, `window: ${window} frames`));
  const below = y(3) - 14;
  parts.push(...legend(used, below));
  return svg(below + 25 * Math.ceil(used.length / 2), title, parts);
}

const rowsNote =
  (kindOf: RowKind) =>
  (depth: number): string => {
    const computed = range(window).filter((i) => ['new', 'edge'].includes(kindOf(depth, i))).length;
    return depth === 0 ? `${hop} new frames` : `${computed} of ${window} computed`;
  };

const isNew = (row: number): boolean => row >= window - hop;

/** Returns all pictures by file name. */
export function figures(): Record<string, string> {
  const all: RowKind = (depth) => (depth === 0 ? 'plain' : 'new');
  const naive: RowKind = (depth, row) => (isNew(row) ? 'new' : depth === 0 ? 'plain' : 'kept');
  const exact: RowKind = (depth, row) => (depth > 0 && row < touched(depth) ? 'edge' : naive(depth, row));
  return {
    'streaming-windows.svg': windows(),
    'streaming-field.svg': field(),
    'streaming-whole.svg': through('The whole window is computed', 'zero', all, ['plain', 'zero', 'new'], rowsNote(all)),
    'streaming-edges.svg': through(
      'edge-exact: new rows and rows at the edge are computed',
      'zero',
      exact,
      ['new', 'kept', 'edge', 'zero'],
      rowsNote(exact),
    ),
    'streaming-history.svg': through(
      'stream: only new rows are computed, real signal stands in place of zeros',
      'earlier',
      naive,
      ['new', 'kept', 'earlier', 'plain'],
      rowsNote(naive),
    ),
    'streaming-stride.svg': stride(),
  };
}

/** Draws pools of 2 at a hop that is a multiple of 2, and at one that is not. */
function stride(): string {
  const parts: string[] = [];
  const pooled = (offset: number, name: string, lane: number, kind: (at: number) => Kind) => {
    const rows = range(8).map((i): Row => ({ at: offset + 2 * i, span: 2, kind: kind(offset + 2 * i) }));
    parts.push(...laneParts({ name, rows }, lane));
  };
  const signal = range(20).map((at): Row => ({ at, span: 1, kind: 'plain' }));
  parts.push(...laneParts({ name: 'signal', rows: signal }, 0));
  pooled(0, 'pool of 2', 1, () => 'kept');
  pooled(4, 'hop 4', 2, (at) => (at < 16 ? 'kept' : 'new'));
  pooled(3, 'hop 3', 3, () => 'new');
  const below = y(4) - 14;
  parts.push(...entry('kept', 'rows that lie on one grid: they can be kept', 0, below));
  parts.push(...entry('new', 'rows that are new, or lie between those', 0, below + 25));
  const title = 'Rows of a pool at hop 4 lie on the rows of the window before, at hop 3 between them';
  return svg(below + 50, title, parts);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  for (const [name, drawn] of Object.entries(figures()))
    writeFileSync(join(import.meta.dirname, '../../docs/images', name), drawn);
