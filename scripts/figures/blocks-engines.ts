/**
 * Blocks of figures that compare engines: in Node, in Chromium, time to the first output, the README's table.
 */
import { maxOf } from '../../models/lists.ts';
import type { BareFigures, Get } from './history.ts';
import { decimal, range, rangeOf, spread, table, whole } from './markdown.ts';

interface Timed {
  name: string;
  medianUs: number;
  p5Us: number;
  p95Us: number;
}

const ours = 'Runlet simd, a hop';
const hopUs = (rows: readonly Timed[]): number => rows.find(({ name }) => name === ours)?.medianUs ?? Number.NaN;
const title = (item: string): string => item.replace(':', ', hop ');

/** Returns a table with a row per engine and a column per network and hop; `more` makes further cells. */
function engines<R extends Timed>(items: [item: string, rows: R[]][], head: string[], more: (rows: R[]) => string[]): string {
  const names = items[0]?.[1].map(({ name }) => name) ?? [];
  const rows = names.map((name) => {
    const found = items.map(([, rows]) => rows.find((row) => row.name === name));
    const cells = items.map(([, all], i) => {
      const row = found[i];
      return row ? `${spread(row)}: ${(row.medianUs / hopUs(all)).toFixed(1)}` : '';
    });
    return [name, ...cells, ...more(found.filter((row) => row !== undefined))];
  });
  return table(['engine', ...items.map(([item]) => title(item)), ...head], rows);
}

function node(get: Get): string {
  const off = (rows: { off?: number }[]) => [`${(100 * maxOf(rows.map((row) => row.off ?? 0))).toFixed(1)} %`];
  return engines(Object.entries(get('node').figures), ['off'], off);
}

function chromium(get: Get): string {
  const all = Object.entries(get('chromium').figures);
  const items = all.flatMap(([item, { rows }]) => (item.includes(':') ? [[item, rows] as [string, typeof rows]] : []));
  const text = engines(items, ['steps off', 'first output, ms'], (rows) => {
    const ms = rows.map(({ startMs }) => startMs);
    return [`${maxOf(rows.map(({ steps }) => steps))}`, rangeOf(ms)];
  });
  const [first, other] = get('chromium').figures.okay_nabu?.rows ?? [];
  if (!first || !other) return text;
  const times = (other.medianUs / first.medianUs).toFixed(0);
  return `${text}\n\nA step of okay_nabu: ${spread(first)} us in Runlet, ${spread(other)} us in ${other.name}, ${times} times as long.`;
}

function start(get: Get): string {
  const rows = Object.entries(get('start').figures).flatMap(([item, engines]) =>
    engines.map(({ name, medianMs, minMs, maxMs }) => [
      title(item),
      name,
      `${decimal(medianMs)} (${range(minMs, maxMs)})`,
      (medianMs / (engines[0]?.medianMs ?? Number.NaN)).toFixed(1),
    ]),
  );
  return table(['network', 'engine', 'ms: median (least .. most)', 'times ours'], rows);
}

/** Cells without a measurement. */
const [noNode, noEngine, no] = ['no Node engine', 'no engine there', 'not measured'];

function compared(get: Get): string {
  const inNode = get('node').figures['N1:64'] ?? [];
  const inChromium = get('chromium').figures['N1:64']?.rows ?? [];
  const starts = get('start').figures['N1:64'] ?? [];
  const nabu = get('bare').figures.find(({ name }) => name === 'okay_nabu') as BareFigures;
  const one = (rows: readonly Timed[]) => `1: ${spread(rows[0] as Timed)} us`;
  const times = (rows: readonly Timed[], engine: RegExp) =>
    ((rows.find(({ name }) => engine.test(name))?.medianUs ?? Number.NaN) / hopUs(rows)).toFixed(1);
  const web = `${times(inNode, /^onnxruntime-web, float/)} float, ${times(inNode, /^onnxruntime-web, int8/)} int8`;
  const litert = `${times(inChromium, /^LiteRT.*relaxed SIMD$/)} relaxed SIMD, ${times(inChromium, /^LiteRT.*compatible$/)} compatible`;
  const ms = (engine: string) => {
    const found = starts.find(({ name }) => name === engine);
    return found ? `${decimal(found.medianMs)} (${range(found.minMs, found.maxMs)})` : no;
  };
  const bare = (title: string, ours: number, theirs: string) => [title, whole(ours), theirs, noEngine, noEngine, no, no];
  const { micro } = nabu;
  const does = ['new rows', "the window, or a model's own step", 'the window', 'the window'];
  return table(
    ['', 'Runlet', 'TensorFlow Lite Micro', 'ONNX Runtime Web', 'LiteRT.js', 'tract', 'Edge Impulse'],
    [
      ['computes for an answer', ...does, 'new rows, for models it can pulse', 'new features, then the window'],
      ['N1 in Node, times our hop', one(inNode), noNode, web, noNode, no, no],
      ['N1 in Chromium, times our hop', one(inChromium), 'no browser engine', no, litert, no, no],
      ['N1, file to first answer in Node, ms', ms('Runlet simd'), noNode, ms('onnxruntime-web, float'), noNode, no, no],
      bare('okay_nabu on Cortex-M4, flash, bytes', nabu.code + nabu.constants, whole(micro.code[1] + micro.model)),
      bare('the same, RAM, bytes', nabu.ram + nabu.stack, `${whole(micro.arena[1])}, and the model's variables`),
      bare('the same, instructions a step', nabu.instructions, whole(micro.instructions[1])),
    ],
  );
}

export const engineBlocks = { node, chromium, start, compared };
