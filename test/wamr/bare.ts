/**
 * Instructions of one hop in WAMR's interpreters on a Cortex-M4, Cortex-M0+ or RV32IMC without an operating
 * system, counted in QEMU.
 *
 * In: modules, and weights that are apart.  Out: for each the fewest and the most instructions of a hop that
 * gives an output, and the bytes that WAMR holds on that core. The same in every run, to the instruction;
 * compilers of other versions give other counts.  The outputs' digest is held against this engine. WAMR is
 * built as its ESP-IDF component builds it: bounds of loads and stores checked in software, words not assumed
 * to load from any address.
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

/** What is needed beside cargo. */
export const bareTools = (core: CoreName): Record<string, string> => {
  const { compiler, qemu, packages } = cores[core];
  return { [compiler]: `apt-get install ${packages}`, [qemu]: `apt-get install ${packages}` };
};

/** Linear memory that there is room for. */
const room = 1 << 20;

export interface WamrCount {
  least: number;
  most: number;
  linearBytes: number;
  /** The most of WAMR's pool that was ever in use: module, instance, stack. */
  poolBytes: number;
}

/** WAMR's interpreters: `fast` rewrites the code before it runs, `classic` runs it as it stands. */
export type Interpreter = 'fast' | 'classic';

/** What the core's compiler needs beside the flags of a whole program, and WAMR's name of it. */
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

/** WAMR's folders, and the files of its core that an interpreter needs. */
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

/** rn_info(11), and 0 for embed. */
const homeOf = (wasm: Uint8Array): number => homes.indexOf(readManifest(wasm).weights?.home ?? 'embed');

export interface WamrOptions {
  interpreter?: Interpreter;
  core?: CoreName;
  /** Of the interpreter, for frames of functions. */
  stackBytes?: number;
}

/** @throws where the compiler fails, a module does not load, or outputs differ */
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
