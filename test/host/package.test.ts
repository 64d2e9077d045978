/**
 * The package as npm makes it, from a copy of this clone: a project that has it and its dependencies alone compiles against its types, builds, runs
 * and finds the command. And scripts/prepare.mjs, that makes dist/ where other programs may be reading it.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';
import { allFiles, textOf } from '../sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-package-'));
test.after(() => rmSync(folder, { recursive: true }));
const clone = join(folder, 'clone');
const user = join(folder, 'user');
const installed = join(user, 'node_modules/runlet');

const run = (cwd: string, command: string, ...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 26 });
  assert.is(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
};
const node = (cwd: string, ...args: string[]): string => run(cwd, process.execPath, ...args);

/** The clone's files and what is installed; what npm makes of it, unpacked; beside it the packages that the lock file has for users. */
test.before(() => {
  for (const file of allFiles) {
    mkdirSync(join(clone, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(clone, file));
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  const [{ filename }] = JSON.parse(run(clone, 'npm', 'pack', '--json', '--silent')) as [{ filename: string }];
  mkdirSync(installed, { recursive: true });
  run(clone, 'tar', '-xzf', filename, '-C', installed, '--strip-components=1');
  const { packages } = JSON.parse(textOf('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  for (const [path, { dev, optional }] of Object.entries(packages)) {
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || dev || (optional && !existsSync(join(root, path)))) continue;
    mkdirSync(join(user, dirname(path)), { recursive: true });
    symlinkSync(join(root, path), join(user, path));
  }
  writeFileSync(join(user, 'package.json'), '{ "type": "module" }\n');
});

test('a project compiles against the types and runs what it compiled', () => {
  writeFileSync(
    join(user, 'use.ts'),
    `import { readFile } from 'node:fs/promises';
import { build, planRows, planStream, quantize, quantPlan, readModel, type Bundle, type Session } from 'runlet';
import { openSession } from 'runlet/session';

const graph = await readModel(await readFile('node_modules/runlet/models/zoo/ppg-hr/ppg-hr.onnx'));
const options = { hop: 64 };
const rows: number = planRows(planStream(graph, options)).length;
const signal = Float32Array.from({ length: 32 * 60 }, (_, i) => Math.sin(i / 4));
const bundle: Bundle = await build(quantPlan(quantize(graph, options, signal, { noReport: true }).graph, options));
const session: Session = await openSession(bundle.wasm);
let outputs = 0;
session.pushAll(signal, () => outputs++);
// @ts-expect-error: a hop is a number
export const refused = () => planStream(graph, { hop: 'long' });
console.log(JSON.stringify({ rows, outputs }));
`,
  );
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  const options = ['--module', 'nodenext', '--target', 'es2022', '--strict', ...types, 'use.ts'];
  node(user, join(root, 'node_modules/typescript/bin/tsc'), ...options);
  const { rows, outputs } = JSON.parse(node(user, 'use.js'));
  assert.ok(rows > 0 && outputs > 0, `${rows} layers, ${outputs} outputs`);
});

test('the command is found, without development dependencies or a loader of TypeScript', () => {
  const bin = join(installed, 'host/cli/bin.js');
  assert.is(node(user, bin, '--version').trim(), (JSON.parse(textOf('package.json')) as { version: string }).version);
  assert.match(node(user, bin, 'explain', 'RN707'), 'RN707');
  const model = join(installed, 'models/zoo/ppg-hr/ppg-hr.onnx');
  const calib = join(installed, 'models/zoo/ppg-hr/calib.npy');
  node(user, bin, 'build', model, '--hop', '64', '--calib', calib, '-o', 'out.wasm');
  assert.match(node(user, bin, 'run', 'out.wasm', 'gen:sine?seconds=20'), /"output"/);
});

test('what is in it: what package.json names, and nothing of the tests', () => {
  const { exports, bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>;
    bin: Record<string, string>;
  };
  const named = [
    ...Object.values(exports).flatMap((e) => (typeof e === 'string' ? [e] : Object.values(e))),
    ...Object.values(bin),
  ];
  assert.equal(
    named.filter((path) => !existsSync(join(installed, path))),
    [],
  );
  for (const path of ['README.md', 'LICENSE', 'NOTICE', 'docs/abi.md', 'host/mcu/runlet.c'])
    assert.ok(existsSync(join(installed, path)), path);
  for (const path of ['test', 'scripts', 'assembly', 'dist/host/web', 'models/zoo/kws/folds'])
    assert.not.ok(existsSync(join(installed, path)), path);
});

test('prepare leaves what is right as it is, mends what is not, and removes what has no source', () => {
  const at = (path: string) => join(clone, 'dist', path);
  const prepare = () => node(clone, 'scripts/prepare.mjs');
  prepare();
  const right = readFileSync(at('index.js'), 'utf8');
  const long = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000);
  for (const path of ['index.js', 'package.json']) utimesSync(at(path), long, long);
  mkdirSync(at('gone'));
  for (const path of ['gone/old.js', 'old.js']) writeFileSync(at(path), '');
  writeFileSync(at('models/error.js'), 'changed');
  rmSync(at('host/cli/main.js'));
  prepare();
  assert.is(statSync(at('index.js')).mtimeMs, long.getTime(), 'it was not written again');
  assert.is(readFileSync(at('index.js'), 'utf8'), right);
  assert.ok(statSync(at('package.json')).mtimeMs > long.getTime() + 3_000_000, 'this one says when dist/ was made');
  assert.match(readFileSync(at('models/error.js'), 'utf8'), 'RunletError');
  assert.ok(existsSync(at('host/cli/main.js')));
  for (const path of ['gone/old.js', 'old.js', 'index.d.ts']) assert.not.ok(existsSync(at(path)), path);
});

test.run();
