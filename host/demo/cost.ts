/**
 * Formats the cost of a bundle for the end of a demo.
 *
 * In: a bundle's figures.  Out: [name, text] of its work, its file and its memory.
 */

import { bytesText } from '../bytes-text.ts';
import type { bundleFacts } from '../command/bundle-facts.ts';

type Facts = ReturnType<typeof bundleFacts>;
type Line = [name: string, text: string];

const count = (n: number) => n.toLocaleString('en');

export const workLine = ({ macsPerHop, macsPerWindow }: Facts): Line => [
  'work saved',
  `${count(macsPerHop)} instead of ${count(macsPerWindow)} multiply-adds per answer: ${(macsPerWindow / macsPerHop).toFixed(2)} times less`,
];

export const byteLines = (f: Facts): Line[] => [
  [
    'file',
    `${bytesText(f.fileBytes)}: code ${bytesText(f.codeBytes)}, weights ${bytesText(f.weightBytes)}, tables ${bytesText(f.tableBytes)}, manifest ${bytesText(f.manifestBytes)}`,
  ],
  [
    'memory',
    `${count(f.memoryBytes)} bytes, fixed: weights and tables ${count(f.weightBytes + f.tableBytes)}, state ${f.stateBytes}, scratch ${f.scratchBytes}, io and padding ${f.ioBytes + f.paddingBytes}`,
  ],
];
