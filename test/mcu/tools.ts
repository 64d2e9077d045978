/**
 * Builds the C host and the programs of this folder over a real WAMR: its fast interpreter, from the sources
 * in the crate wamrx-sys.
 *
 * In: the name of a program in this folder, and a sanitizer.  Out: the program's path. cmake builds WAMR
 * once, into node_modules/.cache; programs go into a folder of the process. Our files are compiled with
 * sanitizers and WAMR without them, so a fault in WAMR ends a program by a signal. With
 * RUNLET_WAMR_SANITIZE=1, WAMR is compiled with sanitizers too, for programs with the address sanitizer.
 * Their reports about WAMR are printed, and the program continues (faults.ts). WAMR counts instructions here
 * (WAMR_BUILD_INSTRUCTION_METERING), so that no made-up module runs for ever.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CForm } from '../../assembly/c/build-c.ts';
import { root } from '../shared.ts';
import { absentTools, wamrSource } from '../wamr/runner.ts';

export const mcu = join(root, 'host/mcu');
const here = import.meta.dirname;
const cache = join(root, 'node_modules/.cache/runlet-mcu');

const compiler = 'gcc';
const tools = { cargo: 'Rust 1.85 or newer, rustup.rs', cmake: 'the package cmake', [compiler]: 'the package gcc' };

/** The missing tools in one line; undefined if all are installed. */
export const absent = absentTools(tools);

/** True if OpenSSL is installed, which these tests use for SHA-256 and Ed25519. */
export const openssl =
  spawnSync(compiler, ['-fsyntax-only', '-x', 'c', '-'], { input: '#include <openssl/evp.h>\n' }).status === 0;

const wamrOptions = {
  WAMR_BUILD_PLATFORM: 'linux',
  WAMR_BUILD_INTERP: 1,
  WAMR_BUILD_FAST_INTERP: 1,
  WAMR_BUILD_INSTRUCTION_METERING: 1,
  WAMR_DISABLE_HW_BOUND_CHECK: 1,
  ...Object.fromEntries(
    [
      ...['AOT', 'JIT', 'FAST_JIT', 'SIMD', 'REF_TYPES', 'BULK_MEMORY', 'LIBC_BUILTIN', 'LIBC_WASI', 'TAIL_CALL', 'MULTI_MODULE'],
      ...['SHARED_MEMORY', 'THREAD_MGR', 'LOAD_CUSTOM_SECTION', 'CUSTOM_NAME_SECTION', 'DUMP_CALL_STACK'],
    ].map((name) => [`WAMR_BUILD_${name}`, 0]),
  ),
};

/** True if WAMR is compiled with sanitizers too. */
export const wamrSanitized = process.env.RUNLET_WAMR_SANITIZE === '1';
const wamrSanitizers = '-fsanitize=address,undefined -fno-omit-frame-pointer -g -O1 -DWASM_CPU_SUPPORTS_UNALIGNED_ADDR_ACCESS=0';
const wraps = ['wasm_runtime_full_init', 'os_mmap', 'os_munmap', 'os_mprotect'].map((name) => `-Wl,--wrap=${name}`);

/** Returns libiwasm.a and its headers, and builds it if it does not exist. */
export function wamrLibrary(sanitized = false): { library: string; include: string } {
  const source = wamrSource();
  const made = join(cache, `wamrx-sys-0.3.0-metered${sanitized ? '-sanitized' : ''}`);
  const include = join(source, 'core/iwasm/include');
  const library = join(made, 'libiwasm.a');
  if (existsSync(library)) return { library, include };
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'build-'));
  try {
    // a copy, since cmake writes a version into the source
    const copy = join(work, 'source');
    cpSync(source, copy, { recursive: true });
    const kind = sanitized ? { CMAKE_BUILD_TYPE: 'None', CMAKE_C_FLAGS: wamrSanitizers } : { CMAKE_BUILD_TYPE: 'Release' };
    const options = Object.entries({ ...wamrOptions, ...kind }).map(([name, value]) => `-D${name}=${value}`);
    const run = (...args: string[]) => execFileSync('cmake', args, { cwd: work, stdio: 'pipe', maxBuffer: 1 << 26 });
    run('-S', copy, '-B', join(work, 'build'), ...options);
    run('--build', join(work, 'build'), '--target', 'vmlib', '--parallel', '2');
    mkdirSync(made, { recursive: true });
    renameSync(join(work, 'build/libiwasm.a'), library);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return { library, include };
}

export type Sanitizer = 'address' | 'thread' | 'none';

const flagsOf: Record<Sanitizer, string[]> = {
  address: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-O1', '-fno-omit-frame-pointer'],
  thread: ['-fsanitize=thread', '-O1'],
  none: ['-O2'],
};
const warnings = ['-std=c99', '-Wall', '-Wextra', '-Wconversion', '-Wno-sign-conversion', '-pedantic', '-Werror'];

const folder = mkdtempSync(join(tmpdir(), 'runlet-mcu-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Returns the path of a file that is removed at the end of this process. */
export const at = (name: string): string => join(folder, name);

const hostFiles = ['runlet.c', 'runlet-check.c', 'runlet-text.c', 'runlet-queue.c', 'runlet-gate.c', 'runlet-collect.c'].map(
  (name) => join(mcu, name),
);

/** The self-test and its digest, for programs that check it. */
export const selfTestFiles = ['runlet-golden.c', 'runlet-sha256.c'].map((name) => join(mcu, name));

export interface Program {
  sanitizer?: Sanitizer;
  /** Additional files and libraries. */
  more?: string[];
  defines?: string[];
}

const built = new Map<string, string>();

/** Compiles a program of this folder, or of a path, with the C host. @param wamr false to leave out WAMR */
export function build(name: string, { sanitizer = 'address', more = [], defines = [] }: Program = {}, wamr = true): string {
  const key = [name, sanitizer, wamr, ...defines, ...more].join(' ');
  const known = built.get(key);
  if (known) return known;
  const program = at(`program-${built.size}`);
  const host = wamr ? hostFiles : hostFiles.filter((f) => !f.endsWith('/runlet.c'));
  const sanitized = wamr && wamrSanitized && sanitizer === 'address';
  const { library, include } = wamr ? wamrLibrary(sanitized) : { library: '', include: '' };
  const args = [
    ...warnings,
    ...flagsOf[sanitizer],
    '-g',
    ...['_GNU_SOURCE', 'WASM_ENABLE_INSTRUCTION_METERING=1', ...defines].map((define) => `-D${define}`),
    ...[mcu, here, ...(wamr ? [include] : [])].map((f) => `-I${f}`),
    name.includes('/') ? name : join(here, name),
    ...host,
    ...(sanitized ? [join(here, 'sanitized.c'), ...wraps] : []),
    ...(wamr ? [library] : []),
    ...more,
    ...['-lm', '-ldl', '-lpthread', '-o', program],
  ];
  execFileSync(compiler, args, { stdio: 'pipe' });
  built.set(key, program);
  return program;
}

let plain = 0;
/** Writes a model's C into a folder. @returns the compiler's arguments for it */
export function plainC({ name, files }: CForm): string[] {
  const folder = at(`plain-${plain++}`);
  mkdirSync(join(folder, 'src'), { recursive: true });
  for (const path of [`src/${name}.h`, `src/${name}.c`]) writeFileSync(join(folder, path), files[path] as string);
  return [`-I${folder}/src`, join(folder, `src/${name}.c`)];
}

/** Runs a program. @returns its outputs and how it ended */
export function run(program: string, ...args: (string | number)[]): { stdout: string; stderr: string; ended: string } {
  return runWith({}, program, ...args);
}

export function runWith(env: Record<string, string>, program: string, ...args: (string | number)[]): ReturnType<typeof run> {
  const { stdout, stderr, status, signal } = spawnSync(program, args.map(String), {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, ...env, ASAN_OPTIONS: 'detect_leaks=1:allocator_may_return_null=1' },
  });
  return { stdout, stderr, ended: signal ?? `exit ${status}` };
}

/** Runs a program that prints JSON. @throws Error if its exit code is not 0 */
export function answer<T>(program: string, ...args: (string | number)[]): T {
  const { stdout, stderr, ended } = run(program, ...args);
  if (ended !== 'exit 0') throw new Error(`${ended}: ${stderr.trim() || stdout.trim()}`);
  return JSON.parse(stdout) as T;
}

/**
 * Compiles our files as a firmware does, without the definitions of WAMR's build. @returns the objects' paths
 */
export function compileOurs(): string[] {
  const { include } = wamrLibrary();
  return hostFiles.map((file, i) => {
    const object = at(`ours-${i}.o`);
    const args = [
      ...warnings,
      '-Os',
      '-fno-builtin',
      '-fno-stack-protector',
      `-I${mcu}`,
      `-I${include}`,
      '-c',
      file,
      '-o',
      object,
    ];
    execFileSync(compiler, args, { stdio: 'pipe' });
    return object;
  });
}
