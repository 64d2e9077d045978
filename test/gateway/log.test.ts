/**
 * The gateway's log: JSON in a pipe, readable lines on a terminal. It escapes a client's control characters.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gatewayLog } from '../../host/gateway/log.ts';
import { root } from '../shared.ts';

function written(isTTY: boolean, use: (log: ReturnType<typeof gatewayLog>) => void): string[] {
  const lines: string[] = [];
  use(gatewayLog('info', { INSECURE: 'yes' }, { isTTY, write: (text) => lines.push(text) }));
  return lines;
}

test('in a pipe each entry is one line of JSON', () => {
  const lines = written(false, (log) => {
    log.info({ url: 'http://127.0.0.1:8080' }, 'listens');
    log.debug('too fine');
  });
  assert.is(lines.length, 1);
  const { msg, url, INSECURE, level } = JSON.parse(lines[0] as string);
  assert.equal({ msg, url, INSECURE, level }, { msg: 'listens', url: 'http://127.0.0.1:8080', INSECURE: 'yes', level: 30 });
});

test('on a terminal a line has time, level, text and fields', () => {
  process.env.NO_COLOR = '1';
  const [line = '', failure = ''] = written(true, (log) => {
    log.warn({ threads: 2, why: 'two words', list: [1] }, 'listens');
    log.error({ err: new Error('broken') }, 'fault');
  });
  assert.match(line, /^\d\d:\d\d:\d\d WARN {2}listens {2}INSECURE=yes threads=2 why="two words" list=\[1\]\n$/);
  assert.match(failure, /ERROR fault {2}INSECURE=yes\n {2}Error: broken\n {4,}at /);
});

test('control characters of a client are escaped', () => {
  const [line = ''] = written(true, (log) => log.info({ stream: 'a\x1b[2Jb', 'k\x07': 1 }, 'x\x1b]0;title\x07\ny'));
  assert.ok(
    [...line.slice(0, -1)].every((unit) => unit >= ' ' && unit !== '\x7f'),
    JSON.stringify(line),
  );
  assert.match(line, /x\\u001b\]0;title\\u0007\\u000ay/);
});

/** Arguments of a gateway on a free port, without token and signatures. */
const gateway = '--port 0 --insecure-no-token --insecure-unsigned --log debug --state';

/**
 * Starts a gateway whose log goes to `stderr`. @returns the process, its address and a function that ends it
 */
async function started(stderr: 'pipe' | number) {
  const state = mkdtempSync(join(tmpdir(), 'runlet-log-'));
  const args = [join(root, 'host/cli/bin.js'), 'gateway', ...gateway.split(' '), state];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', stderr] });
  // ends a gateway that hangs
  const late = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const ended = once(child, 'exit');
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const url = /http:\S+?(?=;)/.exec(String(line))?.[0] ?? '';
  const end = async () => {
    child.kill('SIGTERM');
    const [code] = await ended;
    clearTimeout(late);
    rmSync(state, { recursive: true });
    return code;
  };
  return { child, url, end };
}

for (const full of [false, process.platform === 'linux'])
  test(`a gateway continues if ${full ? 'the disk of its log is full' : 'nobody reads its log'}`, async () => {
    const file = full ? openSync('/dev/full', 'w') : undefined;
    const { child, url, end } = await started(file ?? 'pipe');
    if (file !== undefined) closeSync(file);
    child.stderr?.destroy();
    for (let i = 0; i < 20; i++) assert.is((await fetch(`${url}/v1/no-such-path`)).status, 404);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /^runlet_faults_total 0$/m);
    assert.is(await end(), 0);
  });

test.run();
