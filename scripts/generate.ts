/**
 * Writes the operator indexes from the folders' file names: models/ops, quant/ops, assembly/emit/ops (`npm run generate`).
 *
 * In: one file per operator. Out: index.ts beside them; with --check nothing is written and a stale index exits 1.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
/** folder -> files that hold no operator, and the registry's type. */
const folders: Record<string, { helpers: string[]; typeFrom: string; type: string; name: string; partial: boolean }> = {
  'models/ops': { helpers: ['op', 'sliding'], typeFrom: './op.ts', type: 'OpDef', name: 'ops', partial: false },
  'quant/ops': {
    helpers: ['op', 'sliding', 'tables', 'int16'],
    typeFrom: './op.ts',
    type: 'IntOp',
    name: 'intOps',
    partial: false,
  },
  'assembly/emit/ops': {
    helpers: [
      'op',
      'sliding',
      'global',
      'fold',
      'taps',
      'mac',
      'mac-block',
      'mac-simd',
      'simd-tiles',
      'fetched',
      'int16',
      'tiles',
      'requantise-f32',
      'requantise-interp',
      'requantise-simd',
    ],
    typeFrom: './op.ts',
    type: 'EmitOp',
    name: 'emitOps',
    partial: false,
  },
};

const check = process.argv.includes('--check');
let stale = 0;
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
    `export const ${lookup} = <K extends OpName>(name: K): ${spec.type}<K> => ${spec.name}[name] as ${spec.type}<K>;`,
    '',
  ]
    .join('\n')
    .replace(`'${up}/models/graph/types.ts'`, folder === 'models/ops' ? `'../graph/types.ts'` : `'${up}/models/graph/types.ts'`);
  const path = join(dir, 'index.ts');
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  if (check) {
    console.error(`stale: ${folder}/index.ts; run npm run generate`);
    stale++;
  } else writeFileSync(path, text);
}
process.exitCode = stale ? 1 : 0;
