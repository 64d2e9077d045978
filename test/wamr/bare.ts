/**
 * Counts the instructions of one hop in WAMR's interpreters on a Cortex-M4, Cortex-M0+ or RV32IMC without an
 * operating system, in QEMU.
 *
 * In: modules and their separate weights.  Out: for each module the fewest and the most instructions of a hop
 * that gives an output, and the bytes that WAMR holds on that core. Exact: every run gives the same counts;
 * compilers of other versions give other counts. The digest of the outputs is compared with this engine's.
 * WAMR is built like its ESP-IDF component: bounds of loads and stores are checked in software, and words are
 * loaded only from aligned addresses.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readManifest } from '../../assembly/bundle/read.ts';
import { homes } from '../../assembly/emit/home.ts';
import { type CoreName, cores, expectedDigest, outputs, quiet, semihosting } from '../../host/bench/count.ts';
import { inFolder, type Module, wamrSource } from './runner.ts';

const exec = promisify(execFile);
const here = join(import.meta.dirname, 'bare');

/** The tools that are needed in addition to cargo. */
export const bareTools = (core: CoreName): Record<string, string> => {
  const { compiler, qemu, packages } = cores[core];
  return { [compiler]: `apt-get install ${packages}`, [qemu]: `apt-get install ${packages}` };
};

/** Size of the area for linear memory, in bytes. */
const room = 1 << 20;

export interface WamrCount {
  least: number;
  most: number;
  linearBytes: number;
  /** Peak use of WAMR's pool: module, instance, stack. */
  poolBytes: number;
}

/** WAMR's interpreters: `fast` rewrites the code before it runs, `classic` runs it unchanged. */
export type Interpreter = 'fast' | 'classic';

/** Options of the core's compiler in addition to those of a whole program, and WAMR's name of the core. */
const builds: Record<CoreName, { options: string[]; wamr: string[]; invokeNative: string }> = {
  m4: {
    options: ['-mcpu=cortex-m4', '-mthumb'],
    wamr: ['BUILD_TARGET_THUMB', 'BUILD_TARGET="THUMB"'],
    invokeNative: 'invokeNative_general.c',
  },
  m0: {
    options: ['-mcpu=cortex-m0plus', '-mthumb'],
    wamr: ['BUILD_TARGET_THUMB', 'BUILD_TARGET="THUMB"'],
    invokeNative: 'invokeNative_general.c',
  },
  rv32: {
    options: ['-march=rv32imc', '-misa-spec=2.2', '-mabi=ilp32', '--specs=picolibc.specs'],
    wamr: ['BUILD_TARGET_RISCV32_ILP32', 'BUILD_TARGET="RISCV32_ILP32"'],
    invokeNative: 'invokeNative_riscv.S',
  },
};

/** Returns WAMR's folders, and the files of its core that an interpreter needs. */
function sourcesOf(source: string, interpreter: Interpreter): { folders: string[]; files: string[] } {
  const at = (folder: string) => join(source, 'core', folder);
  const cFiles = (folder: string) => readdirSync(at(folder)).flatMap((f) => (f.endsWith('.c') ? [join(at(folder), f)] : []));
  const other = interpreter === 'fast' ? 'classic' : 'fast';
  const without = new RegExp(`wasm_(application|blocking_op|shared_memory|interp_${other}|mini_loader)\\.c$|ems_gc\\.c$`);
  const sources = ['iwasm/common', 'iwasm/interpreter', 'shared/mem-alloc', 'shared/mem-alloc/ems', 'shared/utils'].flatMap(
    cFiles,
  );
  const folders = [
    '.',
    'iwasm/include',
    'iwasm/common',
    'iwasm/interpreter',
    'shared/utils',
    'shared/platform/include',
    'shared/mem-alloc',
  ];
  const files = sources.filter((f) => !without.test(f));
  return { folders: folders.map(at), files };
}

const defines = [
  ...['BH_MALLOC=wasm_runtime_malloc', 'BH_FREE=wasm_runtime_free'],
  ...['WASM_ENABLE_INTERP=1', `RN_OUTPUTS=${outputs}`, `RN_ROOM=${room}`],
];

/** Returns the number of the home as in rn_info(11); 0 for embed. */
const homeOf = (wasm: Uint8Array): number => homes.indexOf(readManifest(wasm).weights?.home ?? 'embed');

export interface WamrOptions {
  interpreter?: Interpreter;
  core?: CoreName;
  /** Size of the interpreter's stack, for frames of functions; default 2048. */
  stackBytes?: number;
}

/** Counts instructions. @throws Error if the compiler fails, a module does not load, or outputs differ */
export async function countInWamr(
  modules: Module[],
  { interpreter = 'fast', core = 'm4', stackBytes = 2048 }: WamrOptions = {},
): Promise<{ counts: WamrCount[]; tools: string }> {
  const digests = await Promise.all(modules.map(expectedDigest));
  return inFolder(async (at) => {
    const { compiler, qemu, machine, flags } = cores[core];
    const { folders, files } = sourcesOf(wamrSource(), interpreter);
    const { options: own, wamr, invokeNative } = builds[core];
    const named = [...defines, ...wamr, `RN_STACK=${stackBytes}`, `WASM_ENABLE_FAST_INTERP=${Number(interpreter === 'fast')}`];
    const options = ['-O2', '-std=gnu99', '-w', '-ffunction-sections', ...named.map((name) => `-D${name}`)];
    const compile = (...args: string[]) =>
      execFileSync(compiler, [...options, ...[here, at('.'), ...folders].map((f) => `-I${f}`), ...args], { cwd: at('.') });
    compile('-c', ...own, ...files, join(wamrSource(), 'core/iwasm/common/arch', invokeNative), join(here, 'platform.c'));
    const objects = readdirSync(at('.')).map(at);
    const counts: WamrCount[] = [];
    for (const [i, { wasm, weights }] of modules.entries()) {
      writeFileSync(at('module.wasm'), wasm);
      if (weights) writeFileSync(at('weights.bin'), weights);
      compile(
        ...flags,
        `-DRN_HOME=${homeOf(wasm)}`,
        '-Wl,--gc-sections',
        join(here, 'main.c'),
        ...objects,
        '-lm',
        '-o',
        at('count.elf'),
      );
      const { stdout, stderr } = await exec(qemu, [...machine, ...semihosting, ...quiet, '-kernel', at('count.elf')], {
        timeout: 600_000,
      });
      const said = stdout + stderr;
      const [least, most, digest, linear, pool] = (/least (\d+) most (\d+) digest (\d+) linear (\d+) pool (\d+)/.exec(said) ?? [])
        .slice(1)
        .map(Number);
      if (digest !== digests[i])
        throw new Error(`outputs in WAMR on ${cores[core].name} are not those of this engine: ${said.trim()}`);
      counts.push({ least, most, linearBytes: linear, poolBytes: pool } as WamrCount);
    }
    return { counts, tools: String(execFileSync(compiler, ['--version'])).split('\n')[0] ?? '' };
  });
}
