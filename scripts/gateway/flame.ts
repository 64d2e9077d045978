/**
 * Draws a flame graph: the functions in which a program spends its time, and their callers.
 *
 * In: V8's profiles of threads.  Out: SVG; it follows the reader's light or dark colour scheme. The width of
 * a box is the time of a function and of everything that it calls; its caller is the box above. Idle time
 * does not count. Boxes below 1/200 of the whole are left out.
 */
import { colour, standalone } from '../../host/report/design/palette.ts';

export interface Profile {
  thread: string;
  nodes: { id: number; callFrame: { functionName: string; url: string }; children?: number[] }[];
  samples: number[];
  /** Microseconds. */
  timeDeltas: number[];
}

interface Box {
  name: string;
  /** Time in microseconds, including the boxes below. */
  us: number;
  below: Map<string, Box>;
}

const [width, rowHeight, top] = [1150, 18, 34];
const smallestShare = 1 / 200;
/** Approximate width of a letter. */
const letterWidth = 6.2;

/** Returns the name of a function in the graph; undefined for functions that only forward a call. */
function nameOf({ functionName, url }: Profile['nodes'][number]['callFrame']): string | undefined {
  if (functionName === '(root)' || functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collector';
  if (functionName === '(program)') return 'engine';
  if (url.startsWith('wasm:') || functionName.startsWith('wasm-')) return 'the module';
  if (functionName.includes('ToWasm') || functionName.includes('to-wasm')) return undefined;
  const file =
    url
      .split('/')
      .pop()
      ?.replace(/\.[cm]?js$/, '') ?? '';
  if (url.startsWith('node:')) return 'Node';
  if (file === 'session.min') return 'session';
  return [file, functionName].filter(Boolean).join(' ') || undefined;
}

/** Adds a profile's time to a tree. A call to a function of the same name stays in the same box. */
function add(into: Box, { nodes, samples, timeDeltas }: Profile): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map<number, number>();
  for (const [i, id] of samples.entries()) times.set(id, (times.get(id) ?? 0) + (timeDeltas[i] ?? 0));
  const visit = (id: number, box: Box, above: readonly Box[]): void => {
    const node = byId.get(id);
    if (!node) return;
    const name = nameOf(node.callFrame);
    let at = box;
    let path = above;
    if (name !== undefined && name !== box.name) {
      at = box.below.get(name) ?? { name, us: 0, below: new Map() };
      box.below.set(name, at);
      path = [...above, at];
    }
    if (node.callFrame.functionName !== '(idle)') for (const one of path) one.us += times.get(id) ?? 0;
    for (const child of node.children ?? []) visit(child, at, path);
  };
  visit(nodes[0]?.id ?? 0, into, [into]);
}

const fills = { module: colour('series-1'), other: colour('series-0') };
const text = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export function flameGraph(profiles: readonly Profile[], title: string): string {
  const threads = new Map<string, Box>();
  for (const profile of profiles) {
    const box = threads.get(profile.thread) ?? { name: profile.thread, us: 0, below: new Map() };
    threads.set(profile.thread, box);
    add(box, profile);
  }
  const whole = [...threads.values()].reduce((sum, { us }) => sum + us, 0);
  const lines: string[] = [];
  let depth = 0;
  const draw = ({ name, us, below }: Box, x: number, row: number): void => {
    const w = (us / whole) * width;
    if (us / whole < smallestShare) return;
    depth = Math.max(depth, row);
    const y = top + row * rowHeight;
    const percent = `${((100 * us) / whole).toFixed(1)} %`;
    const label = `${name} ${percent}`;
    const letters = Math.floor((w - 6) / letterWidth);
    const short = label.length <= letters ? label : letters < 4 ? '' : `${name.slice(0, letters - 1)}\u2026`;
    const fill = name === 'the module' || name === 'session' ? fills.module : fills.other;
    lines.push(
      `<g><title>${text(name)}: ${percent}</title><rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.5, w - 1).toFixed(1)}" height="${rowHeight - 1}" fill="${fill}" fill-opacity="${row % 2 ? 0.28 : 0.4}"/>`,
      `<text x="${(x + 3).toFixed(1)}" y="${y + 13}" font-family="sans-serif" font-size="11" fill="var(--ink)">${text(short)}</text></g>`,
    );
    let at = x;
    for (const box of [...below.values()].sort((a, b) => b.us - a.us)) {
      draw(box, at, row + 1);
      at += (box.us / whole) * width;
    }
  };
  let at = 0;
  for (const box of threads.values()) {
    draw(box, at, 0);
    at += (box.us / whole) * width;
  }
  const height = top + (depth + 1) * rowHeight + 6;
  return standalone(
    [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
      '<rect width="100%" height="100%" fill="var(--paper)"/>',
      `<text x="6" y="20" font-family="sans-serif" font-size="14" fill="var(--ink)">${text(title)}</text>`,
      ...lines,
      '</svg>\n',
    ].join('\n'),
  );
}
