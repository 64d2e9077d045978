/**
 * Writes all generated files (`npm run generate`): the operator indexes models/ops, quant/ops,
 * assembly/emit/ops from the folders' file names; the WebAssembly modules host/session/quantise-kernel.ts and
 * models/products-kernel.ts from assembly/host; assembly/emit/blocks.ts and kernels.ts and
 * assembly/interpreters from assembly/kernels; docs/operators.md from the operators and the readers' tables.
 *
 * In: one file per operator, AssemblyScript.  Out: the generated files. With --check nothing is written, and
 * a stale file gives exit code 1.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeTools } from '../assembly/emit/compile.ts';
import { jobOf } from '../assembly/emit/compiler.ts';
import { blockFiles } from './block-files.ts';

const root = join(import.meta.dirname, '..');
/** By folder: files that define no operator, and the type of the registry. */
const folders: Record<string, { helpers: string[]; typeFrom: string; type: string; name: string; partial: boolean }> = {
  'models/ops': {
    helpers: ['op', 'sliding', 'unary', 'recurrent'],
    typeFrom: './op.ts',
    type: 'OpDef',
    name: 'ops',
    partial: false,
  },
  'quant/ops': {
    helpers: ['op', 'sliding', 'tables', 'curves', 'int16', 'softmax-int16', 'gates', 'recurrent'],
    typeFrom: './op.ts',
    type: 'IntOp',
    name: 'intOps',
    partial: false,
  },
  'assembly/emit/ops': {
    helpers: ['op', 'sliding', 'global', 'fold', 'parts', 'taps', 'mac', 'int16', 'recurrent'],
    typeFrom: './op.ts',
    type: 'EmitOp',
    name: 'emitOps',
    partial: false,
  },
};

const check = process.argv.includes('--check');
let stale = 0;

function put(file: string, text: string): void {
  const path = join(root, file);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  if (!check) writeFileSync(path, text);
  else {
    console.error(`stale: ${file}; run npm run generate`);
    stale++;
  }
}

for (const [folder, spec] of Object.entries(folders)) {
  const dir = join(root, folder);
  if (!existsSync(dir)) continue;
  const names = readdirSync(dir)
    .filter((f) => f.endsWith('.ts') && f !== 'index.ts')
    .map((f) => f.slice(0, -3))
    .filter((n) => !spec.helpers.includes(n))
    .sort();
  const up = folder
    .split('/')
    .map(() => '..')
    .join('/');
  const lookup = `${spec.name === 'ops' ? 'op' : spec.name.replace(/s$/, '')}Of`;
  const text = [
    `/** Generated from this folder's file names by scripts/generate.ts; do not edit. */`,
    `import type { OpName } from '${up}/models/graph/types.ts';`,
    ...[...names.map((n) => [n, `{ ${n} }`] as const), ['op', `type { ${spec.type} }`] as const]
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([n, what]) => `import ${what} from './${n}.ts';`),
    '',
    `export const ${spec.name}: { [K in OpName]: ${spec.type}<K> } = {`,
    ...names.map((n) => `  ${n},`),
    '};',
    '',
    ...(spec.name === 'ops' ? ['export const opOf = <K extends OpName>(name: K): OpDef<K> => ops[name] as OpDef<K>;', ''] : []),
    "/** Returns the definition of a node's operator. */",
    `export const ${lookup}Node = (node: { op: OpName }) => ${spec.name}[node.op] as unknown as ${spec.type}<OpName>;`,
    '',
  ]
    .join('\n')
    .replace(`'${up}/models/graph/types.ts'`, folder === 'models/ops' ? `'../graph/types.ts'` : `'${up}/models/graph/types.ts'`);
  put(`${folder}/index.ts`, text);
}

/** WebAssembly modules of the host and of the reference models: source, and folder of the generated file. */
const hostKernels = [
  { name: 'quantise', folder: 'host/session', pages: 1 },
  { name: 'products', folder: 'models' },
];
for (const { name, folder, pages } of hostKernels) {
  const source = `assembly/host/${name}.ts`;
  const files = { 'module.ts': readFileSync(join(root, source), 'utf8') };
  const { wasm, diagnostics } = await nodeTools.assemble(jobOf(nodeTools, { files, target: 'simd', pages }));
  if (!wasm) throw new Error(`${source} does not compile: ${diagnostics}`);
  const lines = Array.from(
    { length: Math.ceil(wasm.length / 32) },
    (_, i) => `  ${wasm.subarray(32 * i, 32 * i + 32).join(', ')},`,
  );
  put(
    `${folder}/${name}-kernel.ts`,
    [
      `/** A WebAssembly module. Generated from ${source} by scripts/generate.ts; do not edit. */`,
      `export const ${name}Kernel = new Uint8Array([`,
      ...lines,
      ']);',
      '',
    ].join('\n'),
  );
}
for (const [path, text] of await blockFiles()) put(path, text);
// imported now, because these modules read the files that were just written
const { interpreterFiles } = await import('./interpreter-files.ts');
for (const [path, text] of await interpreterFiles()) put(path, text);
const { operatorsPage } = await import('./operators-page.ts');
put('docs/operators.md', await operatorsPage());
process.exitCode = stale ? 1 : 0;
