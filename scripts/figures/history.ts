/**
 * The measured figures of a release: docs/performance/<version>.json. docs/performance.md describes the
 * format.
 *
 * In: the version in package.json.  Out: its tables, each with machine, versions and command.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measured } from '../../host/bench/compare.ts';
import type { TimesFigures } from '../../host/bench/times.ts';
import type { MicroFigures } from '../../test/bare/models.ts';
import type { ChromiumRun } from '../../test/bench/chromium.ts';
import type { Start } from '../../test/bench/start.ts';
import { root } from '../../test/shared.ts';
import type { Row } from '../bench-peers.ts';
import type { Line } from '../scaling-plot.ts';
import type { Machine } from './machine.ts';

export interface BareFigures {
  name: string;
  hop: number;
  code: number;
  constants: number;
  ram: number;
  stack: number;
  instructions: number;
  /** TensorFlow Lite Micro on the same model. */
  micro: MicroFigures;
}

export interface WamrFigures {
  name: string;
  hop: number;
  rows: { kernels: string; medianUs: number; p5Us: number; p95Us: number; most?: number; poolBytes?: number }[];
}

/** Figures of gateway:load for one model. */
export interface GatewayFigures {
  model: string;
  streams: number;
  /** Values of each run, as in the following fields. */
  streamsACore: number[];
  p50: number[];
  p99: number[];
  rssAfterBytes: number[];
}

/** Figures of each table. */
export interface Figures {
  hop: TimesFigures[];
  /** By network and hop (N1:64): engines, Runlet's hop first. */
  node: Record<string, Row[]>;
  /** By network and hop; also a step of okay_nabu. */
  chromium: Record<string, ChromiumRun>;
  start: Record<string, Start[]>;
  cores: (Measured & { name: string })[];
  bare: BareFigures[];
  wamr: WamrFigures[];
  bytes: { name: string; hop: number; rows: ({ target: string } & Record<string, number | string>)[] }[];
  scaling: Line[];
  gateway: GatewayFigures[];
}
export type TableName = keyof Figures;

export interface Measurement<F> {
  date: string;
  command: string;
  /** Number of rounds; absent if the figures are exactly repeatable. */
  rounds?: number;
  machine: Machine;
  /** Versions of engines and tools that the figures do not name. */
  versions: Record<string, string>;
  figures: F;
}

export interface History {
  version: string;
  tables: { [K in TableName]?: Measurement<Figures[K]> };
}

/** Returns a table. @throws Error if it was not measured */
export type Get = <K extends TableName>(name: K) => Measurement<Figures[K]>;

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
export const historyFile = `docs/performance/${version}.json`;

export function readHistory(): History {
  const path = join(root, historyFile);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as History) : { version, tables: {} };
}

/** Rounds to five digits, which is more than the accuracy of a measurement. */
const rounded = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;

export const writeHistory = (history: History): void =>
  writeFileSync(join(root, historyFile), `${JSON.stringify(history, rounded, 1)}\n`);
