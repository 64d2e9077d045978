/**
 * Estimates whether a bundle fits a board: flash, RAM, instructions and time of a hop.
 *
 * In: a bundle, counted hops (host/fit/counts.ts), QEMU's count if there is one, a board, an engine, frames
 * per second if known.  Out: figures, each with its parts. Formulas: time of a hop = instructions * cycles
 * per instruction / clock; budget = hop / rate; RAM = linear memory + pool + the file if the engine holds it.
 */

import { sectionBytes } from '../../assembly/bundle/bytes.ts';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import type { ScalarTarget } from '../../assembly/emit/target.ts';
import { maxOf } from '../../models/lists.ts';
import type { Counted } from '../bench/count.ts';
import { type Board, type CoreModel, coreModels } from './boards.ts';
import { type Checked, coefficients, type NativeCosts } from './coefficients.ts';
import type { HopCounts } from './counts.ts';
import { type Engine, type EngineName, engines } from './engines.ts';
import { executedIn, nativeCount } from './native-count.ts';
import { pagePadding, ramOf } from './ram.ts';
import { wamrCount } from './wamr-count.ts';

/** Bytes needed in total and by part, and bytes available (`has`). */
export interface Bytes {
  needs: number;
  has: number;
  parts: Record<string, number>;
}

export interface Instructions {
  mean: number;
  /** Instructions of the worst hop. */
  most: number;
  /** `counted`: by QEMU, compiled for the core; `estimated`: from the module's own instructions. */
  from: 'estimated' | 'counted';
  /** Versions of compiler, wasm2c and QEMU, if counted. */
  tools?: string;
  /** Why compiled code was not counted, and how to count it. */
  notCounted?: string;
  /** Range of `most`, if estimated; undefined for engines whose factor was not checked with any model. */
  range?: { low: number; high: number };
  /** Compiled code: the coefficients of the estimate, and their spread. */
  costs?: NativeCosts;
  /** Interpreters: share of the instructions that is in measured handlers. */
  known?: number;
  /** Interpreters: error of the estimate for the models that it was checked with. */
  checked?: Checked;
}

/**
 * Relative half-width of the range of an interpreter's estimate. A choice: measured errors are below 3 %
 * (docs/fit.md), and 10 % matters less than the uncertainty of the cycles per instruction.
 */
export const interpreterWithin = 0.1;

export interface Estimate {
  engine: EngineName;
  flash: Bytes;
  ram: Bytes;
  instructions: Instructions;
  /** `low` and `high`: range of the worst hop, if the instructions are a range. */
  ms: { mean: number; worst: number; low?: number; high?: number };
  /** If the rate is known: milliseconds between two hops, and the shares of the worst and the mean hop. */
  budget?: { ms: number; worst: number; mean: number };
  fits: { flash: boolean; ram: boolean; time?: boolean };
}

export interface Subject {
  wasm: Uint8Array;
  manifest: Manifest;
  counts: HopCounts;
  /** Bytes of weights in a separate file; 0: none. */
  apart: number;
  /** QEMU's count of the module compiled for the board's core, or the reason why there is none. */
  counted?: Counted;
  notCounted?: string;
}

/** Frames per second according to the manifest; undefined if it does not state them. */
export function rateOf({ sampleRateHz, frontEndConfig, features }: Manifest): number | undefined {
  return sampleRateHz ?? frontEndConfig?.sampleRateHz ?? (features && features.sampleRateHz / features.stepSamples);
}

const total = (parts: Record<string, number>): number => Object.values(parts).reduce((a, b) => a + b, 0);

function instructionsOf({ manifest, counts, counted, notCounted }: Subject, core: CoreModel, engine: Engine): Instructions {
  const times = core.times * engine.times[manifest.target as ScalarTarget];
  const compiled = engine.counted === 'native';
  if (counted && compiled) {
    const { mean, most, tools } = counted;
    return { mean: times * mean, most: times * most, from: 'counted', tools };
  }
  const { native, wamrFast, checked } = coefficients();
  const costs = native[core.counted];
  const interpreted = compiled ? undefined : wamrCount(counts, wamrFast[core.counted]);
  const hops = interpreted?.hops ?? nativeCount(executedIn(counts, counts.hops), costs);
  const most = times * maxOf(hops);
  const { low, high } = compiled ? costs.spread : { low: 1 - interpreterWithin, high: 1 + interpreterWithin };
  return {
    mean: Math.min(most, (times * hops.reduce((a, b) => a + b, 0)) / hops.length),
    most,
    from: 'estimated',
    ...(notCounted && { notCounted }),
    ...(!engine.timesFrom && { range: { low: low * most, high: high * most } }),
    ...(interpreted ? { known: interpreted.known, checked: checked[core.counted] } : { costs }),
  };
}

function bytesOf({ wasm, manifest, apart }: Subject, board: Board, engine: Engine): { flash: Bytes; ram: Bytes } {
  const { fileBytes, codeBytes, dataBytes } = sectionBytes(wasm);
  const { memoryBytes } = manifest.bytes;
  const pool = ramOf({ fileBytes, memoryBytes, codeBytes }).engines.find((e) => e.engine === engine.pool);
  const { codeTimes } = coreModels[board.core];
  const flash: Record<string, number> = { engine: engine.flashBytes };
  if (engine.compiled) Object.assign(flash, { code: Math.round(codeBytes * codeTimes), data: dataBytes });
  else flash.bundle = fileBytes;
  if (apart > 0) flash.weights = apart;
  const ram: Record<string, number> = { memory: memoryBytes + pagePadding };
  if (pool) Object.assign(ram, { pool: pool.poolBytes, file: pool.fileBytes });
  for (const parts of [flash, ram]) for (const [name, bytes] of Object.entries(parts)) if (bytes === 0) delete parts[name];
  return {
    flash: { needs: total(flash), has: board.flashBytes - board.systemFlashBytes, parts: flash },
    ram: { needs: total(ram), has: board.ramBytes - board.systemBytes, parts: ram },
  };
}

export function estimate(subject: Subject, board: Board, name: EngineName, rate = rateOf(subject.manifest)): Estimate {
  const core: CoreModel = coreModels[board.core];
  const engine: Engine = engines[name];
  const instructions = instructionsOf(subject, core, engine);
  const { flash, ram } = bytesOf(subject, board, engine);
  const inMs = (count: number) => (1000 * count * core.cycles) / board.hz;
  const { mean, most, range } = instructions;
  const ms = { mean: inMs(mean), worst: inMs(most), ...(range && { low: inMs(range.low), high: inMs(range.high) }) };
  const budgetMs = rate && (1000 * subject.manifest.hop) / rate;
  const budget = budgetMs ? { ms: budgetMs, worst: ms.worst / budgetMs, mean: ms.mean / budgetMs } : undefined;
  return {
    engine: name,
    flash,
    ram,
    instructions,
    ms,
    budget,
    fits: { flash: flash.needs <= flash.has, ram: ram.needs <= ram.has, time: budget && budget.worst <= 1 },
  };
}

export const fitsAll = ({ fits }: Estimate): boolean => fits.flash && fits.ram && fits.time !== false;
