/**
 * The command `runlet gateway` with frames from standard input and from a FIFO in place of a serial line. The
 * outputs of both are compared with a reference.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { publicPem } from '../../assembly/bundle/keys.ts';
import { root } from '../shared.ts';
import { bundleOf, expected, keys, signal } from './bundles.ts';

test('each line of standard input and of a FIFO is a tick, noise is counted, and nothing is lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-pipes-'));
  const at = (name: string) => join(folder, name);
  writeFileSync(at('first.wasm'), (await bundleOf(1)).wasm);
  writeFileSync(at('mine.pub'), publicPem(keys));
  execFileSync('mkfifo', [at('line')]);
  const args = [
    'gateway',
    '--state',
    at('state'),
    '--port',
    '0',
    '--insecure-no-token',
    '--model',
    at('first.wasm'),
    '--key',
    at('mine.pub'),
  ];
  args.push('--stdin', '--serial', at('line'), '--numbered', '--line-stream', 'pipe', '--log', 'warn');
  const child = spawn(process.execPath, [join(root, 'host/cli/bin.js'), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const url = /^gateway at (\S+);/.exec(line)?.[1];
  const lines = (stream: number, ticks: number) =>
    Array.from({ length: ticks }, (_, n) => `${n},${[...signal(stream, n, 1)].join(',')}\n`).join('');
  child.stdin.end(`# a header\n${lines(1, 400)}`);
  writeFileSync(at('line'), lines(2, 200));
  const status = async () =>
    (await (await fetch(`${url}/v1/streams`)).json()) as { stream: string; ticks: number; outputs: number }[];
  const wanted = { pipe: expected(1, 400).length, line: expected(2, 200).length };
  for (let wait = 0; ; wait++) {
    const found = Object.fromEntries((await status()).map(({ stream, outputs }) => [stream, outputs]));
    if (found.pipe === wanted.pipe && found.line === wanted.line) break;
    assert.ok(wait < 1000, JSON.stringify(found));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const board = await (await fetch(`${url}/v1/board?stream=line`)).json();
  const raws = board.selected.outputs as { sequence: number; values: number[] }[];
  assert.is(raws.at(-1)?.sequence, wanted.line - 1);
  assert.is(new Set(raws.map(({ values }) => String(values))).size > 10, true);
  assert.match(await (await fetch(`${url}/metrics`)).text(), /^runlet_bad_lines_total 1$/m);
  const { lost, shed } = board.counts;
  assert.equal({ lost, shed }, { lost: 0, shed: 0 });
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.is(code, 0);
  rmSync(folder, { recursive: true });
});

test.run();
