/**
 * Whether a bundle fits a board: flash, RAM, instructions and milliseconds of a hop, against what there is.
 *
 * In: a bundle, counted hops (host/fit/counts.ts) and what QEMU counted where it did, a board, an engine,
 * frames a second where known.  Out: figures, each with its parts. Formulas: time of a hop = instructions *
 * cycles an instruction / clock; budget = hop / rate; RAM = linear memory + pool + the file where the engine
 * holds it.
 */

import { sectionBytes } from '../../assembly/bundle/bytes.ts';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import type { ScalarTarget } from '../../assembly/emit/target.ts';
import { maxOf } from '../../models/lists.ts';
import type { Counted } from '../bench/count.ts';
import { pagePadding, ramOf } from '../report/ram.ts';
import { type Board, type CoreModel, coreModels } from './boards.ts';
import { type Checked, coefficients } from './coefficients.ts';
import type { CompiledCounts, HopCounts } from './counts.ts';
import { type Engine, type EngineName, engines } from './engines.ts';
import { nativeCount } from './native-count.ts';
import { wamrCount } from './wamr-count.ts';

/** Bytes of one need, by part; together they are what is needed. */
export interface Bytes {
  needs: number;
  has: number;
  parts: Record<string, number>;
}

export interface Instructions {
  mean: number;
  most: number;
  /**
   * Estimated from counts of the module's own instructions, or counted in QEMU: the module compiled for the
   * core.
   */
  from: 'estimated' | 'counted';
  /** Compiler, wasm2c and QEMU that counted. */
  tools?: string;
  /** Why compiled code was estimated where it could be counted, and what counts it. */
  notCounted?: string;
  /** Share that was measured in the same function or handler; in the same piece of code elsewhere. */
  known: number;
  alike: number;
  /** How far the count was off where it was checked. */
  checked?: Checked;
  /**
   * An estimate's promise: the count lies between a `factor`th of it and `factor` times it. None where an
   * engine's own factor was held against no model.
   */
  factor?: number;
}

/**
 * What an estimate keeps on networks that it was not calibrated with (docs/fit.md): handlers of an
 * interpreter take what they take; of one loop a compiler makes one of several. Chosen, not measured:
 * test/host/fit.test.ts holds every held-out network to it.
 */
export const promised = { wamrFast: 1.1, native: 2 } as const;

export interface Estimate {
  engine: EngineName;
  flash: Bytes;
  ram: Bytes;
  instructions: Instructions;
  ms: { mean: number; worst: number };
  /**
   * Where the rate is known: milliseconds between two hops, and the share of them that the worst hop and the
   * mean take.
   */
  budget?: { ms: number; worst: number; mean: number };
  fits: { flash: boolean; ram: boolean; time?: boolean };
}

export interface Subject {
  wasm: Uint8Array;
  manifest: Manifest;
  /** As an interpreter has it, and as a compiler. */
  counts: HopCounts;
  compiled: CompiledCounts;
  /** Bytes of weights that are a file apart. */
  apart: number;
  /**
   * Of the module compiled for the board's core, where it was counted; else why it was not, where that is of
   * interest.
   */
  counted?: Counted;
  notCounted?: string;
}

/** Frames a second that the bundle itself says it takes. */
export function rateOf({ sampleRateHz, frontEndConfig, features }: Manifest): number | undefined {
  return sampleRateHz ?? frontEndConfig?.sampleRateHz ?? (features && features.sampleRateHz / features.stepSamples);
}

const total = (parts: Record<string, number>): number => Object.values(parts).reduce((a, b) => a + b, 0);

export function instructionsOf(
  { manifest, counts, compiled, counted, notCounted }: Subject,
  core: CoreModel,
  engine: Engine,
): Instructions {
  const times = core.times * engine.times[manifest.target as ScalarTarget];
  if (counted && engine.counted === 'native') {
    const { mean, most, tools } = counted;
    return { mean: times * mean, most: times * most, from: 'counted', tools, known: 1, alike: 0 };
  }
  const { native, wamrFast, checked } = coefficients();
  const told =
    engine.counted === 'native' ? nativeCount(compiled, native[core.counted]) : wamrCount(counts, wamrFast[core.counted]);
  const sum = told.hops.reduce((a, b) => a + b, 0);
  return {
    mean: Math.min(times * maxOf(told.hops), (times * sum) / told.hops.length),
    most: times * maxOf(told.hops),
    from: 'estimated',
    ...(notCounted && { notCounted }),
    known: told.known,
    alike: told.alike,
    checked: checked[`${engine.counted === 'native' ? 'native' : 'WAMR fast'} ${core.counted}`],
    ...(!engine.timesFrom && { factor: promised[engine.counted] }),
  };
}

export function bytesOf({ wasm, manifest, apart }: Subject, board: Board, engine: Engine): { flash: Bytes; ram: Bytes } {
  const { fileBytes, codeBytes, dataBytes } = sectionBytes(wasm);
  const { memoryBytes } = manifest.bytes;
  const pool = ramOf({ fileBytes, memoryBytes, codeBytes }).engines.find((e) => e.engine === engine.pool);
  const { codeTimes } = coefficients().native[coreModels[board.core].counted];
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
  const ms = { mean: inMs(instructions.mean), worst: inMs(instructions.most) };
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
