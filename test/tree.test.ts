/**
 * The design's rules about the tree, as tests.
 *
 * Import direction, fresh indexes, headers, names, length of files and functions, pinned dependencies, no
 * words of one machine. Operators: tree-operators.test.ts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { functionsIn, spreadCalls } from './functions.ts';
import { root } from './shared.ts';
import { allFiles, sourcesIn, textOf, withoutComments } from './sources.ts';

/** What is compiled into dist, by its source. */
const sourceOf = (path: string): string => posix.join('.', path).replace(/^dist\/(.*)\.js$/, '$1.ts');
const exported = (name: string): string => {
  const entry = manifest.exports[name];
  return sourceOf(typeof entry === 'object' ? entry.default : (entry ?? ''));
};

const stages = ['models', 'quant', 'assembly', 'host'];
const sources = [...allFiles.filter((f) => /^[^/]+\.ts$/.test(f)), ...sourcesIn(...stages, 'test', 'scripts')];
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  exports: Record<string, string | { types: string; default: string; browser?: string }>;
  bin: Record<string, string>;
  files: string[];
};

/** What a file imports, types included: relative paths resolved against the root, others as they stand. */
function importsOf(file: string): { path: string; typeOnly: boolean }[] {
  const text = withoutComments(textOf(file));
  const found: { path: string; typeOnly: boolean }[] = [];
  const add = (specifier: string, typeOnly: boolean) => {
    if (specifier.includes('$')) return; // the text of a generated import
    const relative = specifier.startsWith('.') ? posix.join(dirname(file), specifier) : specifier;
    const path = /^assembly\/(kernels|runtime)\//.test(relative) && !relative.endsWith('.ts') ? `${relative}.ts` : relative;
    found.push({ path, typeOnly });
  };
  for (const [, type, specifier] of text.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'"();]*?\sfrom\s+)?['"]([^'"]+)['"]/gm))
    add(specifier as string, type !== undefined);
  for (const [, specifier] of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) add(specifier as string, false);
  for (const [, specifier] of text.matchAll(/new URL\(\s*['"](\.\/[^'"]+\.m?[jt]s)['"]/g)) add(specifier as string, false);
  return found;
}

const stageOf = (path: string): number => stages.indexOf(path.split('/')[0] as string);

test('a folder imports only from folders above it: models, quant, assembly, host', () => {
  const wrong: string[] = [];
  let count = 0;
  for (const file of sourcesIn(...stages))
    for (const { path } of importsOf(file)) {
      if (stageOf(path) < 0) {
        if (/^(test|scripts)\/|^index\.ts$/.test(path)) wrong.push(`${file} -> ${path}`);
        continue;
      }
      count++;
      if (stageOf(path) > stageOf(file)) wrong.push(`${file} -> ${path}`);
      if (!existsSync(join(root, path)) && !path.includes('*')) wrong.push(`${file} -> ${path} (no such file)`);
    }
  assert.equal(wrong, []);
  assert.ok(count > 300, `${count} imports were seen`);
});

/** Files that import one another, by way of others or not (Tarjan's strongly connected components). */
function circles(files: readonly string[]): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    order.set(file, order.size);
    low.set(file, order.get(file) as number);
    open.push(file);
    for (const { path } of importsOf(file)) {
      if (!files.includes(path)) continue;
      const reached = order.has(path)
        ? open.includes(path)
          ? (order.get(path) as number)
          : Number.POSITIVE_INFINITY
        : visit(path);
      low.set(file, Math.min(low.get(file) as number, reached));
    }
    if (low.get(file) === order.get(file)) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1) found.push(circle.sort());
    }
    return low.get(file) as number;
  };
  for (const file of files) if (!order.has(file)) visit(file);
  return found;
}

test('files do not import one another in a circle, types included', () => {
  // the runtime's network.ts hands on what the others make of its numbers: a build puts its own in its place
  const files = sourcesIn('models', 'quant', 'assembly', 'host').filter((file) => !file.startsWith('assembly/runtime/'));
  assert.equal(circles(files), []);
});

test('assembly/kernels and runtime import nothing outside themselves, and of them numbers.ts alone is imported', () => {
  const kernel = (path: string) => /^assembly\/(kernels|runtime)\//.test(path);
  const wrong: string[] = [];
  for (const file of sourcesIn(...stages))
    for (const { path } of importsOf(file)) {
      if (kernel(file) && !kernel(path)) wrong.push(`${file} -> ${path}`);
      if (!kernel(file) && kernel(path) && path !== 'assembly/runtime/numbers.ts') wrong.push(`${file} -> ${path}`);
    }
  assert.equal(wrong, []);
});

/**
 * All files that a file imports, itself included, and the packages among them. Types are erased, but followed
 * all the same.
 */
function closure(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    for (const { path } of importsOf(file)) existsSync(join(root, path)) ? visit(path) : packages.add(path);
  };
  visit(entry);
  return { files, packages };
}

test('host/session has no dependency and no Node import, and of the rest imports the manifest reader and the error type', () => {
  const { files, packages } = closure('host/session/index.ts');
  assert.equal([...packages], []);
  const outside = [...files].filter((f) => !f.startsWith('host/session/')).sort();
  const allowed = ['check', 'manifest', 'read', 'timing'].map((n) => `assembly/bundle/${n}.ts`);
  assert.equal(outside, [...allowed, 'models/class-index.ts', 'models/error.ts', 'models/printable.ts', 'models/xorshift.ts']);
  const globals = [...files].filter((f) => /\b(Buffer|process|__dirname|require)\b\s*[.(]/.test(withoutComments(textOf(f))));
  assert.equal(globals, [], 'globals that only Node has');
  const own = sourcesIn('host/session').filter((f) => !files.has(f));
  assert.equal(own, [], 'files of host/session that its index does not reach');
});

test('the page and runlet/compile have no Node import: they read, plan, quantise and build models in a browser', () => {
  const entries = [...sourcesIn('host/web'), exported('./compile')];
  assert.ok(entries.length > 20);
  const closures = entries.map(closure);
  const files = new Set(closures.flatMap((found) => [...found.files]));
  for (const needed of ['models/read/index.ts', 'quant/quantize.ts', 'assembly/assemble.ts'])
    assert.ok(files.has(needed), needed);
  const nodeImports = closures.flatMap(({ packages }) => [...packages]).filter((name) => name.startsWith('node:'));
  assert.equal(nodeImports, []);
  const globals = [...files].filter((f) => /\b(Buffer|process)\.|\b(require|__dirname)\b/.test(withoutComments(textOf(f))));
  assert.equal(globals, [], 'globals that only Node has');
});

/** Folders, and what they may not import: arrows inside a stage go one way. */
const oneWay: [from: string, to: string][] = [
  ['models/stream', 'models/report'],
  ['host/fit', 'host/report'],
  ['host/bench', 'host/report'],
];

test('no arrow goes up inside a stage, and nothing imports the verbs', () => {
  const wrong: string[] = [];
  for (const file of sourcesIn(...stages))
    for (const { path } of importsOf(file)) {
      const isUp = oneWay.some(([from, to]) => file.startsWith(`${from}/`) && path.startsWith(`${to}/`));
      if (isUp || (path.startsWith('host/cli/') && !file.startsWith('host/cli/'))) wrong.push(`${file} -> ${path}`);
    }
  assert.equal(wrong, []);
});

test('no list is spread into a call: arguments are on the stack, and a long list from outside would end the process', () => {
  const wrong = sourcesIn(...stages)
    .filter((f) => f !== 'models/graph/base64.ts')
    .flatMap(spreadCalls);
  assert.equal(wrong, [], 'models/lists.ts has append, maxOf and minOf');
});

test('generated indexes are fresh', () => {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/generate.ts', '--check'], { cwd: root });
  assert.is(status, 0, String(stderr));
});

test('every source file begins with a comment that says what it is', () => {
  const wrong = sources.filter((file) => !/^(#!.*\n)?\/\*\*[^*]*\S[\s\S]*?\*\//.test(textOf(file)));
  assert.equal(wrong, []);
});

test('file names are kebab-case', () => {
  const wrong = sources.filter((f) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|cases|worker))?\.(ts|mjs|js)$/.test(posix.basename(f)));
  assert.equal(wrong, []);
  // figures of a release have its version
  const isFigures = (f: string) => /^docs\/performance\/\d+\.\d+\.\d+\.json$/.test(f);
  const pages = allFiles.filter(
    (f) => f.startsWith('docs/') && !isFigures(f) && !/^[a-z0-9]+(-[a-z0-9]+)*\.[a-z]+$/.test(posix.basename(f)),
  );
  assert.equal(pages, []);
});

test('no file is longer than 400 lines, and the median is about 100', () => {
  const lengths = sources.map((file) => ({ file, lines: textOf(file).split('\n').length - 1 }));
  assert.equal(
    lengths.filter(({ lines }) => lines > 400),
    [],
  );
  const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] as number;
  assert.ok(median >= 40 && median <= 120, `median ${median}`);
});

test('no line of a comment is longer than 110 columns', () => {
  const isLong = (line: string) => line.length > 110 && /^\s*(\/\/|\/\*|\*)/.test(line);
  // a line of base64 may begin with //
  const written = sources.filter((file) => !file.startsWith('assembly/interpreters/'));
  const found = written.filter((file) => textOf(file).split('\n').some(isLong));
  assert.equal(found, []);
});

test('no function is longer than 70 lines', () => {
  const all = sources.flatMap((file) => functionsIn(file).map(({ name, lines }) => ({ name: `${file}: ${name}`, lines })));
  assert.ok(all.length > 5000, `${all.length} functions were seen`);
  const wrong = all.filter(({ lines }) => lines > 70).map(({ name, lines }) => `${name}, ${lines} lines`);
  assert.equal(wrong, []);
});

/** The packages of this clone, and of the gateway what it shares with runlet. */
const [session, gateway] = ['host/session', 'host/gateway'].map(
  (folder) => JSON.parse(textOf(`${folder}/package.json`)) as typeof manifest & { peerDependencies?: Record<string, string> },
) as [typeof manifest, typeof manifest & { peerDependencies: Record<string, string> }];

test('dependencies are pinned exactly, and those that are imported are listed in the package of the file', () => {
  const { dependencies, devDependencies } = manifest;
  const pinned = { ...dependencies, ...devDependencies, ...gateway.dependencies, ...gateway.peerDependencies };
  // a clone is among its own packages, by a link
  for (const [name, version] of Object.entries(pinned))
    assert.match(version, name === 'runlet' ? /^(\d+\.\d+\.\d+|file:\.)$/ : /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
  for (const one of [session, gateway]) assert.is(one.version, manifest.version, 'packages have one version');
  for (const version of [
    dependencies['@runlet/session'],
    gateway.dependencies['@runlet/session'],
    gateway.peerDependencies.runlet,
  ])
    assert.is(version, manifest.version);
  assert.not.ok(session.dependencies);
  const wrong: string[] = [];
  for (const file of [...sourcesIn(...stages), 'index.ts', 'compile.ts', 'session.ts'])
    for (const { path } of importsOf(file)) {
      if (path.startsWith('node:') || existsSync(join(root, path)) || stageOf(path) >= 0) continue;
      const name = path.split('/', path.startsWith('@') ? 2 : 1).join('/');
      // in a clone whose sources are newer than dist
      if (['host/cli/bin.js', 'host/gateway/worker/start.mjs'].includes(file) && name === 'tsx') continue;
      const owner = file.startsWith('host/gateway/') ? gateway : manifest;
      if (!Object.hasOwn(owner.dependencies, name)) wrong.push(`${file} -> ${path}`);
    }
  assert.equal(wrong, [], 'run-time imports that package.json does not have under dependencies');
});

test('the gateway is a package that may be absent: others import its types, and its verbs through gatewayPart', () => {
  const outside = sourcesIn('host').filter((file) => !file.startsWith('host/gateway/'));
  const wrong = outside.filter(
    (file) =>
      importsOf(file).some(({ path, typeOnly }) => path.startsWith('host/gateway/') && !typeOnly) &&
      !/gatewayPart\('[^']+', \(\) => import\('\.\.\/gateway\//.test(textOf(file)),
  );
  assert.equal(wrong, []);
});

test('what package.json names is there', () => {
  const files = manifest.files.filter((path) => path !== 'dist').map((path) => path.replace(/^!/, ''));
  const missing = [
    ...Object.keys(manifest.exports)
      .filter((name) => !name.includes('*'))
      .map(exported),
    ...Object.values(manifest.bin),
    ...files,
  ].filter((path) => {
    const pattern = new RegExp(`^${posix.normalize(path).replaceAll('.', '\\.').replaceAll('*', '[^/]+')}(/|$)`);
    return !allFiles.some((file) => pattern.test(file));
  });
  assert.equal(missing, []);
});

test('no words of one machine or one registry in text files', () => {
  // spelt in two parts, so that this file does not hold them
  const banned = [
    ['/wo', 'rk/'],
    ['/tmp/', 'py'],
    ['/ho', 'me/'],
    ['/Us', 'ers/'],
    ['registry.', 'npmjs'],
    ['files.python', 'hosted'],
  ].map((w) => w.join(''));
  const isText = (f: string) =>
    /\.(ts|mjs|js|py|md|json|txt|yml|yaml|csv|svg|html)$|^(\.ci\/run|LICENSE|NOTICE|\.[a-z]+(\.json)?)$/.test(f);
  const wrong = allFiles
    .filter((f) => isText(f) && f !== 'package-lock.json')
    .flatMap((file) => banned.filter((word) => textOf(file).includes(word)).map((word) => `${file}: ${word}`));
  assert.equal(wrong, []);
});

test.run();
