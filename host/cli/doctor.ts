/**
 * runlet doctor: checks what Runlet can use on this machine.
 *
 * In: nothing.  Out: one line per check. Exit code 1 if something required is missing; optional tools only
 * add features.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { coloursFor, exitCodes, printJson } from '../command/args.ts';
import { jsonArg } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { table } from '../report/table.ts';

export interface Check {
  name: string;
  ok: boolean;
  needed: boolean;
  /** What was found, or what it means that it is missing. */
  found: string;
}

const canRead = (path: string, mode: number): boolean => {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
};

/** Returns the path of the first of `names` in PATH; undefined if there is none. */
const inPath = (...names: string[]): string | undefined =>
  names
    .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
    .find((path) => canRead(path, constants.X_OK));

const isInstalled = (name: string): boolean => {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
};

/** A module whose only function is `i32.const 0; i8x16.splat`. */
const simdModule = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
]);

/** A module whose only function is `i32x4.relaxed_dot_i8x16_i7x16_add_s` of three such values. */
const relaxedModule = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0],
  ...[65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 147, 2, 11],
]);

/** Runs all checks; returns them in the order of printing. */
export function checks(): Check[] {
  const node = Number(process.versions.node.split('.')[0]);
  const simd = WebAssembly.validate(simdModule);
  const relaxed = WebAssembly.validate(relaxedModule);
  const writes = canRead(process.cwd(), constants.W_OK);
  const optional = (name: string, found: string | undefined, without: string): Check => ({
    name,
    ok: found !== undefined,
    needed: false,
    found: found ?? without,
  });
  return [
    {
      name: 'Node',
      ok: node >= 20,
      needed: true,
      found: `${process.version}${node >= 20 ? '' : '; Node 20 or newer is required'}`,
    },
    { name: 'WebAssembly', ok: true, needed: true, found: `V8 ${process.versions.v8}` },
    {
      name: 'WebAssembly SIMD',
      ok: simd,
      needed: false,
      found: simd ? 'yes' : 'no; only modules of target simd or relaxed need it',
    },
    {
      name: 'WebAssembly relaxed SIMD',
      ok: relaxed,
      needed: false,
      found: relaxed
        ? 'yes; modules of target relaxed check the CPU when they start'
        : 'no; modules of target relaxed are refused',
    },
    { name: 'compiler', ok: isInstalled('assemblyscript/asc'), needed: true, found: 'assemblyscript, required by build' },
    { name: 'write access', ok: writes, needed: true, found: process.cwd() },
    optional('Chromium', inPath('chromium', 'chromium-browser', 'google-chrome'), 'only for the tests in a browser'),
    optional('wabt (wasm2c)', inPath('wasm2c'), 'only for bundles as C code'),
  ];
}

export default defineVerb({
  examples: [['doctor', 'shows what is available, what is missing, and what needs it']],
  args: jsonArg,
  run({ args }) {
    const all = checks();
    const ok = all.every((check) => check.ok || !check.needed);
    if (args.json) printJson({ ok, checks: all });
    else {
      const { green, red, yellow } = coloursFor(process.stdout);
      const mark = (c: Check) => (c.ok ? green('ok') : c.needed ? red('missing') : yellow('absent'));
      process.stdout.write(`${table(all.map((c) => [mark(c), c.name, c.found]))}\n`);
    }
    if (!ok) process.exitCode = exitCodes.checkFailed;
  },
});
