/**
 * A model's C, compiled and run: on this machine under sanitizers, and on microcontrollers' cores in QEMU.
 *
 * In: a QuantPlan, or a bundle with its C; frames and the outputs that are wanted.  Out: bytes that differ;
 * on a core also instructions of a push, bytes of flash and RAM, stack. Source of the counts:
 * host/bench/count.ts.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Bundle } from '../../assembly/build.ts';
import type { CForm } from '../../assembly/c/build-c.ts';
import { type CoreName, cores, quiet, semihosting } from '../../host/bench/count.ts';
import { storedBytes } from '../../host/session/open.ts';

const exec = promisify(execFile);
const here = import.meta.dirname;

export const installed = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;

/** The line that says what a test needs, or undefined where all is there. */
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
  /** Functions of others that the object calls. */
  undefined: string[];
}

const strict = ['-std=c99', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
const list = (bytes: Iterable<number>) => `{${[...bytes].join(',')}}`;

/** A folder with a model's C and its golden. */
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

  /** The test program, with the model's names. */
  private main(): string[] {
    const { name } = this.c;
    const defines = [`-DHEADER="${name}.h"`, `-DP(x)=${name}_##x`, `-DM(x)=${name.toUpperCase()}_##x`];
    return ['-std=gnu99', `-I${this.path}`, `-I${this.at('src')}`, ...defines, join(here, 'main.c')];
  }

  /** On this machine, under the address and undefined-behaviour sanitizers; a fault fails. */
  async onHost(compiler = 'gcc'): Promise<Ran> {
    const sanitize = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    await exec(compiler, [...strict, ...sanitize, '-c', this.at(`src/${this.c.name}.c`), '-o', this.at('host.o')]);
    await exec(compiler, [...sanitize, '-DPIECES', ...this.main(), this.at('host.o'), '-o', this.at('host')]);
    return ranOf(await exec(this.at('host')));
  }

  /** On a core in QEMU; the model with `options`, such as -O2. */
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

/** What a compiler takes for code alone. */
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

/** Bytes of an object's sections. */
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
