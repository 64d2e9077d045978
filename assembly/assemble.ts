/**
 * The last step of a build: code, data and manifest become one module. Free of Node, so that a page makes
 * modules too.
 *
 * In: a QuantPlan with its memory map and data, and compiled code; or a QuantPlan and a compiled interpreter,
 * which needs no compiler.
 * Out: the module's bytes, its manifest and its memory map.  The same input gives the same bytes.
 */

import { RunletError } from '../models/error.ts';
import { streamingOf } from '../models/stream/modes.ts';
import type { QuantPlan } from '../quant/plan.ts';
import { type FileBytes, sectionBytes } from './bundle/bytes.ts';
import { type ManifestOptions, makeManifest } from './bundle/make-manifest.ts';
import { type Manifest, manifestSection } from './bundle/manifest.ts';
import { manifestBytes } from './bundle/write.ts';
import { type Emitted, emit } from './emit/emit.ts';
import { infoCases } from './emit/info.ts';
import type { KernelName } from './emit/kernels.ts';
import type { MemoryMap } from './emit/memory.ts';
import { customSection, moduleOf, sectionsOf, withData, withMemory } from './emit/patch.ts';
import { pagesFor, stackBytes } from './emit/static-memory.ts';
import type { Target } from './emit/target.ts';
import { wasiData } from './emit/wasi.ts';
import { soundManifest } from './frontend/manifest.ts';

export interface Assembled {
  wasm: Uint8Array;
  manifest: Manifest;
  memory: MemoryMap;
  file: FileBytes;
  /** The weights, where they are no part of the module. */
  weights?: Uint8Array;
}

/**
 * A compiled interpreter of layer tables (emit/table-module.ts): what `table` needs in place of a compiler.
 */
export interface Interpreter {
  target: Target;
  /** Its kernels, in the order of their codes. */
  kernels: KernelName[];
  /** Whether micro-hops and outputs run on clocks of their own, as mode `misaligned` needs. */
  ownClock: boolean;
  /** Whether a front end is before the network. */
  sound: boolean;
  /** The module, with any memory and no data. */
  code: Uint8Array;
}

/** WebAssembly addresses 4 GiB; engines on the edge far less. */
const largestMemory = 256 * 1024 * 1024;

/** @throws RN505 */
export function checkMemory(emitted: Emitted): Emitted {
  const { end } = emitted.memory;
  if (end <= largestMemory) return emitted;
  throw new RunletError('RN505', {
    what: `the module would need ${end} bytes of memory`,
    why: `${largestMemory} are the limit`,
    tryThis: 'a shorter window or a smaller model',
  });
}

/** The manifest's golden is computed while `compiled` is made, where that is another thread's work. */
export async function assemble(
  quant: QuantPlan,
  { memory, data, packed }: Emitted,
  compiled: Uint8Array | Promise<Uint8Array>,
  options: ManifestOptions,
): Promise<Assembled> {
  const apart = memory.home === 'embed' ? undefined : packed;
  const [code, rows] = await Promise.all([compiled, makeManifest(quant, memory, options, apart)]);
  const command = memory.wasi && [
    { address: memory.wasi.address, data: wasiData(memory.wasi.address, infoCases(quant, memory)) },
  ];
  const bare = withData(code, { address: memory.base, data }, ...(command ?? []));
  const manifest = memory.sound ? await soundManifest(rows, quant, memory.sound.frontEnd) : rows;
  const section = customSection(manifestSection, manifestBytes(manifest));
  const wasm = moduleOf([...sectionsOf(bare), section]);
  return { wasm, manifest, memory, file: sectionBytes(wasm), ...(apart && { weights: apart.weights }) };
}

/** A module of style `table`: `emitted` was emitted for the kernels of this interpreter. */
export function assembleTable(
  quant: QuantPlan,
  emitted: Emitted,
  { code }: Interpreter,
  options: Omit<ManifestOptions, 'style'>,
): Promise<Assembled> {
  const { end } = emitted.memory;
  const patched = withMemory(code, pagesFor(end), { __data_end: end, __heap_base: end + stackBytes });
  return assemble(quant, emitted, patched, { ...options, style: 'table' });
}

/**
 * build without a compiler, by an interpreter that was compiled before. @throws RN501 (a kernel or the clock
 * is missing), RN505
 */
export async function buildTable(
  quant: QuantPlan,
  interpreter: Interpreter,
  options: Omit<ManifestOptions, 'style' | 'target'>,
): Promise<Assembled> {
  const { target, kernels, ownClock, sound } = interpreter;
  if (streamingOf(quant.plan.mode).outputClock !== ownClock || sound)
    throw new RunletError('RN501', {
      what: `this interpreter does not run mode ${quant.plan.mode}`,
      why: 'misaligned has its own control code, a front end another, and the other modes a third',
      tryThis: 'mode edge-exact, which is exact at any hop',
    });
  return assembleTable(quant, checkMemory(emit(quant, target, { kernels: () => kernels })), interpreter, { ...options, target });
}
