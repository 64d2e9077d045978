/**
 * Instantiates a module and checks it against the ABI and its manifest before anything is run.
 *
 * In: a module (bytes or compiled) and, where its custom section is missing, a manifest.  Out: its exports,
 * typed, and views.
 * Source: docs/abi.md, version 1. The module gets no imports (one, where its weights are fetched), so it can
 * reach nothing but its own memory and weights. A WASI command's imports are given as functions that fail.
 */
import { checkManifest } from '../../assembly/bundle/check.ts';
import type { Manifest, PortManifest } from '../../assembly/bundle/manifest.ts';
import { importsOf, isInt16, manifestSection, wasiFunctions, wasiModule } from '../../assembly/bundle/manifest.ts';
import { Cursor, eachSection, parseManifest } from '../../assembly/bundle/read.ts';
import { RunletError } from '../../models/error.ts';
import { isBytes, tileImport, tileImports, weightsOf } from './weights.ts';

export interface AbiExports {
  memory: WebAssembly.Memory;
  rn_abi(): number;
  rn_input(which: number): number;
  rn_output(which: number): number;
  rn_push(frames: number): number;
  rn_reset(): void;
  rn_state(): number;
  rn_info(what: number): number;
}

/** An opened module: its manifest, its exports and views of its memory (which never moves). */
export interface OpenModule {
  manifest: Manifest;
  exports: AbiExports;
  /** Per input, [hop * rate][f][c]: int8, or int16. */
  inputs: Stored[];
  /** Per output, [t][f][c]: int8, or int16. */
  outputs: Stored[];
  state: Uint8Array;
}

/** Stored values of an input or an output. */
export type Stored = Int8Array | Int16Array;

/** Bytes of a stored value. */
export const storedBytes = (port: PortManifest): number => (isInt16(port) ? 2 : 1);

/** The bytes of stored values: little endian, as the module's memory. */
export const bytesOf = (values: Stored): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Zeros, as a module stores them. */
export const storedZeros = (port: PortManifest, length: number): Stored =>
  isInt16(port) ? new Int16Array(length) : new Int8Array(length);

const rebuild = 'build the bundle again with this version of Runlet';

const memorySection = 5;
const startSection = 8;
const pageBytes = 65536;

/**
 * Largest memory that a session makes, in bytes: 1 GiB. A choice: every address stays a positive i32, and no
 * model comes near it.
 */
const memoryLimitBytes = 2 ** 30;

const notFixed = (how: string): RunletError =>
  new RunletError('RN704', {
    what: `the module's memory ${how}`,
    where: 'memory',
    why: 'ABI 1 wants a fixed memory of its own: minimum = maximum',
    tryThis: rebuild,
  });

/** @throws RN704 */
function checkMemoryBytes(bytes: number, manifest?: Manifest): void {
  const { memoryBytes } = manifest?.bytes ?? { memoryBytes: memoryLimitBytes };
  // the stack and what lies below static memory are not in the manifest's figure
  if (bytes <= Math.min(memoryLimitBytes, memoryBytes + 2 * pageBytes)) return;
  throw new RunletError('RN704', {
    what: `the module wants a memory of ${bytes} bytes`,
    where: 'memory',
    why: manifest ? `its manifest says ${memoryBytes}` : `a session gives at most ${memoryLimitBytes}`,
    tryThis: rebuild,
  });
}

const startFunction = (): RunletError =>
  new RunletError('RN701', { what: 'the module has a start function', why: 'ABI 1 allows none', tryThis: rebuild });

/**
 * What ABI 1 says of a module's declarations; a memory is refused before an engine makes it. @throws RN701,
 * RN704
 */
function checkDeclared(bytes: Uint8Array): void {
  for (const { id, bytes: body } of eachSection(bytes)) {
    if (id === startSection) throw startFunction();
    if (id !== memorySection) continue;
    const memory = new Cursor(body, 0, body.length);
    if (memory.u32('the number of memories') === 0) continue;
    const flags = memory.byte('a memory');
    if (flags > 3) throw notFixed('is one of 64 bits');
    checkMemoryBytes(memory.u32("a memory's minimum") * pageBytes);
  }
}

/**
 * At once, for bundles are small and an engine's threads take longer to begin than to compile one; later
 * where an engine wants that of its main thread.
 */
async function atOnce<T>(now: () => T, later: () => Promise<T>): Promise<T> {
  try {
    return now();
  } catch (error) {
    if (error instanceof RangeError) return later();
    throw error;
  }
}

/** @throws RN700 */
async function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<WebAssembly.Instance> {
  try {
    return await atOnce(
      () => new WebAssembly.Instance(module, imports),
      () => WebAssembly.instantiate(module, imports),
    );
  } catch (error) {
    throw new RunletError('RN700', {
      what: 'this engine cannot instantiate the module',
      why: error instanceof Error ? error.message : String(error),
      tryThis: 'free memory, or build the bundle again',
    });
  }
}

async function compile(wasm: BufferSource | WebAssembly.Module): Promise<WebAssembly.Module> {
  if (wasm instanceof WebAssembly.Module) return wasm;
  if (!isBytes(wasm))
    throw new RunletError('RN700', {
      what: 'this is no module',
      where: 'openSession',
      why: `it is ${wasm === null ? 'null' : typeof wasm}`,
      tryThis: 'pass the bytes of a .wasm file, or a WebAssembly.Module',
    });
  const bytes = ArrayBuffer.isView(wasm) ? new Uint8Array(wasm.buffer, wasm.byteOffset, wasm.byteLength) : new Uint8Array(wasm);
  checkDeclared(bytes);
  try {
    return await atOnce(
      () => new WebAssembly.Module(wasm),
      () => WebAssembly.compile(wasm),
    );
  } catch (error) {
    throw new RunletError('RN700', {
      what: 'this engine cannot compile the module',
      why: error instanceof Error ? error.message : String(error),
      tryThis: 'build the bundle again; `runlet doctor` says what this engine can do',
    });
  }
}

/**
 * Imports that this host knows: none, but for weights in tiles, and what a WASI command has beside the ABI.
 * @throws RN701
 */
function checkImports(imports: WebAssembly.ModuleImportDescriptor[], manifest?: Manifest): void {
  const names = imports.map(({ module, name }) => `${module}.${name}`).sort();
  const allowed = manifest ? [importsOf(manifest)] : [[], importsOf({ form: 'wasi' }), tileImports];
  const known = allowed.some((list) => list.join() === names.join());
  if (known && imports.every(({ kind }) => kind === 'function')) return;
  throw new RunletError('RN701', {
    what: imports.length > 0 ? 'the module wants imports' : 'the module does not import what its manifest says',
    where: names.join(', ') || 'imports',
    why:
      imports.length > 0
        ? 'this host gives none, so that a bundle can reach nothing'
        : `its manifest wants ${manifest && importsOf(manifest).join(', ')}`,
    tryThis: 'build with --weights embed; --weights tile has the import runlet.weights, and --wasi those of a command',
  });
}

/**
 * What a command imports, for a host that pushes frames itself: it has no input or output to give, and only
 * `_start` would ask.
 */
const noCommand = Object.fromEntries(
  wasiFunctions.map((name) => [
    name,
    () => {
      throw new Error(`${name} is for _start alone`);
    },
  ]),
);

function manifestOf(module: WebAssembly.Module): Manifest {
  const [section, second] = WebAssembly.Module.customSections(module, manifestSection);
  if (section && !second) return parseManifest(new Uint8Array(section));
  throw new RunletError('RN602', {
    what: section ? 'the module has more than one manifest' : 'the module has no manifest',
    where: `custom section ${manifestSection}`,
    why: section ? 'it is not clear which one holds' : 'it was not built by Runlet, or its custom sections were stripped',
    tryThis: 'build the bundle again, do not strip it, or pass `manifest`',
  });
}

const functions = ['rn_abi', 'rn_input', 'rn_output', 'rn_push', 'rn_reset', 'rn_state', 'rn_info'] as const;

function exportsOf(instance: WebAssembly.Instance): AbiExports {
  const exports = instance.exports as Record<string, unknown>;
  const missing: string[] = functions.filter((name) => typeof exports[name] !== 'function');
  if (!(exports.memory instanceof WebAssembly.Memory)) missing.push('memory');
  if (missing.length > 0)
    throw new RunletError('RN703', {
      what: `the module does not export ${missing.join(', ')}`,
      where: 'exports',
      why: 'ABI 1 needs them (docs/abi.md)',
      tryThis: rebuild,
    });
  return exports as unknown as AbiExports;
}

/** Runs one export; a trap becomes RN710. */
function call<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new RunletError('RN710', {
      what: `${name} trapped`,
      where: name,
      why: error instanceof Error ? error.message : String(error),
      tryThis: `${rebuild}; if it happens again, report it`,
    });
  }
}

const f32 = new Float32Array(1);
const bitsOf = (value: number): number => {
  f32[0] = value;
  return new Int32Array(f32.buffer)[0] as number;
};

/** Types of rn_info; the host quantises float32. */
const typeNumbers = { int8: 1, float32: 1, int16: 2, uint8: 3 } as const;

/** Homes of weights that are no part of the module. */
const homeNumbers = { linear: 1, tile: 2 } as const;

/** Every constant that the manifest and rn_info both know. @throws RN705 */
function checkConstants(m: Manifest, { rn_info }: AbiExports): void {
  const check = (what: number, name: string, expected: number): void => {
    const got = call('rn_info', () => rn_info(what));
    if (got === expected) return;
    throw new RunletError('RN705', {
      what: `the manifest's ${name} is ${expected}, but the module says ${got}`,
      where: `rn_info(${what})`,
      why: 'the manifest belongs to another module, or the module has a type that this host does not know',
      tryThis: rebuild,
    });
  };
  const checkPort = (base: number, name: string, p: PortManifest): void => {
    check(base, `${name}.hostType`, typeNumbers[p.type ?? p.hostType]);
    check(base + 1, `${name}.elements`, p.elements);
    check(base + 2, `${name}.zeroPoint`, p.zeroPoint);
    check(base + 3, `${name}.scale (float32 bits)`, bitsOf(p.scale));
    if (base < 64 && m.inputs.length > 1) check(base + 4, `${name}.rate`, p.rate ?? 1);
  };
  check(0, 'hop', m.hop);
  check(1, 'window', m.window);
  check(2, 'microHop', m.microHop);
  check(3, 'warmUpHops', m.warmUpHops);
  check(4, 'delayFrames', m.delayFrames);
  check(5, 'bytes.stateBytes', m.bytes.stateBytes);
  check(7, m.weights ? 'weights.bytes' : 'bytes.weightBytes', m.weights?.bytes ?? m.bytes.weightBytes);
  check(9, 'inputs.length', m.inputs.length);
  check(10, 'outputs.length', m.outputs.length);
  check(11, 'weights.home', m.weights ? homeNumbers[m.weights.home] : -1);
  for (const [i, port] of m.inputs.entries()) checkPort(16 + 8 * i, `inputs[${i}]`, port);
  for (const [i, port] of m.outputs.entries()) checkPort(64 + 8 * i, `outputs[${i}]`, port);
}

/** The module's memory [address, address + bytes), checked. */
function region(memory: ArrayBuffer, what: string, address: number, bytes: number): Uint8Array {
  if (!Number.isInteger(address) || address <= 0 || bytes < 0 || address + bytes > memory.byteLength)
    throw new RunletError('RN704', {
      what: `${what} lies outside the module's memory`,
      where: `${bytes} bytes at ${address}`,
      why: `the memory has ${memory.byteLength} bytes`,
      tryThis: rebuild,
    });
  return new Uint8Array(memory, address, bytes);
}

/** The memory's buffer; RN704 unless its size is fixed (minimum = maximum), since views must stay valid. */
function fixedMemory(memory: WebAssembly.Memory, manifest: Manifest): ArrayBuffer {
  let grows = true;
  try {
    memory.grow(1);
  } catch {
    grows = false;
  }
  const buffer: unknown = memory.buffer;
  if (grows || !(buffer instanceof ArrayBuffer)) throw notFixed(grows ? 'can grow' : 'is shared');
  checkMemoryBytes(buffer.byteLength, manifest);
  return buffer;
}

/** Bytes as the values that a module stores. @throws RN704 int16 at an odd address */
export const storedView = (port: PortManifest, { buffer, byteOffset, byteLength }: Uint8Array): Stored => {
  if (!isInt16(port)) return new Int8Array(buffer, byteOffset, byteLength);
  if (byteOffset % 2 === 0) return new Int16Array(buffer, byteOffset, byteLength / 2);
  throw new RunletError('RN704', {
    what: 'int16 values do not lie at an even address',
    where: `byte ${byteOffset}`,
    tryThis: rebuild,
  });
};

export interface OpenOptions {
  /** For modules whose custom section was stripped. */
  manifest?: Manifest;
  /** Of modules built with home `linear` or `tile`. */
  weights?: BufferSource;
}

/**
 * Compiles, instantiates and checks a module, and gives it its weights. Nothing but rn_abi, rn_info and the
 * address functions is run.
 * @throws RN600-RN606 the bytes or the manifest; RN700-RN705, RN710 the module; RN714, RN717 the weights.
 */
export async function openModule(wasm: BufferSource | WebAssembly.Module, options: OpenOptions = {}): Promise<OpenModule> {
  const module = await compile(wasm);
  const imports = WebAssembly.Module.imports(module);
  checkImports(imports);
  const manifest = options.manifest ? checkManifest(options.manifest) : manifestOf(module);
  checkImports(imports, manifest);
  const weights = await weightsOf(manifest, options.weights);
  // nothing of the module runs before its memory is there: it has no start function
  const tile = weights && tileImport(weights, () => instance.exports.memory as WebAssembly.Memory);
  const command = manifest.form === 'wasi' && { [wasiModule]: noCommand };
  const instance = await instantiate(module, { ...(tile && { runlet: { weights: tile } }), ...command });
  const exports = exportsOf(instance);
  const abi = call('rn_abi', () => exports.rn_abi());
  if (abi !== 1)
    throw new RunletError('RN702', {
      what: `the module has ABI ${abi}, this host knows ABI 1`,
      where: 'rn_abi',
      tryThis: 'use the version of Runlet that built the bundle',
    });
  const memory = fixedMemory(exports.memory, manifest);
  checkConstants(manifest, exports);
  if (weights && manifest.weights?.home === 'linear') {
    const address = call('rn_info', () => exports.rn_info(6));
    region(memory, 'what rn_info(6) says of the weights', address, weights.length).set(weights);
  }
  const at = (name: 'rn_input' | 'rn_output', i: number, bytes: number): Uint8Array =>
    region(
      memory,
      `${name}(${i})`,
      call(name, () => exports[name](i)),
      bytes,
    );
  const valuesAt = (name: 'rn_input' | 'rn_output', port: PortManifest, i: number, frames: number): Stored => {
    return storedView(port, at(name, i, frames * port.elements * storedBytes(port)));
  };
  const stateBytes = call('rn_info', () => exports.rn_info(5));
  return {
    manifest,
    exports,
    inputs: manifest.inputs.map((port, i) => valuesAt('rn_input', port, i, manifest.hop * (port.rate ?? 1))),
    outputs: manifest.outputs.map((port, i) => valuesAt('rn_output', port, i, 1)),
    state: region(
      memory,
      'rn_state',
      call('rn_state', () => exports.rn_state()),
      stateBytes,
    ),
  };
}
