/**
 * The three packages as npm makes them from a copy of this clone, and projects outside it that install them.
 *
 * In: nothing, or the packages for a project.  Out: paths of tarballs and of projects.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';
import { allFiles } from '../sources.ts';

export interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

export function start(cwd: string, command: string, ...args: string[]): Run {
  // without npm's variables, which describe the run of this test
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || name === 'npm_config_cache'),
  );
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 26 });
  return { status, stdout, stderr };
}

/** Runs a command that must succeed. @returns its standard output */
export function run(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = start(cwd, command, ...args);
  assert.is(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Copies the clone's files and links the installed packages. */
export function copyClone(folder: string): string {
  const clone = join(folder, 'clone');
  for (const file of allFiles) {
    mkdirSync(join(clone, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(clone, file));
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  return clone;
}

export interface Packed {
  name: string;
  filename: string;
  unpackedSize: number;
  files: { path: string }[];
}

/** Packs the packages of a clone into `folder`. @returns npm's description of each */
export function pack(clone: string, folder: string): Map<string, Packed> {
  const all = ['--workspaces', '--include-workspace-root'];
  const text = run(clone, 'npm', 'pack', ...all, '--pack-destination', folder, '--json', '--silent');
  // npm 12 prints an object by name
  const packages = Object.values(JSON.parse(text) as Packed[] | Record<string, Packed>);
  return new Map(packages.map((one) => [one.name, one]));
}

/** Makes a project and installs these tarballs with npm. */
export function project(folder: string, name: string, tarballs: string[]): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), '{ "type": "module", "private": true }\n');
  install(path, tarballs);
  return path;
}

export const install = (path: string, tarballs: string[]): string =>
  run(path, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs);
