/**
 * Bundles as WASI commands, on Node's WASI and on each installed runtime: every byte equals the session's.
 * Tests all bundles, or a share of them (RUNLET_SHARE). Also runs the commands of docs/runtimes.md unchanged.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Target } from '../../assembly/emit/target.ts';
import { root, todays } from '../shared.ts';
import { textOf } from '../sources.ts';
import { sharedSubjects, zooSubjects } from '../wamr/models.ts';
import { signalOf } from '../wamr/signal.ts';
import { runInNode } from './node-wasi.ts';
import { type Ran, runProgram, runtimes, runWith } from './runtimes.ts';

const found = runtimes();
const folder = mkdtempSync(join(tmpdir(), 'runlet-wasi-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

/** Number of modules and bytes that were compared on each runtime. */
const totals = new Map<string, { modules: number; bytes: number }>();

for (const { name, open } of todays([...zooSubjects, ...sharedSubjects()]))
  test(`${name}: the bytes of Node's session on every runtime`, async () => {
    const make = await open();
    for (const target of ['interp', 'native'] as Target[]) {
      const { wasm, ...bundle } = await make(target, undefined, 'wasi');
      const { frames, outputs } = await signalOf({ wasm, ...bundle });
      writeFileSync(at('module.wasm'), wasm);
      const half = frames.length >> 1;
      const ran: [string, Ran][] = [["Node's WASI", await runInNode(wasm, frames)]];
      for (const runtime of found)
        ran.push([runtime.name, await runWith(runtime, at('module.wasm'), [frames.subarray(0, half), frames.subarray(half)])]);
      for (const [runtime, { status, out, err }] of ran) {
        assert.is(status, 0, `${target}, ${runtime}: ${err}`);
        assert.is(out.length, outputs.length, `${target}, ${runtime}`);
        const differing = out.reduce((sum, byte, i) => sum + Number(byte !== outputs[i]), 0);
        assert.is(differing, 0, `${target}, ${runtime}: bytes that differ`);
        const { modules, bytes } = totals.get(runtime) ?? { modules: 0, bytes: 0 };
        totals.set(runtime, { modules: modules + 1, bytes: bytes + out.length });
      }
      console.log(`  ${name}, ${target}: ${outputs.length} bytes on ${ran.map(([runtime]) => runtime).join('; ')}`);
    }
  });

test('every runtime ran every bundle', () => {
  for (const [runtime, { modules, bytes }] of totals) console.log(`  ${runtime}: ${modules} modules, ${bytes} bytes, 0 differ`);
  assert.equal([...totals.keys()].sort(), ["Node's WASI", ...found.map(({ name }) => name)].sort());
  assert.is(new Set([...totals.values()].map(({ modules }) => modules)).size, 1);
});

test('a truncated input has status 1 on every runtime', async () => {
  const make = await zooSubjects[0]?.open();
  assert.ok(make);
  writeFileSync(at('module.wasm'), (await make('interp', undefined, 'wasi')).wasm);
  for (const runtime of found) {
    const { status, err } = await runWith(runtime, at('module.wasm'), [new Uint8Array(41)]);
    assert.is(status, 1, runtime.name);
    assert.match(err, /runlet: the input ends inside a frame of 40 bytes/, runtime.name);
  }
});

/** Lines of the page's `sh` blocks. */
const lines = [...textOf('docs/runtimes.md').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
  block.split('\n').filter((line) => line.trim() !== ''),
);

test('the commands of docs/runtimes.md run, if their runtimes are installed', async () => {
  // a clone with a new out/, and `npx` and the runtimes in PATH
  const clone = at('clone');
  mkdirSync(join(clone, 'out'), { recursive: true });
  for (const name of ['models', 'host', 'node_modules', 'package.json', 'dist', 'assembly', 'quant'])
    symlinkSync(join(root, name), join(clone, name));
  mkdirSync(at('bin'));
  writeFileSync(at('bin/npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' host/cli/bin.js "$@"\n`);
  chmodSync(at('bin/npx'), 0o755);
  const commands = found.filter(({ compiler }) => compiler === undefined);
  const named = new Map(commands.map(({ name, program }) => [name.split(',')[0] as string, program]));
  for (const [name, program] of named) if (program !== name) symlinkSync(program, join(folder, 'bin', name));
  const path = [at('bin'), process.env.PATH].join(delimiter);
  let [ran, absent] = [0, 0];
  for (const line of lines) {
    const [program = ''] = line.split(' ');
    if (!['npx', 'node'].includes(program) && !named.has(program)) {
      console.log(`skipped: no ${program}: ${line}`);
      absent++;
      continue;
    }
    const { status, err, out } = await runProgram('sh', ['-c', `PATH='${path}'; export PATH\n${line}`], [], clone);
    assert.is(status, 0, `${line}\n${err}${Buffer.from(out)}`);
    ran++;
  }
  assert.ok(ran >= 1 && ran + absent >= 4, `${ran} of ${ran + absent} commands`);
});

test.run();
