/**
 * A copy of an example to build in, and the README's commands that build its model.
 *
 * In: names of folders in examples/.  Out: a folder like a clone: the examples, models/ and a new out/. The
 * commands come from the `sh` blocks of the READMEs, so a test builds what a reader builds.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import * as assert from 'uvu/assert';
import { runCli } from '../host/helpers.ts';
import { root } from '../shared.ts';

export const examples = join(root, 'examples');

export const installed = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;

/** Returns the lines of a README's `sh` blocks. */
export const commandsOf = (example: string): string[] =>
  [...readFileSync(join(examples, example, 'README.md'), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    (block as string).split('\n').filter((line) => line && !line.startsWith('#')),
  );

export class Workspace {
  readonly path = mkdtempSync(join(tmpdir(), 'runlet-example-'));

  constructor(...names: string[]) {
    symlinkSync(join(root, 'models'), this.at('models'));
    mkdirSync(this.at('out'));
    for (const name of names)
      cpSync(join(examples, name), this.at('examples', name), {
        recursive: true,
        filter: (path) => !/\/(node_modules|dist)$/.test(path),
      });
    process.on('exit', () => rmSync(this.path, { recursive: true, force: true }));
  }

  at = (...parts: string[]): string => join(this.path, ...parts);

  /** Runs the `npx runlet` lines of a README; there is at least one. */
  async make(example: string): Promise<void> {
    const lines = commandsOf(example).filter((line) => line.startsWith('npx runlet build '));
    assert.ok(lines.length > 0, `${example}: no command builds a model`);
    for (const line of lines) {
      const { code, stderr } = await runCli(this.path, line.split(' ').slice(2));
      assert.is(code, 0, `${line}\n${stderr}`);
    }
  }

  /** Runs a program in this folder and checks its exit code. @returns its standard output */
  run(command: string, args: string[], input: string | Uint8Array = ''): string {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      cwd: this.path,
      input,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    assert.is(status, 0, `${command} ${args.join(' ')}\n${error?.message ?? ''}${stdout}${stderr}`);
    return stdout;
  }
}

/** Builds `@runlet/session` from the sources and puts it where npm installs it for an example. */
export async function installSession(work: Workspace, example: string): Promise<void> {
  const folder = work.at('examples', example, 'node_modules/@runlet/session');
  const entryPoints = [join(root, 'host/session/index.ts')];
  await bundle({ entryPoints, bundle: true, format: 'esm', platform: 'browser', outfile: join(folder, 'index.js') });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: '@runlet/session', type: 'module', exports: './index.js' }));
}

/** Type-checks an example with its own options, against the session's sources. */
export function typeCheck(work: Workspace, example: string): void {
  const folder = work.at('examples', example);
  if (!existsSync(work.at('node_modules'))) symlinkSync(join(root, 'node_modules'), work.at('node_modules'));
  const compilerOptions = {
    allowImportingTsExtensions: true,
    paths: { '@runlet/session': [join(root, 'host/session/index.ts')] },
  };
  writeFileSync(join(folder, 'tsconfig.test.json'), JSON.stringify({ extends: './tsconfig.json', compilerOptions }));
  work.run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(folder, 'tsconfig.test.json')]);
}
