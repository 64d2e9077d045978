/**
 * The last step of a build: combines code, data and manifest into one module. Uses no Node API, so that a
 * page can make modules too.
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
  /** The weights, if they are stored in a separate file. */
  weights?: Uint8Array;
}

/**
 * A compiled interpreter of layer tables (emit/table-module.ts). Style `table` uses it instead of a compiler.
 */
export interface Interpreter {
  target: Target;
  /** Its kernels, in the order of their instruction codes. */
  kernels: KernelName[];
  /** True if micro-hops and outputs have separate counters, as mode `misaligned` needs. */
  ownClock: boolean;
  /** True if a front end runs before the network. */
  sound: boolean;
  /** The module; its memory size is a placeholder, and it has no data segments. */
  code: Uint8Array;
}

/** Largest memory of a module, in bytes. A choice: WebAssembly allows 4 GiB, edge devices far less. */
const largestMemory = 256 * 1024 * 1024;

/** Returns `emitted` if its memory is not too large. @throws RN505 */
export function checkMemory(emitted: Emitted): Emitted {
  const { end } = emitted.memory;
  if (end <= largestMemory) return emitted;
  throw new RunletError('RN505', {
    what: `the module would need ${end} bytes of memory`,
    why: `the limit is ${largestMemory} bytes`,
    tryThis: 'a shorter window or a smaller model',
  });
}

/** Combines the parts. While another thread compiles, the golden is computed. */
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

/** Makes a module of style `table`. `emitted` was emitted for the kernels of this interpreter. */
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
 * Builds a module around a precompiled interpreter, without a compiler. @throws RN501 (a kernel or the mode's
 * control code is missing), RN505
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
      why: 'mode misaligned, a front end and all other modes each need an interpreter with other control code',
      tryThis: 'mode edge-exact, which is exact at any hop',
    });
  return assembleTable(quant, checkMemory(emit(quant, target, { kernels: () => kernels })), interpreter, { ...options, target });
}
