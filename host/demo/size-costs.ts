/**
 * What an answer of a network of the zoo costs: work, bytes of the module, and flash, RAM and time on two
 * boards.
 *
 * In: a network of models/zoo, its rows for calibration, its hop and rate.  Out: cells of a table. Times are
 * the estimates of `runlet fit --no-measure` for the worst hop.
 */
import { boards } from '../fit/boards.ts';
import { examine } from '../fit/examine.ts';
import type { Cell } from '../report/table.ts';
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

export interface Network {
  model: string;
  name: string;
  calibration: string;
  hop: number;
  rateHz: number;
}

export async function costOf({ model, name, calibration, hop, rateHz }: Network): Promise<Cell[]> {
  const graph = await readFloat(model, `${name}.onnx`);
  const int8 = toInt8(graph, hop, zooArray(model, calibration).data as Float32Array);
  const built = async (target: 'native' | 'interp') => (await openInt8(int8, { hop }, { target, sampleRateHz: rateHz })).bundle;
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
