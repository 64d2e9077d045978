/**
 * build: QuantPlan -> Bundle.
 *
 * In: a QuantPlan and options.  Out: one WebAssembly module with its manifest, the generated source and the memory map.
 * The same input gives the same bytes.
 */
import { RunletError } from '../models/error.ts';
import type { QuantPlan } from '../quant/plan.ts';
import { type FileBytes, sectionBytes } from './bundle/bytes.ts';
import { type ManifestOptions, makeManifest } from './bundle/make-manifest.ts';
import { type Manifest, manifestSection } from './bundle/manifest.ts';
import { compile, kernelFiles, memoryBase } from './emit/compile.ts';
import { type MemoryMap, mapMemory } from './emit/memory.ts';
import { pack } from './emit/pack.ts';
import { customSection, moduleOf, sectionsOf, withData } from './emit/patch.ts';
import { makeProgram } from './emit/program.ts';
import { smaller } from './emit/shrink.ts';
import { moduleSource } from './emit/source.ts';

export interface BuildOptions extends Partial<ManifestOptions> {
  /** Run binaryen's optimiser once more and keep the smaller module. */
  shrink?: boolean;
}

export interface Bundle {
  wasm: Uint8Array;
  manifest: Manifest;
  memory: MemoryMap;
  file: FileBytes;
  /** Generated source and the kernels, by file name. */
  source: Record<string, string>;
}

/** WebAssembly addresses 4 GiB; engines on the edge far less. */
const largestMemory = 256 * 1024 * 1024;

/** Emits, compiles and packs a module. @throws RunletError RN5xx */
export async function build(quant: QuantPlan, options: BuildOptions = {}): Promise<Bundle> {
  const producer = options.producer ?? 'runlet';
  const target = options.target ?? 'interp';
  if (target !== 'interp') {
    throw new RunletError('RN504', {
      what: `target ${target} is not known`,
      why: 'this version has the scalar kernels, named interp',
      tryThis: '--target interp',
    });
  }
  const sizes = pack(quant);
  const memory = mapMemory(quant.plan, memoryBase, sizes.weights.length, sizes.tables.length);
  if (memory.end > largestMemory) {
    throw new RunletError('RN505', {
      what: `the module would need ${memory.end} bytes of memory`,
      why: `${largestMemory} are the limit`,
      tryThis: 'a shorter window or a smaller model',
    });
  }
  const packed = pack(quant, memory);
  const source = moduleSource(quant, memory, makeProgram(quant, memory, packed.steps), producer);
  const compiled = await compile(source, memory.end);
  checkBase(compiled, memory);
  const data = new Uint8Array(memory.tables.address + memory.tables.bytes - memory.base);
  data.set(packed.weights, memory.weights.address - memory.base);
  data.set(packed.tables, memory.tables.address - memory.base);
  const code = options.shrink ? await smaller(compiled) : compiled;
  const bare = withData(code, memory.base, data);
  const manifest = makeManifest(quant, memory, { ...options, producer, target });
  const section = customSection(manifestSection, new TextEncoder().encode(JSON.stringify(manifest)));
  const wasm = moduleOf([...sectionsOf(bare), section]);
  return { wasm, manifest, memory, file: sectionBytes(wasm), source: { 'module.ts': source, ...kernelFiles() } };
}

/** Addresses in the parameter blocks are absolute, so the compiler must have put the arena where the map says. */
function checkBase(compiled: Uint8Array, memory: MemoryMap): void {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(compiled as BufferSource));
  const end = (exports.__data_end as WebAssembly.Global | undefined)?.value;
  if (end !== memory.end) {
    throw new RunletError('RN503', {
      what: `static memory ends at ${end}, not at ${memory.end}`,
      why: 'the compiler placed it elsewhere',
      tryThis: 'the pinned version of assemblyscript',
    });
  }
}
