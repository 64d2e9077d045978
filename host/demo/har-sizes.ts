/**
 * What an answer of each size of har costs: work, bytes of the module, and flash, RAM and time on two boards.
 *
 * In: the name of a network of models/zoo/har.  Out: cells of a table. Times are the estimates of `runlet fit
 * --no-measure` for the worst hop.
 */
import { boards } from '../fit/boards.ts';
import { examine } from '../fit/examine.ts';
import type { Cell } from '../report/table.ts';
import { hop } from './har-recordings.ts';
import { openInt8, readFloat, toInt8, zooArray } from './zoo.ts';

/** Boards, with the target whose default engine they run: C, and WAMR's fast interpreter. */
const places = [
  ['nrf52840', 'native'],
  ['esp32s3', 'interp'],
] as const;

export const costHead = [
  ...['parameters, folded', 'multiply-adds a hop', 'module bytes', 'memory bytes'],
  ...places.flatMap(([board]) => ['flash', 'RAM', 'ms'].map((what) => `${board} ${what}`)),
];

export async function costOf(name: string): Promise<Cell[]> {
  const graph = await readFloat('har', `${name}.onnx`);
  const int8 = toInt8(graph, hop, zooArray('har', 'calib-watch.npy').data as Float32Array);
  const built = async (target: 'native' | 'interp') => (await openInt8(int8, { hop }, { target, sampleRateHz: 50 })).bundle;
  const { wasm, manifest } = await built('interp');
  const parameters = graph.nodes.reduce((sum, { attrs }) => {
    if (!('weights' in attrs)) return sum;
    return sum + attrs.weights.data.length + (attrs.bias?.length ?? 0);
  }, 0);
  const cells: Cell[] = [parameters, manifest.macsPerHop, wasm.length, manifest.bytes.memoryBytes];
  for (const [id, target] of places) {
    const board = boards[id] as (typeof boards)[string];
    const { figures } = await examine(await built(target), name, board, { measure: false });
    cells.push(figures.flash.needs, figures.ram.needs, figures.ms.worst.toFixed(2));
  }
  return cells;
}
