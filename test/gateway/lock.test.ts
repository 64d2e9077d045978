/**
 * The lock that allows one gateway per folder: real processes request it at once, some are killed. A process
 * number in the lock file means nothing.
 *
 * RUNLET_LOCKS is the number of rounds (`npm run soak -- store`: 300), with two and four processes
 * alternately.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lockFolder } from '../../host/gateway/store/lock.ts';
import { codeOf } from '../host/helpers.ts';

const rounds = Number(process.env.RUNLET_LOCKS ?? 8);
const folder = mkdtempSync(join(tmpdir(), 'runlet-lock-'));
const at = (name: string) => join(folder, name);
const children = new Set<ChildProcess>();
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Program that requests the lock on command and keeps it until it is told to end. */
const source = `
import { lockFolder } from ${JSON.stringify(join(import.meta.dirname, '../../host/gateway/store/lock.ts'))};
process.stdout.write('ready\\n');
let release;
process.stdin.on('data', (text) => {
  if (String(text) !== 'lock') return release().then(() => process.exit(0));
  lockFolder(process.argv[2]).then(
    (held) => { release = held; process.stdout.write('won\\n'); },
    (error) => { process.stdout.write(error.code + '\\n'); process.exit(0); },
  );
});
`;

interface Contender {
  child: ChildProcess;
  ready: Promise<string>;
  /** `won`, or the error code of the refusal. */
  answer: Promise<string>;
  ended: Promise<unknown>;
}

function contender(state: string): Contender {
  const child = spawn(process.execPath, [at('contender.mjs'), state], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(child);
  const lines: string[] = [];
  const waits: ((line: string) => void)[] = [];
  const next = () =>
    new Promise<string>((resolve) => (lines.length > 0 ? resolve(lines.shift() as string) : waits.push(resolve)));
  child.stdout.on('data', (part) => {
    for (const line of String(part).trim().split('\n')) {
      const wait = waits.shift();
      if (wait) wait(line);
      else lines.push(line);
    }
  });
  const ended = new Promise((resolve) =>
    child.on('close', (...how) => {
      children.delete(child);
      for (const wait of waits) wait('ended');
      resolve(how);
    }),
  );
  const ready = next();
  return { child, ready, answer: ready.then(next), ended };
}

test(`in ${rounds} rounds of two and of four processes, exactly one has the lock, also after kill -9`, async () => {
  await build({
    stdin: { contents: source, resolveDir: folder },
    outfile: at('contender.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  const state = at('state');
  const winners = new Set<number>();
  for (let round = 0; round < rounds; round++) {
    const all = Array.from({ length: round % 2 ? 4 : 2 }, () => contender(state));
    await Promise.all(all.map(({ ready }) => ready));
    for (const { child } of all) child.stdin?.write('lock');
    const answers = await Promise.all(all.map(({ answer }) => answer));
    assert.equal([...answers].sort(), [...answers.slice(1).map(() => 'RN864'), 'won'], `round ${round}`);
    winners.add(answers.indexOf('won'));
    const winner = all[answers.indexOf('won')] as Contender;
    if (round % 3 === 0) winner.child.stdin?.write('end');
    else winner.child.kill('SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
  }
  assert.ok(rounds < 20 || winners.size > 1, 'not always the same one');
});

test('when the holder of a lock ends, a waiting process gets the lock', async () => {
  const state = at('waits');
  const first = contender(state);
  await first.ready;
  first.child.stdin?.write('lock');
  assert.is(await first.answer, 'won');
  const second = contender(state);
  await second.ready;
  second.child.stdin?.write('lock');
  first.child.kill('SIGKILL');
  assert.is(await second.answer, 'won');
  second.child.kill('SIGKILL');
  await Promise.all([first.ended, second.ended]);
});

test('the number of a live process, a damaged file and an empty file do not lock the folder', async () => {
  for (const [i, text] of [`${process.ppid}\n`, '1\n', '', 'no number', '\0'.repeat(64)].entries()) {
    const state = at(`pid-${i}`);
    mkdirSync(state);
    writeFileSync(join(state, 'lock'), text);
    const release = await lockFolder(state);
    assert.is(await codeOf(() => lockFolder(state)), 'RN864');
    await release();
    assert.ok(existsSync(join(state, 'lock')), 'the file stays: two of one name would be two locks');
    await (await lockFolder(state))();
  }
});

test('a folder that cannot be made or locked is refused with RN802', async () => {
  writeFileSync(at('file'), '');
  assert.is(await codeOf(() => lockFolder(at('file'))), 'RN802');
  mkdirSync(at('odd/lock'), { recursive: true });
  assert.is(await codeOf(() => lockFolder(at('odd'))), 'RN802');
  if (process.platform !== 'linux') return;
  const { PATH } = process.env;
  process.env.PATH = at('nowhere');
  try {
    assert.is(await codeOf(() => lockFolder(at('no-program'))), 'RN875');
  } finally {
    process.env.PATH = PATH;
  }
});

test.run();
