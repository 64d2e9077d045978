/**
 * Counts the instructions of one hop on a microcontroller's core in QEMU. The module is converted to C
 * (wasm2c without bounds checks), compiled, and run without an operating system.
 *
 * In: a module, its separate weights if any.  Out: minimum, mean and maximum instructions of the hops with an
 * output, and the versions of the tools.  Exact: the same count in every run; other compilers give other
 * counts. The digest of the outputs is compared with the module in this process.
 * Source: minstret (RISC-V privileged specification 3.1.10), SysTick (ARMv7-M B3.3) with QEMU's -icount.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Bundle } from '../../assembly/build.ts';
import { RunletError } from '../../models/error.ts';
import { type OpenModule, openModule } from '../session/open.ts';
import { withPlainMemory } from './plain-memory.ts';

const exec = promisify(execFile);
const here = join(import.meta.dirname, 'core');

/** Number of outputs per run; the first is not counted. */
export const outputs = 17;

export interface Core {
  name: string;
  compiler: string;
  flags: string[];
  qemu: string;
  machine: string[];
  packages: string;
}

const wasm2cFolder = '/usr/src/wasm2c';
export const semihosting = ['-semihosting-config', 'enable=on,target=native', '-icount', 'shift=0', '-nographic'];
export const quiet = ['-serial', 'none', '-monitor', 'none'];
const region = (name: string, at: string) => [`-Wl,--defsym=__${name}=${at}`, `-Wl,--defsym=__${name}_size=0x400000`];

const armFlags = ['--specs=rdimon.specs', '-T', join(here, 'cortex-m4.ld'), join(here, 'start.c')];
const arm = {
  compiler: 'arm-none-eabi-gcc',
  qemu: 'qemu-system-arm',
  machine: ['-machine', 'mps2-an386'],
  packages: 'wabt qemu-system-arm gcc-arm-none-eabi libnewlib-arm-none-eabi',
};

export const cores = {
  rv32: {
    name: 'RV32IMC',
    compiler: 'riscv64-unknown-elf-gcc',
    flags: [
      ...['-march=rv32imc', '-misa-spec=2.2', '-mabi=ilp32', '--specs=picolibc.specs', '--oslib=semihost', '--crt0=hosted'],
      ...region('flash', '0x80000000'),
      ...region('ram', '0x80400000'),
    ],
    qemu: 'qemu-system-riscv32',
    machine: ['-machine', 'virt', '-cpu', 'rv32', '-bios', 'none'],
    packages: 'wabt qemu-system-misc gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf',
  },
  m4: { ...arm, name: 'Cortex-M4', flags: ['-mcpu=cortex-m4', '-mthumb', ...armFlags] },
  /** ARMv6-M is a subset of ARMv7-M, so the machine of the Cortex-M4 also counts code for a Cortex-M0+. */
  m0: { ...arm, name: 'Cortex-M0+', flags: ['-mcpu=cortex-m0plus', '-mthumb', ...armFlags] },
} as const satisfies Record<string, Core>;
export type CoreName = keyof typeof cores;

export interface Counted {
  least: number;
  mean: number;
  most: number;
  /** Names and versions of compiler, wasm2c and QEMU. */
  tools: string;
}

async function tool(core: Core, name: string, args: string[]): Promise<string> {
  try {
    return Object.values(await exec(name, args, { timeout: 600_000 })).join('');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = String((error as { stderr?: string }).stderr ?? error).trim();
    throw new RunletError(missing ? 'RN790' : 'RN791', {
      what: missing ? `${name} is not installed` : `${name} failed`,
      where: `counting instructions on ${core.name}`,
      why: missing ? 'the count compiles the module to C and runs it in an emulator' : message.split('\n').slice(-4).join(' '),
      tryThis: missing
        ? `apt-get install ${core.packages}`
        : 'install the versions of Debian 12; if it fails there too, report it with the model',
    });
  }
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

/** Computes the digest that main.c prints, with the module in this process. */
export const expectedDigest = async ({ wasm, weights }: Pick<Bundle, 'wasm' | 'weights'>): Promise<number> =>
  digestOf(await openModule(wasm as BufferSource, { weights: weights as BufferSource | undefined }));

function digestOf({ exports, inputs, outputs: ports }: OpenModule): number {
  let seed = 1;
  let digest = 2166136261;
  exports.rn_reset();
  const hop = exports.rn_info(0);
  for (let due = 0; due < outputs; ) {
    for (const { buffer, byteOffset, byteLength } of inputs) {
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      for (let i = 0; i < bytes.length; i++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        bytes[i] = seed >>> 24;
      }
    }
    if (exports.rn_push(hop) !== 1) continue;
    due++;
    for (const port of ports) for (const value of port) digest = Math.imul(digest ^ (value & 0xff), 16777619);
  }
  return digest >>> 0;
}

/** C header of the weights: constants, which the linker places in flash. */
const weightsHeader = (weights: Uint8Array = new Uint8Array(4)): string =>
  `static const unsigned char rn_weights[] __attribute__((aligned(16))) = {${weights.join(',')}};\n`;

/** Counts in QEMU. @throws RN790 a tool is missing; RN791 a tool failed, or the outputs differ */
export async function countInstructions({ wasm, weights }: Pick<Bundle, 'wasm' | 'weights'>, which: CoreName): Promise<Counted> {
  const core: Core = cores[which];
  const folder = await mkdtemp(join(tmpdir(), 'runlet-count-'));
  const at = (name: string) => join(folder, name);
  try {
    await writeFile(at('module.wasm'), wasm);
    await tool(core, 'wasm2c', [at('module.wasm'), '-n', 'module', '-o', at('module.c')]);
    await writeFile(at('module.c'), withPlainMemory(await readFile(at('module.c'), 'utf8')));
    await writeFile(at('weights.h'), weightsHeader(weights));
    const module = await openModule(wasm as BufferSource, { weights: weights as BufferSource | undefined });
    const { exports } = module;
    const defines = [
      `-DRN_BYTES=${exports.memory.buffer.byteLength}`,
      `-DRN_OUTPUTS=${outputs}`,
      `-DRN_HOME=${Math.max(0, exports.rn_info(11))}`,
      '-DWASM_RT_USE_STACK_DEPTH_COUNT=0',
    ];
    const options = ['-O2', '-std=gnu99', '-fno-strict-aliasing', '-w', `-I${folder}`, `-I${wasm2cFolder}`, ...defines];
    await tool(core, core.compiler, [...options, ...core.flags, at('module.c'), join(here, 'main.c'), '-o', at('count.elf')]);
    const text = await tool(core, core.qemu, [...core.machine, ...semihosting, ...quiet, '-kernel', at('count.elf')]);
    const [, least, mean, most, digest] = /least (\d+) mean (\d+) most (\d+) digest (\d+)/.exec(text) ?? [];
    if (Number(digest) !== digestOf(module))
      throw new RunletError('RN791', {
        what: `the module's outputs on ${core.name} differ from those of this engine`,
        why: text.trim() || 'it printed nothing',
        tryThis: 'report it with the model',
      });
    const version = async (name: string) => firstLine(await tool(core, name, ['--version']));
    const tools = `${await version(core.compiler)}, wasm2c ${await version('wasm2c')}, ${await version(core.qemu)}`;
    return { least: Number(least), mean: Number(mean), most: Number(most), tools };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
