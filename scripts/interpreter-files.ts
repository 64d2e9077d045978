/**
 * Generates assembly/interpreters: interpreters of layer tables, which builds without a compiler use.
 *
 * In: kernels and the compiler's sources.  Out: the text of each file. A file whose digest matches its
 * sources is not compiled again, because that takes some seconds.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeTools } from '../assembly/emit/compile.ts';
import { everyKernel, everyNeed, kernelSets } from '../assembly/emit/interpreters.ts';
import type { KernelName } from '../assembly/emit/kernels.ts';
import { type Need, needsSource } from '../assembly/emit/needs.ts';
import { interpreter } from '../assembly/emit/table-module.ts';
import { tableSource } from '../assembly/emit/table-source.ts';
import { toBase64 } from '../models/graph/base64.ts';
import { root } from '../test/shared.ts';

const lineCharacters = 160;
/** Files that affect the compilation, in addition to the kernels and the runtime. */
const compiledBy = [
  'asconfig.json',
  'asconfig.mjs',
  'assembly/emit/compiler.ts',
  'assembly/emit/needs.ts',
  'assembly/emit/tees.ts',
  'assembly/emit/tools.mjs',
  'node_modules/assemblyscript/package.json',
];

function digestOf(kernels: KernelName[], needs: ReadonlySet<Need>): string {
  const hash = createHash('sha256');
  for (const text of Object.values({ ...nodeTools.sources(), ...tableSource(kernels, false), needs: needsSource(needs) }))
    hash.update(text);
  for (const path of compiledBy) hash.update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

async function textOf(kernels: KernelName[], needs: ReadonlySet<Need>, digest: string): Promise<string> {
  const { code } = await interpreter(kernels, { target: 'interp', ownClock: false, sound: false, needs });
  return [
    '/**',
    ' * Generated from assembly/kernels by scripts/generate.ts; do not edit. An interpreter of layer tables: its',
    ' * module as base64.',
    ` * Sources: ${digest}`,
    ' */',
    'export const code = `',
    ...(toBase64(code).match(new RegExp(`.{1,${lineCharacters}}`, 'g')) as string[]),
    '`;',
    '',
  ].join('\n');
}

/** Returns path and text of each file. */
export async function interpreterFiles(): Promise<[path: string, text: string][]> {
  const files: [string, string][] = [];
  for (const set of kernelSets) {
    const path = `assembly/interpreters/${set}.ts`;
    const kernels = everyKernel('interp', 'embed', set);
    const needs = everyNeed('interp', 'embed', set);
    const digest = digestOf(kernels, needs);
    const there = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '';
    files.push([path, there.includes(` * Sources: ${digest}\n`) ? there : await textOf(kernels, needs, digest)]);
  }
  return files;
}
