/**
 * Compiles and runs a model's C: on this machine with sanitizers, and on microcontroller cores in QEMU.
 *
 * In: a QuantPlan, or a bundle with its C; frames and the expected outputs.  Out: the number of different
 * bytes; on a core also instructions of a push, bytes of flash and RAM, and stack. Source of the counts:
 * host/bench/count.ts.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Bundle } from '../../assembly/build.ts';
import { storedBytes } from '../../assembly/bundle/manifest.ts';
import type { CForm } from '../../assembly/c/build-c.ts';
import { type CoreName, cores, quiet, semihosting } from '../../host/bench/count.ts';

const exec = promisify(execFile);
const here = import.meta.dirname;

export const installed = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;

/** Returns a line with the missing tools; undefined if all are installed. */
export function missing(tools: string[]): string | undefined {
  const absent = tools.filter((tool) => !installed(tool));
  return absent.length > 0 ? `skipped: ${absent.join(', ')} is not installed` : undefined;
}

export const coreTools = (core: CoreName): string[] => [
  cores[core].compiler,
  cores[core].compiler.replace(/gcc$/, 'size'),
  cores[core].compiler.replace(/gcc$/, 'nm'),
  cores[core].qemu,
];

export interface Ran {
  differing: number;
  outputs: number;
  bytes: number;
  least: number;
  most: number;
  stack: number;
}

export interface Sizes {
  code: number;
  constants: number;
  ram: number;
  /** External functions that the object calls. */
  undefined: string[];
}

const strict = ['-std=c99', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
const list = (bytes: Iterable<number>) => `{${[...bytes].join(',')}}`;

/** A folder with a model's C and its golden frames. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'runlet-c-'));
  private readonly c: CForm;

  constructor(c: CForm, { manifest: m }: Pick<Bundle, 'manifest'>, frames: Uint8Array, outputs: Uint8Array) {
    this.c = c;
    for (const [path, text] of Object.entries(c.files)) {
      mkdirSync(dirname(this.at(path)), { recursive: true });
      writeFileSync(this.at(path), text);
    }
    const inputs = m.inputs.map((p) => p.elements * m.hop * (p.rate ?? 1) * storedBytes(p));
    const golden = [
      `static const unsigned char frames[] = ${list(frames)};`,
      `static const unsigned char expected[] = ${list(outputs)};`,
      `static const unsigned input_bytes[] = ${list(inputs)};`,
      `static const unsigned output_bytes[] = ${list(m.outputs.map((p) => p.elements * storedBytes(p)))};`,
    ];
    writeFileSync(this.at('golden.h'), `${golden.join('\n')}\n`);
  }

  at = (name: string): string => join(this.path, name);
  remove = (): void => rmSync(this.path, { recursive: true, force: true });

  /** Returns the compiler's arguments for the test program, with the model's names. */
  private main(): string[] {
    const { name } = this.c;
    const defines = [`-DHEADER="${name}.h"`, `-DP(x)=${name}_##x`, `-DM(x)=${name.toUpperCase()}_##x`];
    return ['-std=gnu99', `-I${this.path}`, `-I${this.at('src')}`, ...defines, join(here, 'main.c')];
  }

  /**
   * Runs on this machine with address and undefined-behaviour sanitizers. @throws Error if they find a fault
   */
  async onHost(compiler = 'gcc'): Promise<Ran> {
    const sanitize = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    await exec(compiler, [...strict, ...sanitize, '-c', this.at(`src/${this.c.name}.c`), '-o', this.at('host.o')]);
    await exec(compiler, [...sanitize, '-DPIECES', ...this.main(), this.at('host.o'), '-o', this.at('host')]);
    return ranOf(await exec(this.at('host')));
  }

  /** Runs on a core in QEMU. @param options of the compiler for the model, such as -O2 */
  async onCore(which: CoreName, options: string[]): Promise<Ran & Sizes> {
    const core = cores[which];
    const object = this.at(`${which}.o`);
    await exec(core.compiler, [...strict, ...options, ...archOf(which), '-c', this.at(`src/${this.c.name}.c`), '-o', object]);
    const elf = this.at(`${which}.elf`);
    await exec(core.compiler, ['-O2', '-w', ...this.main(), object, ...core.flags, '-o', elf]);
    const ran = ranOf(await exec(core.qemu, [...core.machine, ...semihosting, ...quiet, '-kernel', elf], { timeout: 60_000 }));
    return { ...ran, ...(await sizesOf(core.compiler, object)) };
  }
}

/** Returns the compiler's options that choose the core's code. */
const archOf = (which: CoreName): string[] => cores[which].flags.filter((flag) => /^-m|^--specs=picolibc/.test(flag));

function ranOf({ stdout, stderr }: { stdout: string; stderr: string }): Ran {
  const found = /differing (\d+) outputs (\d+) bytes (\d+) least (\d+) most (\d+) stack (\d+)/.exec(stdout + stderr);
  if (!found) throw new Error(`the model's C printed ${JSON.stringify(stdout + stderr)}`);
  const [differing, outputs, bytes, least, most, stack] = found.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { differing, outputs, bytes, least, most, stack };
}

/** Returns the bytes of an object's sections. */
async function sizesOf(compiler: string, object: string): Promise<Sizes> {
  const tool = (name: string, args: string[]) => exec(compiler.replace(/gcc$/, name), [...args, object]);
  const sections = (await tool('size', ['-A'])).stdout;
  const sum = (form: RegExp) =>
    [...sections.matchAll(/^(\.\S+)\s+(\d+)/gm)].reduce(
      (n, [, name, bytes]) => n + (form.test(name as string) ? Number(bytes) : 0),
      0,
    );
  const names = (await tool('nm', ['-u'])).stdout;
  return {
    code: sum(/^\.text|^\.ARM\.ex/),
    constants: sum(/^\.s?rodata/),
    ram: sum(/^\.s?(data|bss)/),
    undefined: [...names.matchAll(/U (\S+)/g)].map(([, name]) => name as string),
  };
}
