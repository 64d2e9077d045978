/** Ctrl-C ends a verb during its work with exit code 130, as shells show it, and leaves no partial file. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-interrupt-'));
test.after(() => rmSync(folder, { recursive: true }));
const bin = join(root, 'host/cli/bin.js');
const zoo = (path: string) => join(root, 'models/zoo', path);

interface Ended {
  /** Exit status as a shell shows it: 128 plus the signal's number if a signal ended the process. */
  status: number;
  stderr: string;
  /** True if the process was still running when it got the signal. */
  atWork: boolean;
}

/** Starts a verb, waits until `ready`, and sends SIGINT. */
async function interrupted(args: string[], ready: (child: ReturnType<typeof spawn>) => Promise<unknown>): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stdin.on('error', () => {});
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0))),
  );
  await Promise.race([ready(child), ended]);
  const atWork = child.exitCode === null && child.signalCode === null;
  child.kill('SIGINT');
  return { status: await ended, stderr, atWork };
}

/** Waits until the verb has taken 2 MiB of an endless signal. */
const fed = (piece: Uint8Array | string) => async (child: ReturnType<typeof spawn>) => {
  for (let taken = 0; taken < 1 << 21 && child.exitCode === null; taken += piece.length)
    await new Promise<void>((resolve) => child.stdin?.write(piece, () => resolve()));
};
const after = (ms: number) => () => new Promise((resolve) => setTimeout(resolve, ms));

const lines = `${Array.from({ length: 4096 }, (_, i) => Math.sin(i / 4).toFixed(3)).join('\n')}\n`;
const float = zoo('ppg-hr/ppg-hr.onnx');
const openTime = join(root, 'test/fixtures/onnx/dy-dynamic-time.onnx');
const calib = ['--calib', zoo('ppg-hr/calib.npy')];

/** Verbs with work that takes longer than the test waits. */
const cases: [string, string[], (child: ReturnType<typeof spawn>) => Promise<unknown>][] = [
  ['quantize', [float, '--hop', '64', '--calib', '-', '-o', 'out.rnq'], fed(lines)],
  ['quantize --search', [float, ...calib, '--hop', '64', '--search', '--candidates', '500', '-o', 'out.rnq'], after(3000)],
  ['build', [float, ...calib, '--preset', 'best', '--target', 'all', '--emit-as', 'source', '-o', 'out.wasm'], after(2000)],
  ['bench', [float, ...calib, '--preset', 'fast', '--rounds', '100000'], after(3000)],
  ['validate', [float, ...calib, '--hop', '1'], after(2000)],
  ['plan', [openTime, '--window', '20000', '--hop', '1', '--sweep', 'window', '--html', 'out.html'], after(1500)],
  ['features', ['-', '-o', 'out.npy'], fed(new Uint8Array(1 << 16))],
];

for (const [name, args, ready] of cases)
  test(`Ctrl-C ends ${name} during its work`, async () => {
    const [verb = '', ...words] = name.split(' ');
    const { status, stderr, atWork } = await interrupted([verb, ...args, ...words.filter((word) => !args.includes(word))], ready);
    assert.ok(atWork, `${name} was at work: ${stderr}`);
    assert.is(status, 130, stderr);
    assert.equal(
      readdirSync(folder).filter((file) => /^out|part$/.test(file)),
      [],
    );
  });

test('Ctrl-C ends run, also in real time', async () => {
  const made = await runCli(folder, ['build', float, ...calib, '--preset', 'fast', '--hop', '16', '-o', 'model.wasm']);
  assert.is(made.code, 0, made.stderr);
  for (const more of [[], ['--realtime', '--rate', '32']]) {
    const first = (child: ReturnType<typeof spawn>) =>
      more.length > 0 ? after(1500)() : new Promise((resolve) => child.stdout?.once('data', resolve));
    const { status, stderr, atWork } = await interrupted(['run', 'model.wasm', 'gen:ppg?seconds=Infinity', ...more], first);
    assert.ok(atWork, stderr);
    assert.is(status, 130, stderr);
  }
});

test.run();
