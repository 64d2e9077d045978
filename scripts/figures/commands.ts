/**
 * Runs the commands that measure, each in a new process, and reads their JSON. Their other output goes to
 * stderr.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measured } from '../../host/bench/compare.ts';
import { root, shared } from '../../test/shared.ts';

const maxBytes = 1 << 26;

/** Runs `runlet bench ... --json` and returns the figures of each model. */
export function bench(...args: string[]): Measured[] {
  const stdio = ['ignore', 'pipe', 'inherit'] as ('ignore' | 'pipe' | 'inherit')[];
  const command = [join(root, 'host/cli/bin.js'), 'bench', ...args, '--json'];
  const text = execFileSync(process.execPath, command, { cwd: root, stdio, encoding: 'utf8', maxBuffer: maxBytes });
  const found = JSON.parse(text) as Measured | { models: Measured[] };
  return 'models' in found ? found.models : [found];
}

/** Runs `npm run NAME -- ... --json FILE` and returns the figures. @throws Error if it wrote no file */
export function script<T>(name: string, ...args: string[]): T {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-figures-'));
  try {
    const file = join(folder, 'figures.json');
    execFileSync('npm', ['run', '--silent', name, '--', ...args, '--json', file], { cwd: root, stdio: ['ignore', 2, 2] });
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Model {
  name: string;
  /** Model file and options for `runlet bench` and `npm run bench:wamr`. */
  args: string[];
}

const zooModel = ['models/zoo/kws/kws.onnx', '--calib', 'models/zoo/kws/calib.npy', '--hop', '2'];

/** Returns networks of the benchmark and models of files, by name. */
export function models(names: readonly string[]): Model[] {
  const other = (path: string, hop: number) => [join(shared('models', path) ?? '', 'model.tflite'), '--hop', `${hop}`];
  const files: Record<string, () => string[]> = {
    kws: () => zooModel,
    okay_nabu: () => other('mww/v2/okay_nabu', 3),
    str_ww: () => other('mlperf-tiny/str_ww_ref_model', 1),
  };
  return names.map((name) => ({ name: name.split(':')[0] as string, args: files[name]?.() ?? [name] }));
}
