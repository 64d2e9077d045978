/**
 * Opens a module: instantiates it and checks it against the ABI and its manifest before any frame is pushed.
 *
 * In: a module (bytes or compiled), its weights if they are in a separate file, and a manifest if the custom
 * section was stripped.  Out: typed exports and views of inputs, outputs and state.
 * Errors: RN600 to RN606, RN700 to RN705, RN710, RN714, RN717.  Source: docs/abi.md, version 1.
 * The module gets no imports, or only `runlet.weights` with home `tile`, so it can access only its own memory
 * and weights. The imports of a WASI command are functions that throw.
 */
import { checkManifest } from '../../assembly/bundle/check.ts';
import type { Manifest, PortManifest } from '../../assembly/bundle/manifest.ts';
import { importsOf, isInt16, manifestSection, storedBytes, wasiFunctions, wasiModule } from '../../assembly/bundle/manifest.ts';
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

/** An opened module with views of its memory, whose address never changes. */
export interface OpenModule {
  manifest: Manifest;
  exports: AbiExports;
  inputs: Stored[]; // one per input, s8 or s16 [hop * rate][f][c]
  outputs: Stored[]; // one per output, s8 or s16 [t][f][c]
  state: Uint8Array;
}

/** Quantised values of an input or an output, as the module stores them. */
export type Stored = Int8Array | Int16Array;

/** Returns the bytes of stored values: little endian, as in the module's memory. */
export const bytesOf = (values: Stored): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Returns an array of zeros of the type that the port stores. */
export const storedZeros = (port: PortManifest, length: number): Stored =>
  isInt16(port) ? new Int16Array(length) : new Int8Array(length);

const rebuild = 'build the bundle again with this version of Runlet';

const memorySection = 5;
const startSection = 8;
const pageBytes = 65536;

/** Upper bound of a module's memory. A choice: every address is a positive i32, and models need far less. */
const memoryLimitBytes = 2 ** 30;

const notFixed = (how: string): RunletError =>
  new RunletError('RN704', {
    what: `the module's memory ${how}`,
    where: 'memory',
    why: 'ABI 1 requires a private memory of fixed size: minimum = maximum',
    tryThis: rebuild,
  });

/** Checks the size of a module's memory. @throws RN704 */
function checkMemoryBytes(bytes: number, manifest?: Manifest): void {
  const { memoryBytes } = manifest?.bytes ?? { memoryBytes: memoryLimitBytes };
  // the manifest's number excludes the stack and the bytes below static memory
  if (bytes <= Math.min(memoryLimitBytes, memoryBytes + 2 * pageBytes)) return;
  throw new RunletError('RN704', {
    what: `the module requests a memory of ${bytes} bytes`,
    where: 'memory',
    why: manifest ? `its manifest says ${memoryBytes}` : `a session allows at most ${memoryLimitBytes}`,
    tryThis: rebuild,
  });
}

const startFunction = (): RunletError =>
  new RunletError('RN701', { what: 'the module has a start function', why: 'ABI 1 allows none', tryThis: rebuild });

/**
 * Checks a module's start function and memory before an engine allocates the memory.
 * @throws RN701, RN704
 */
function checkDeclared(bytes: Uint8Array): void {
  for (const { id, bytes: body } of eachSection(bytes)) {
    if (id === startSection) throw startFunction();
    if (id !== memorySection) continue;
    const memory = new Cursor(body, 0, body.length);
    if (memory.u32('the number of memories') === 0) continue;
    const flags = memory.byte('a memory');
    if (flags > 3) throw notFixed('has 64-bit addresses');
    checkMemoryBytes(memory.u32("a memory's minimum") * pageBytes);
  }
}

/**
 * Runs `now`, or `later` if the engine allows large modules only asynchronously in its main thread. `now` is
 * faster: bundles are small, and starting an engine's compiler threads takes longer than compiling one.
 */
async function syncFirst<T>(now: () => T, later: () => Promise<T>): Promise<T> {
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
    return await syncFirst(
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
      what: 'the value is not a module',
      where: 'openSession',
      why: `its type is ${wasm === null ? 'null' : typeof wasm}`,
      tryThis: 'pass the bytes of a .wasm file, or a WebAssembly.Module',
    });
  const bytes = ArrayBuffer.isView(wasm) ? new Uint8Array(wasm.buffer, wasm.byteOffset, wasm.byteLength) : new Uint8Array(wasm);
  checkDeclared(bytes);
  try {
    return await syncFirst(
      () => new WebAssembly.Module(wasm),
      () => WebAssembly.compile(wasm),
    );
  } catch (error) {
    throw new RunletError('RN700', {
      what: 'this engine cannot compile the module',
      why: error instanceof Error ? error.message : String(error),
      tryThis: 'build the bundle again; `runlet doctor` shows what this engine supports',
    });
  }
}

/**
 * Checks a module's imports: none, except `runlet.weights` with home `tile`, and those of a WASI command.
 * @throws RN701
 */
function checkImports(imports: WebAssembly.ModuleImportDescriptor[], manifest?: Manifest): void {
  const names = imports.map(({ module, name }) => `${module}.${name}`).sort();
  const allowed = manifest ? [importsOf(manifest)] : [[], importsOf({ form: 'wasi' }), tileImports];
  const known = allowed.some((list) => list.join() === names.join());
  if (known && imports.every(({ kind }) => kind === 'function')) return;
  throw new RunletError('RN701', {
    what: imports.length > 0 ? 'the module requires imports' : 'the module does not import what its manifest says',
    where: names.join(', ') || 'imports',
    why:
      imports.length > 0
        ? 'this host provides none, so that a bundle can access only its own memory'
        : `its manifest requires ${manifest && importsOf(manifest).join(', ')}`,
    tryThis: 'build with --weights embed; --weights tile has the import runlet.weights, and --wasi those of a command',
  });
}

/** Imports of a WASI command. They throw, because only `_start` needs them and a session never calls it. */
const noCommand = Object.fromEntries(
  wasiFunctions.map((name) => [
    name,
    () => {
      throw new Error(`only _start may call ${name}`);
    },
  ]),
);

function manifestOf(module: WebAssembly.Module): Manifest {
  const [section, second] = WebAssembly.Module.customSections(module, manifestSection);
  if (section && !second) return parseManifest(new Uint8Array(section));
  throw new RunletError('RN602', {
    what: section ? 'the module has more than one manifest' : 'the module has no manifest',
    where: `custom section ${manifestSection}`,
    why: section ? 'it is not clear which one is valid' : 'it was not built by Runlet, or its custom sections were stripped',
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

/** Port types as rn_info returns them. float32 is int8 there, since the host quantises. */
const typeNumbers = { int8: 1, float32: 1, int16: 2, uint8: 3 } as const;

/** Homes of weights in a separate file, as rn_info returns them. */
const homeNumbers = { linear: 1, tile: 2 } as const;

/** Compares every constant that the manifest and rn_info have in common. @throws RN705 */
function checkConstants(m: Manifest, { rn_info }: AbiExports): void {
  const check = (what: number, name: string, expected: number): void => {
    const got = call('rn_info', () => rn_info(what));
    if (got === expected) return;
    throw new RunletError('RN705', {
      what: `the manifest's ${name} is ${expected}, but the module's is ${got}`,
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

/** Returns the view [address, address + bytes) of the module's memory. @throws RN704 if it is outside */
function region(memory: ArrayBuffer, what: string, address: number, bytes: number): Uint8Array {
  if (!Number.isInteger(address) || address <= 0 || bytes < 0 || address + bytes > memory.byteLength)
    throw new RunletError('RN704', {
      what: `${what} is outside the module's memory`,
      where: `${bytes} bytes at ${address}`,
      why: `the memory has ${memory.byteLength} bytes`,
      tryThis: rebuild,
    });
  return new Uint8Array(memory, address, bytes);
}

/** Returns the memory's buffer. @throws RN704 if it is shared or can grow, since views must stay valid */
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

/** Returns a view of bytes as stored values of a port. @throws RN704 if int16 values are at an odd address */
export const storedView = (port: PortManifest, { buffer, byteOffset, byteLength }: Uint8Array): Stored => {
  if (!isInt16(port)) return new Int8Array(buffer, byteOffset, byteLength);
  if (byteOffset % 2 === 0) return new Int16Array(buffer, byteOffset, byteLength / 2);
  throw new RunletError('RN704', {
    what: 'int16 values are not at an even address',
    where: `byte ${byteOffset}`,
    tryThis: rebuild,
  });
};

export interface OpenOptions {
  /** Manifest of a module whose custom section was stripped; by default the one in the module. */
  manifest?: Manifest;
  /** Weights of a module that was built with home `linear` or `tile`. */
  weights?: BufferSource;
}

/**
 * Compiles, instantiates and checks a module, and gives it its weights. Calls only rn_abi, rn_info and the
 * functions that return addresses.
 * @throws RN600-RN606 for the bytes or the manifest; RN700-RN705, RN710 for the module; RN714, RN717 for the
 * weights.
 */
export async function openModule(wasm: BufferSource | WebAssembly.Module, options: OpenOptions = {}): Promise<OpenModule> {
  const module = await compile(wasm);
  const imports = WebAssembly.Module.imports(module);
  checkImports(imports);
  const manifest = options.manifest ? checkManifest(options.manifest) : manifestOf(module);
  checkImports(imports, manifest);
  const weights = await weightsOf(manifest, options.weights);
  // the import is not called before `instance` is set, since the module has no start function
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
    region(memory, 'the region of the weights, rn_info(6),', address, weights.length).set(weights);
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
