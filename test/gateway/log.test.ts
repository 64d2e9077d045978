/**
 * The gateway's log: JSON in a pipe, lines for people on a terminal, and nothing of a client's that a
 * terminal would obey.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gatewayLog } from '../../host/gateway/log.ts';

function written(isTTY: boolean, use: (log: ReturnType<typeof gatewayLog>) => void): string[] {
  const lines: string[] = [];
  use(gatewayLog('info', { INSECURE: 'yes' }, { isTTY, write: (text) => lines.push(text) }));
  return lines;
}

test('in a pipe: one line of JSON for each entry', () => {
  const lines = written(false, (log) => {
    log.info({ url: 'http://127.0.0.1:8080' }, 'listens');
    log.debug('too fine');
  });
  assert.is(lines.length, 1);
  const { msg, url, INSECURE, level } = JSON.parse(lines[0] as string);
  assert.equal({ msg, url, INSECURE, level }, { msg: 'listens', url: 'http://127.0.0.1:8080', INSECURE: 'yes', level: 30 });
});

test('on a terminal: time, level, text, fields', () => {
  process.env.NO_COLOR = '1';
  const [line = '', failure = ''] = written(true, (log) => {
    log.warn({ threads: 2, why: 'two words', list: [1] }, 'listens');
    log.error({ err: new Error('broken') }, 'fault');
  });
  assert.match(line, /^\d\d:\d\d:\d\d WARN {2}listens {2}INSECURE=yes threads=2 why="two words" list=\[1\]\n$/);
  assert.match(failure, /ERROR fault {2}INSECURE=yes\n {2}Error: broken\n {4,}at /);
});

test('control characters of a client are shown as codes', () => {
  const [line = ''] = written(true, (log) => log.info({ stream: 'a\x1b[2Jb', 'k\x07': 1 }, 'x\x1b]0;title\x07\ny'));
  assert.ok(
    [...line.slice(0, -1)].every((unit) => unit >= ' ' && unit !== '\x7f'),
    JSON.stringify(line),
  );
  assert.match(line, /x\\u001b\]0;title\\u0007\\u000ay/);
});

test.run();
