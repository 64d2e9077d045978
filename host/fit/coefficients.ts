/**
 * What was measured once, so that instructions can be told without an emulator: coefficients.json, which `npm
 * run fit:calibrate` writes.
 *
 * Out: per core what segments of compiled code and handlers of WAMR's fast interpreter take, with the tools
 * they were measured with and how far they were off for models that they were not measured on.
 */
import { readFileSync } from 'node:fs';
import type { featureNames } from './segment-keys.ts';

/** Cores whose instructions were counted. */
export type CountedCore = 'rv32' | 'm4' | 'm0';

export interface NativeCosts {
  /**
   * By a function's key the machine instructions that a run of each of its segments takes, where they are not
   * those of `segments`.
   */
  functions: Record<string, (number | null)[]>;
  /** By a segment's contexts (segment-keys.ts): the widest that is there holds. */
  segments: Record<string, number>;
  /** Shape (shapeOf its features) and cost of larger segments, for what is like them. */
  similar: string[];
  /** By feature, for what is like nothing. */
  features: Record<(typeof featureNames)[number], number>;
  /** Bytes of machine code a byte of a module's code section. */
  codeTimes: number;
}

export interface Checked {
  models: number;
  /** Of them, those within 2 % of QEMU's count. */
  within: number;
  /** The largest difference from QEMU's count, percent, and of which model. */
  worst: number;
  worstModel: string;
}

export interface Coefficients {
  tools: Record<string, string>;
  native: Record<CountedCore, NativeCosts>;
  /** Handlers of WAMR's fast interpreter, and `call of rn_push`. */
  wamrFast: Record<CountedCore, Record<string, number>>;
  calibratedWith: number;
  /** By `native rv32` and so on. */
  checked: Record<string, Checked>;
}

let read: Coefficients | undefined;

export function coefficients(): Coefficients {
  read ??= JSON.parse(readFileSync(new URL('./coefficients.json', import.meta.url), 'utf8')) as Coefficients;
  return read;
}
