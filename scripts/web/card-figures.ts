/**
 * Figures of the models of the zoo for their cards: work, bytes, and what a microcontroller needs.
 *
 * In: a built model.  Out: names and texts, the same names for every model. Work and bytes are those of the
 * bundle's manifest and of the C form. Times are estimates of `runlet fit --engine c`. A sound model has its
 * front end in the C form, so that it takes samples.
 */
import { build } from '../../assembly/build.ts';
import { buildC } from '../../assembly/c/build-c.ts';
import { bytesText } from '../../host/bytes-text.ts';
import { frontEndOf, listens } from '../../host/cli/listening-models.ts';
import { type Board, boards } from '../../host/fit/boards.ts';
import { countHops } from '../../host/fit/counts.ts';
import { estimate, rateOf } from '../../host/fit/estimate.ts';
import { secondsText, whole } from '../../host/web/text.ts';
import type { ZooModel } from './zoo.ts';

export type Figures = [name: string, text: string][];

/** Boards of the cards: a Cortex-M4 and an ESP32. */
const shownBoards = ['nrf52840', 'esp32s3'].map((id) => boards[id] as Board);

/** Formats a share of the time between two outputs. */
const shareText = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** Figures of the bundle. */
export function bundleFigures({ bundle: { wasm, manifest } }: ZooModel): Figures {
  const { window, hop, macsPerHop, macsPerWindow, bytes } = manifest;
  const rateHz = rateOf(manifest);
  const inSeconds = (frames: number) => `${whole(frames)} frames${rateHz ? `, ${secondsText(frames / rateHz)}` : ''}`;
  return [
    ['window', inSeconds(window)],
    ['hop', inSeconds(hop)],
    ['multiply-adds per hop', whole(macsPerHop)],
    ['multiply-adds per window', `${whole(macsPerWindow)}, ${(macsPerWindow / macsPerHop).toFixed(1)} times as many`],
    ['module', bytesText(wasm.length)],
    ['weights and tables in it', bytesText(bytes.weightBytes + bytes.tableBytes)],
    ['RAM of the module', `${bytesText(bytes.memoryBytes)}, with ${bytesText(bytes.stateBytes)} of state`],
  ];
}

/** Figures of the C form on a microcontroller. */
export async function deviceFigures({ quant, bundle, options }: ZooModel): Promise<Figures> {
  const frontEnd = listens(bundle.manifest) ? await frontEndOf(bundle.manifest, {}) : undefined;
  const native = await build(quant, { ...options, target: 'native', ...(frontEnd && { frontEnd }) });
  const { flashBytes, ramBytes } = await buildC(quant, native.manifest, frontEnd && { frontEnd });
  const subject = { wasm: native.wasm, manifest: native.manifest, counts: await countHops(native), apart: 0 };
  return [
    ['C: constants in flash', bytesText(flashBytes)],
    ['C: RAM', bytesText(ramBytes)],
    ...shownBoards.map((board): Figures[number] => {
      const { ms, budget } = estimate(subject, board, 'c');
      const share = budget ? `, ${shareText(budget.worst)} of the time` : '';
      return [`a hop on ${board.name}, ${board.hz / 1e6} MHz`, `${secondsText(ms.worst / 1000)}${share}`];
    }),
  ];
}
