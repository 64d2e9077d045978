/**
 * build: QuantPlan -> Bundle.
 *
 * In: a QuantPlan and options.  Out: one WebAssembly module with its manifest, the generated source and the memory map.
 * The same input gives the same bytes.
 */
import { RunletError } from '../models/error.ts';
import { fitFrontEnd } from '../models/frontend/fit.ts';
import type { FrontEnd } from '../models/frontend/types.ts';
import type { QuantPlan } from '../quant/plan.ts';
import { type FileBytes, sectionBytes } from './bundle/bytes.ts';
import { type ManifestOptions, makeManifest } from './bundle/make-manifest.ts';
import { type Manifest, manifestSection } from './bundle/manifest.ts';
import { manifestBytes } from './bundle/write.ts';
import { compile, kernelFiles } from './emit/compile.ts';
import { type Emitted, emit, type Style } from './emit/emit.ts';
import type { MemoryMap } from './emit/memory.ts';
import { customSection, moduleOf, sectionsOf, withData } from './emit/patch.ts';
import { smaller } from './emit/shrink.ts';
import { moduleSource } from './emit/source.ts';
import { everyKernel, interpreter, kernelsUsed } from './emit/table-module.ts';
import { soundManifest } from './frontend/manifest.ts';

export interface BuildOptions extends Partial<Omit<ManifestOptions, 'style' | 'frontEnd'>> {
  /** The name of a front end that the host applies (host/features), or a fixed-point front end to build in: the module then takes int16 sound. */
  frontEnd?: string | FrontEnd;
  /** Run binaryen's optimiser once more and keep the smaller module. */
  shrink?: boolean;
  /** `calls` (the default): code for this network. `table`: a table of layers and an interpreter. `smallest`: the shorter file of both. */
  style?: Style | 'smallest';
  /** Style `table`: the interpreter has the kernels in `used` here (the default), or `every` one, and then is compiled once a process. */
  kernels?: 'used' | 'every';
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
  const { style = 'calls' } = options;
  if (style === 'smallest') {
    const [calls, table] = [
      await build(quant, { ...options, style: 'calls' }),
      await build(quant, { ...options, style: 'table' }),
    ];
    return table.wasm.length < calls.wasm.length ? table : calls;
  }
  const { frontEnd } = options;
  const inside = typeof frontEnd === 'object' ? fitFrontEnd(quant.plan.graph, frontEnd) : undefined;
  const hostSide = typeof frontEnd === 'string' ? { frontEnd } : { frontEnd: undefined };
  const { emitted, source, code } =
    style === 'calls' ? await asCalls(quant, producer, options, inside) : await asTable(quant, options, inside);
  const { memory, data } = emitted;
  const bare = withData(code, memory.base, data);
  const rows = makeManifest(quant, memory, { ...options, ...hostSide, producer, target, style });
  const manifest = inside ? soundManifest(rows, quant, inside) : rows;
  const section = customSection(manifestSection, manifestBytes(manifest));
  const wasm = moduleOf([...sectionsOf(bare), section]);
  return { wasm, manifest, memory, file: sectionBytes(wasm), source: { 'module.ts': source, ...kernelFiles() } };
}

interface Compiled {
  emitted: Emitted;
  source: string;
  code: Uint8Array;
}

async function asCalls(quant: QuantPlan, producer: string, options: BuildOptions, sound?: FrontEnd): Promise<Compiled> {
  const emitted = checkSize(emit(quant, undefined, sound));
  const source = moduleSource(quant, emitted.memory, emitted.program, producer);
  const compiled = await compile(source, emitted.memory.end);
  checkBase(compiled, emitted.memory);
  return { emitted, source, code: options.shrink ? await smaller(compiled) : compiled };
}

async function asTable(quant: QuantPlan, options: BuildOptions, sound?: FrontEnd): Promise<Compiled> {
  const kernels = options.kernels === 'every' ? everyKernel : kernelsUsed;
  const emitted = checkSize(emit(quant, kernels, sound));
  const ownClock = quant.plan.mode === 'misaligned';
  const { code, source } = await interpreter(
    kernels(emitted.program),
    ownClock,
    emitted.memory.end,
    options.shrink ?? false,
    sound !== undefined,
  );
  return { emitted, code, source };
}

function checkSize(emitted: Emitted): Emitted {
  const { end } = emitted.memory;
  if (end <= largestMemory) return emitted;
  throw new RunletError('RN505', {
    what: `the module would need ${end} bytes of memory`,
    why: `${largestMemory} are the limit`,
    tryThis: 'a shorter window or a smaller model',
  });
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
