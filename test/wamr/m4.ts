/**
 * Instructions of one hop in WAMR's fast interpreter on a Cortex-M4, or another core, without an operating system, counted in QEMU.
 *
 * In: modules, and weights that are apart; a core.  Out: for each the fewest and the most instructions of a hop that gives an output, and the bytes that WAMR holds on that core. The
 * same in every run, to the instruction; compilers of other versions give other counts.  The outputs' digest is held against this engine.
 * WAMR is built as its ESP-IDF component builds it: bounds of loads and stores checked in software, words not assumed to load from any address.
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
const { compiler, qemu, packages } = cores.m4;
const here = join(import.meta.dirname, 'm4');

/** What is needed beside cargo. */
export const m4Tools = { [compiler]: `apt-get install ${packages}`, [qemu]: `apt-get install ${packages}` };

/** Linear memory that there is room for. */
const room = 1 << 20;

export interface WamrCount {
  least: number;
  most: number;
  linearBytes: number;
  /** The most of WAMR's pool that was ever in use: module, instance, stacks of 2048. */
  poolBytes: number;
}

/** WAMR's folders, and the files of its core that an interpreter needs. */
function core(source: string): { folders: string[]; files: string[] } {
  const at = (folder: string) => join(source, 'core', folder);
  const cFiles = (folder: string) => readdirSync(at(folder)).flatMap((f) => (f.endsWith('.c') ? [join(at(folder), f)] : []));
  const without = /wasm_(application|blocking_op|shared_memory|interp_classic|mini_loader)\.c$|ems_gc\.c$/;
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
  const files = [...sources.filter((f) => !without.test(f)), join(at('iwasm/common/arch'), 'invokeNative_general.c')];
  return { folders: folders.map(at), files };
}

const defines = [
  ...['BH_MALLOC=wasm_runtime_malloc', 'BH_FREE=wasm_runtime_free'],
  ...['WASM_ENABLE_INTERP=1', 'WASM_ENABLE_FAST_INTERP=1', `RN_OUTPUTS=${outputs}`, `RN_ROOM=${room}`],
].map((define) => `-D${define}`);

/** How each core is called in WAMR's sources, and what compiling for it takes. */
const builds: Record<CoreName, { target: string; options: readonly string[] }> = {
  m4: { target: 'THUMB', options: ['-mcpu=cortex-m4', '-mthumb'] },
  m0: { target: 'THUMB', options: ['-mcpu=cortex-m0plus', '-mthumb'] },
  rv32: { target: 'RISCV32_ILP32', options: cores.rv32.flags.filter((flag) => /^-m|^--specs/.test(flag)) },
};

/** rn_info(11), and 0 for embed. */
const homeOf = (wasm: Uint8Array): number => homes.indexOf(readManifest(wasm).weights?.home ?? 'embed');

/** @throws where the compiler fails, a module does not load, or outputs differ */
export async function countInWamr(modules: Module[], which: CoreName = 'm4'): Promise<{ counts: WamrCount[]; tools: string }> {
  const { compiler, qemu, machine, flags } = cores[which];
  const { target, options: core32 } = builds[which];
  const digests = await Promise.all(modules.map(expectedDigest));
  return inFolder(async (at) => {
    const { folders, files } = core(wamrSource());
    const named = [`-DBUILD_TARGET_${target}`, `-DBUILD_TARGET="${target}"`];
    const options = ['-O2', '-std=gnu99', '-w', '-ffunction-sections', ...core32, ...named, ...defines];
    const compile = (...args: string[]) =>
      execFileSync(compiler, [...options, ...[here, at('.'), ...folders].map((f) => `-I${f}`), ...args], { cwd: at('.') });
    compile('-c', ...files, join(here, 'platform.c'));
    const objects = readdirSync(at('.')).map(at);
    const counts: WamrCount[] = [];
    for (const [i, { wasm, weights }] of modules.entries()) {
      writeFileSync(at('module.wasm'), wasm);
      if (weights) writeFileSync(at('weights.bin'), weights);
      compile(
        ...flags.filter((flag) => !core32.includes(flag)), // a specs file may be named once
        `-DRN_HOME=${homeOf(wasm)}`,
        '-Wl,--gc-sections',
        join(here, 'main.c'),
        ...objects,
        '-lm',
        '-o',
        at('count.elf'),
      );
      const { stdout, stderr } = await exec(qemu, [...machine, ...semihosting, ...quiet, '-kernel', at('count.elf')]);
      const said = stdout + stderr;
      const [least, most, digest, linear, pool] = (/least (\d+) most (\d+) digest (\d+) linear (\d+) pool (\d+)/.exec(said) ?? [])
        .slice(1)
        .map(Number);
      if (digest !== digests[i])
        throw new Error(`outputs in WAMR on ${cores[which].name} are not those of this engine: ${said.trim()}`);
      counts.push({ least, most, linearBytes: linear, poolBytes: pool } as WamrCount);
    }
    return { counts, tools: String(execFileSync(compiler, ['--version'])).split('\n')[0] ?? '' };
  });
}
