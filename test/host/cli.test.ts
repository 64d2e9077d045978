/**
 * The command line end to end: every source, JSON lines, exit codes, plots, help. Each test starts `node
 * host/cli/bin.js`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import wavefile from 'wavefile';
import { shortFloat } from '../../host/cli/drive.ts';
import { explanations } from '../../host/cli/explain.ts';
import { exitCodeOf } from '../../host/command/args.ts';
import { writeNpy } from '../../host/sources/npy.ts';
import { RunletError } from '../../models/error.ts';
import { type CliResult, runCli } from './helpers.ts';
import { reference, tinyBundle } from './tiny-bundle.ts';

const bin = join(import.meta.dirname, '../../host/cli/bin.js');
const folder = mkdtempSync(join(tmpdir(), 'runlet-cli-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

const runlet = (args: string[], input: Uint8Array | string = '') => runCli(folder, args, input);

interface Line {
  n: number;
  startFrame: number;
  endFrame: number;
  timeS?: number;
  output: number[];
  label?: string;
}

const linesOf = (result: CliResult): Line[] =>
  result.stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

/** int8 values; `expected` has the outputs that a run over them must print (scale 0.5). */
const values = Int8Array.from({ length: 40 }, (_, i) => ((i * 37) % 101) - 50);
const expected = reference(values).map((o, n) => ({
  n,
  startFrame: 4 * n,
  endFrame: 4 * n + 8,
  output: [(o[0] as number) * 0.5],
}));
const real = Float32Array.from(values, (q) => q * 0.5);

test.before(async () => {
  writeFileSync(at('tiny.wasm'), await tinyBundle());
  writeFileSync(at('rate.wasm'), await tinyBundle({ sampleRateHz: 8000, scale: 1 / 128 }));
  writeFileSync(at('classes.wasm'), await tinyBundle({ channels: 2, labels: ['low', 'high'] }));
  writeFileSync(at('ppg.wasm'), await tinyBundle({ sampleRateHz: 32, frontEnd: 'ppg', scale: 0.05 }));
  writeFileSync(at('uint8.wasm'), await tinyBundle({ hostType: 'uint8' }));
  writeFileSync(at('s.csv'), `time,x,y\n${[...real].map((x, i) => `${i},${x},${i % 2}`).join('\n')}\n`);
  writeFileSync(at('s.npy'), writeNpy([40, 1], real));
  writeFileSync(at('s.npz'), zipSync({ 'x.npy': writeNpy([40], real), 'other.npy': writeNpy([1], real.subarray(0, 1)) }));
});

test('csv, npy, npz, and text, JSON, csv and raw on standard input give the same outputs', async () => {
  const f32 = new Uint8Array(real.buffer);
  const runs: Promise<CliResult>[] = [
    runlet(['run', 'tiny.wasm', 's.csv', '--columns', 'x']),
    runlet(['run', 'tiny.wasm', 's.npy']),
    runlet(['run', 'tiny.wasm', 's.npz', '--array=x']),
    runlet(['run', 'tiny.wasm', '-'], real.join('\n')),
    runlet(['run', 'tiny.wasm', '-'], `[${real.join(',')}]`),
    runlet(['run', 'tiny.wasm', '-', '--format', 'csv'], `x\n${real.join('\n')}`),
    runlet(['run', 'tiny.wasm', '-', '--format', 'f32'], f32),
    runlet(['run', 'uint8.wasm', '-'], [...values].map((q) => q + 128).join(' ')),
    runlet(['run', 'uint8.wasm', '-', '--real'], real.join(' ')),
  ];
  for (const [i, result] of (await Promise.all(runs)).entries()) {
    assert.is(result.code, 0, `${i}: ${result.stderr}`);
    assert.equal(linesOf(result), expected, `run ${i}`);
    assert.match(result.stderr, 'outputs');
  }
});

test('a WAV file with its rate and a generated signal can be run', async () => {
  const wav = new wavefile.WaveFile();
  wav.fromScratch(2, 8000, '16', [new Int16Array(64).fill(8192), new Int16Array(64)] as never);
  writeFileSync(at('s.wav'), wav.toBuffer());
  const mono = await runlet(['run', 'rate.wasm', 's.wav', '--channel', '0', '--limit', '2']);
  assert.equal(
    linesOf(mono).map((line) => [line.output[0], line.timeS]),
    [
      [0.25, 8 / 8000],
      [0.25, 12 / 8000],
    ],
  );
  assert.is((await runlet(['run', 'ppg.wasm', 's.wav', '--channel', '0'])).code, 2);
  wav.fromScratch(1, 16000, '16', new Int16Array(640).fill(8192) as never);
  writeFileSync(at('fast.wav'), wav.toBuffer());
  assert.is((await runlet(['run', 'rate.wasm', 'fast.wav'])).code, 2);
  const resampled = linesOf(await runlet(['run', 'rate.wasm', 'fast.wav', '--resample']));
  assert.equal([resampled.length, resampled[40]?.output[0]], [79, 0.25]);
  const made = await runlet(['run', 'tiny.wasm', 'gen:sine?seconds=1', '--json']);
  const lines = made.stdout.trim().split('\n');
  const { summary } = JSON.parse(lines.pop() as string);
  assert.is(lines.length, 24);
  assert.equal([summary.frames, summary.outputs, summary.signalSeconds], [100, 24, 1]);
  assert.ok(summary.microsecondsPerHop.median > 0 && summary.microsecondsPerHop.p95 >= summary.microsecondsPerHop.median);
  assert.ok(summary.framesPerSecond > 0);
});

test('--realtime takes as long as the signal', async () => {
  const started = performance.now();
  const result = await runlet(['run', 'tiny.wasm', 'gen:sine?seconds=1', '--realtime']);
  assert.is(result.code, 0);
  assert.ok(performance.now() - started > 950);
});

test('truth gives the mean absolute error, the accuracy and the plot', async () => {
  const summaryOf = (result: CliResult) => JSON.parse(result.stdout.trim().split('\n').pop() as string).summary;
  const mae = await runlet(['run', 'tiny.wasm', 's.csv', '--columns', 'x', '--truth', 'y', '--json', '--plot', 'out.svg']);
  assert.is(mae.code, 0, mae.stderr);
  const error = expected.reduce((sum, o) => sum + Math.abs((o.output[0] as number) - 1), 0) / expected.length;
  assert.ok(Math.abs(summaryOf(mae).truth.mae - error) < 1e-3 * error);
  const mean = await runlet(['run', 'tiny.wasm', 's.csv', '--columns', 'x', '--truth', 'y', '--truth-at', 'mean', '--json']);
  assert.not.equal(summaryOf(mean).truth.mae, summaryOf(mae).truth.mae);
  const svg = readFileSync(at('out.svg'), 'utf8');
  assert.match(svg, /^<svg xmlns/);
  for (const text of ['time (frames)', 'truth (y)', 'input: x', 'mean']) assert.ok(svg.includes(text), text);
  writeFileSync(
    at('c.csv'),
    `a,b,class\n${Array.from({ length: 16 }, (_, i) => `${i < 8 ? '5,1,low' : '1,5,high'}`).join('\n')}`,
  );
  const run = ['run', 'classes.wasm', 'c.csv', '--truth', 'class', '--json', '--plot', 'c.svg'];
  const classes = summaryOf(await runlet(run));
  assert.equal(classes.truth, { column: 'class', at: 'majority', outputs: 3, accuracy: 1 });
  assert.equal(summaryOf(await runlet([...run, '--truth-at', 'end'])).truth.accuracy, 2 / 3, 'the window in the middle');
  assert.match(readFileSync(at('c.svg'), 'utf8'), />truth<\/text><rect [\s\S]*>answer<\/text><rect /);
  assert.equal(classes.labels, { low: 2, high: 1 });
  const ppg = await runlet(['run', 'ppg.wasm', 'gen:ppg?seconds=5', '--truth', 'bpm', '--json']);
  assert.is(summaryOf(ppg).truth.outputs, 39);
});

test("the bundle's front end is applied, and can be turned off", async () => {
  const [on, off, asked] = await Promise.all([
    runlet(['run', 'ppg.wasm', 'gen:ppg?seconds=3']),
    runlet(['run', 'ppg.wasm', 'gen:ppg?seconds=3', '--front-end', 'none']),
    runlet(['run', 'tiny.wasm', 'gen:ppg?seconds=3', '--front-end', 'ppg', '--rate', '32']),
  ]);
  assert.not.equal(linesOf(on), linesOf(off));
  assert.is(linesOf(asked).length, linesOf(on).length);
  // The front end bridges a gap in the signal. Without a front end the gap is an error.
  writeFileSync(at('gap.csv'), `x\n${[1, 2, 'NaN', 4, 5, 6, 7, 8, 9].join('\n')}\n`);
  assert.is((await runlet(['run', 'ppg.wasm', 'gap.csv'])).code, 0);
  assert.match((await runlet(['run', 'ppg.wasm', 'gap.csv', '--front-end', 'none'])).stderr, 'RN727');
});

test('errors have an exit code and say what, where, why and try, without a stack trace', async () => {
  const cases: [string[], number, string][] = [
    [[], 2, 'runlet --help'],
    [['nothing'], 2, 'RN741'],
    [['run'], 2, 'BUNDLE'],
    [['run', 'tiny.wasm', 's.npy', '--speed'], 2, 'RN741'],
    [['run', 'tiny.wasm', 's.npy', 's.csv'], 2, 'RN741'],
    [['run', 'tiny.wasm', 's.npy', '--limit', '0'], 2, 'RN740'],
    [['run', 'tiny.wasm', 's.npy', '--format', 'mp3'], 2, 'RN740'],
    [['run', 'missing.wasm', 's.npy'], 4, 'RN720'],
    [['run', 's.npy', 's.npy'], 4, 'RN600'],
    [['run', 'tiny.wasm', 'missing.csv'], 4, 'RN720'],
    [['run', 'tiny.wasm', 's.csv', '--columns', 'z'], 2, 'RN726'],
    [['run', 'tiny.wasm', 's.csv'], 2, 'RN722'],
    [['run', 'tiny.wasm', 's.npz'], 2, 'RN733'],
    [['run', 'tiny.wasm', 's.npy', '--truth', 'hr'], 2, 'RN721'],
    [['run', 'tiny.wasm', 's.npy', '--front-end', 'mel'], 2, 'RN738'],
    [['run', 'tiny.wasm', 's.npy', '--front-end', 'ppg'], 2, 'RN739'],
    [['run', 'tiny.wasm', 's.npy', '--front-end', 'ppg', '--rate', '10'], 2, 'RN738'],
    [['run', 'tiny.wasm', 's.npy', '--realtime'], 2, 'RN739'],
    [['run', 'uint8.wasm', 's.npy'], 4, 'RN708'],
    [['run', 'tiny.wasm', 'gen:sin'], 2, 'RN736'],
    [['explain', 'RN999'], 2, 'RN742'],
  ];
  for (let from = 0; from < cases.length; from += 4)
    await Promise.all(
      cases.slice(from, from + 4).map(async ([args, code, text]) => {
        const result = await runlet(args);
        assert.is(result.code, code, `${args.join(' ')}: ${result.stderr}`);
        assert.ok(result.stderr.includes(text), `${args.join(' ')}: ${result.stderr}`);
        assert.not.ok(/\n\s+at /.test(result.stderr), result.stderr);
        assert.not.ok(result.stderr.includes('\u001b'), 'no colours into a pipe');
      }),
    );
  const json = await runlet(['run', 'tiny.wasm', 'missing.csv', '--json']);
  assert.is(JSON.parse(json.stdout).error.code, 'RN720');
});

test('help, version, explain, doctor and ops print their text', async () => {
  const help = await runlet(['--help']);
  assert.is(help.code, 0);
  for (const verb of [
    'inspect',
    'plan',
    'quantize',
    'build',
    'validate',
    'run',
    'keygen',
    'sign',
    'verify',
    'bench',
    'ops',
    'explain',
    'doctor',
  ])
    assert.match(help.stdout, verb);
  assert.match((await runlet(['run', '--help'])).stdout, '--realtime');
  const verbs = help.stdout.match(/^ +[a-z0-9]+(?= {2,})/gm) ?? [];
  assert.ok(verbs.length > 20, `${verbs.length} verbs`);
  for (const verb of verbs) {
    const { stdout } = await runlet([verb.trim(), '--help']);
    assert.match(stdout, /^Usage$/m);
    assert.not.match(stdout, /--[a-z]+[A-Z]/, `${verb}: options are written as in the docs`);
  }
  assert.match((await runlet(['bench', '--help'])).stdout, '--time-axis <n>');
  assert.match((await runlet(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  assert.match((await runlet(['explain', 'rn707'])).stdout, /^RN707[\s\S]*pushAll/);
  assert.is(JSON.parse((await runlet(['explain', 'RN707', '--json'])).stdout).code, 'RN707');
  const doctor = JSON.parse((await runlet(['doctor', '--json'])).stdout);
  assert.ok(doctor.checks.some((c: { name: string; ok: boolean }) => c.name === 'Node' && c.ok));
  assert.match((await runlet(['doctor'])).stdout, 'WebAssembly SIMD');
  assert.ok(JSON.parse((await runlet(['ops', '--json'])).stdout).ops.some((row: { op: string }) => row.op === 'conv'));
});

test('--help loads neither the compiler nor a verb', async () => {
  const trace = await new Promise<string>((resolve) => {
    let text = '';
    const traced = spawn(process.execPath, [bin, '--help'], { env: { ...process.env, NODE_DEBUG: 'esm' } });
    traced.stderr.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    traced.on('close', () => resolve(text));
  });
  // compiled (scripts/prepare.mjs), so no TypeScript loader either
  assert.match(trace, 'dist/host/cli/main.js');
  assert.not.ok(/assemblyscript|binaryen|onnxruntime|tsx|cli\/run\.[jt]s/.test(trace));
});

test('a closed pipe ends the run without a message', async () => {
  const result = await new Promise<CliResult>((resolve) => {
    const child = spawn(process.execPath, [bin, 'run', at('tiny.wasm'), 'gen:sine?seconds=Infinity']);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    child.on('close', (code) => resolve({ code, stdout: '', stderr }));
  });
  assert.is(result.code, 0);
  assert.is(result.stderr, '');
});

test('exit codes, explanations and short floats are right', () => {
  const exit = (code: string) => exitCodeOf(new RunletError(code, { what: '' }));
  assert.equal(
    ['RN100', 'RN299', 'RN301', 'RN400', 'RN605', 'RN713', 'RN730', 'RN740', 'RN800'].map(exit),
    [3, 3, 3, 1, 4, 1, 4, 2, 4],
  );
  assert.is(exitCodeOf(new Error('bug')), 1);
  const markdown = '# Errors\n### RN100: no model\n\nOne\ntwo.\n\n**RN101** Three.\n- RN102: Four\n\n## Other\nfive';
  assert.equal(explanations(markdown), [
    { code: 'RN100', title: 'no model', text: 'One two.' },
    { code: 'RN101', title: '', text: 'Three.' },
    { code: 'RN102', title: '', text: 'Four' },
  ]);
  assert.equal([Math.fround(0.1), 1 / 3, Math.fround(1 / 3), 5].map(shortFloat), [0.1, 1 / 3, 0.33333334, 5]);
});

test.run();
