/** The command runlet quantize with --eval, --search and --report: labels in every format, errors, files. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeNpy } from '../../host/sources/npy.ts';
import { readGraph } from '../../models/graph/file.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { random } from '../property/random-network.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-evaluate-'));
const rnd = random(Number(process.env.RUNLET_SEED ?? 1));
const file = (name: string, data: string | Uint8Array) => writeFileSync(join(folder, name), data);
const frames = 16 * 60;
file(
  'x.npy',
  writeNpy(
    [frames, 3],
    Float32Array.from({ length: 3 * frames }, () => 2 * rnd() - 1),
  ),
);
file(
  'm.onnx',
  writeModel({
    nodes: [
      { op: 'Conv', inputs: ['x', 'w', 'c'], outputs: ['a'] },
      { op: 'Relu', inputs: ['a'], outputs: ['r'] },
      { op: 'GlobalAveragePool', inputs: ['r'], outputs: ['y'] },
    ],
    inputs: { x: [1, 3, 16] },
    outputs: ['y'],
    tensors: {
      w: { dims: [4, 3, 5], floats: Array.from({ length: 60 }, () => 2 * rnd() - 1) },
      c: { dims: [4], floats: [0.1, 0.2, -0.1, 0.3] },
    },
    metadata: { 'runlet.labels': 'a,b,c,d' },
  }),
);
const windows = frames / 16;
const truth = Array.from({ length: windows }, (_, n) => (n % 9 === 0 ? null : n % 4));
const names = truth.map((t) => (t === null ? null : 'abcd'[t]));
file('l.json', JSON.stringify(names));
file('l.csv', `start,label\n${names.map((n, i) => `${i},${n ?? ''}`).join('\n')}\n`);
file(
  'l.npy',
  writeNpy(
    [windows],
    Int32Array.from(truth, (t) => t ?? 0),
  ),
);
file('short.json', JSON.stringify(names.slice(1)));
file('wrong.csv', 'a\nswim\n');

const base = ['quantize', 'm.onnx', '--calib', 'x.npy', '--hop', '16', '--preset', 'fast'];
const runlet = (...args: string[]) => runCli(folder, [...base, ...args]);
const json = async (...args: string[]) => JSON.parse((await runlet(...args, '--json')).stdout);

test('labels are read from .json, .csv and .npy, and the result is a page and a table', async () => {
  const one = await json('--eval', 'x.npy', '--eval-labels', 'l.json');
  assert.is(one.evaluation.judged, truth.filter((t) => t !== null).length);
  const [float, , streamed] = one.evaluation.forms;
  assert.is(float.name, 'float windowed');
  assert.is(
    streamed.classes.confusion.flat().reduce((a: number, b: number) => a + b, 0),
    one.evaluation.judged,
  );
  const two = await json('--eval', 'x.npy', '--eval-labels', 'l.csv');
  assert.equal(two.evaluation, one.evaluation);
  const text = await runlet('--eval', 'x.npy', '--eval-labels', 'l.npy', '--report', 'r/q.html');
  assert.is(text.code, 0, text.stderr);
  assert.match(
    text.stdout,
    /evaluation: 60 of 60 windows[\s\S]*int8 streamed .*%[\s\S]*rows are the truth[\s\S]*layers that lose most/,
  );
  assert.match(text.stderr, /wrote r\/q\.html/);
  assert.match(readFileSync(join(folder, 'r/q.html'), 'utf8'), /The task/);
});

test('a search writes the model that it chose', async () => {
  const search = ['quantize', 'm.onnx', '--calib', 'x.npy', '--hop', '16', '--search', '--candidates', '5'];
  const { stdout, code, stderr } = await runCli(folder, [...search, '-o', 's.rnq', '--eval', 'x.npy', '--eval-labels', 'l.json', '--metric', 'f1', '--json']); // biome-ignore format: one line
  assert.is(code, 0, stderr);
  const { search: found, evaluation } = JSON.parse(stdout);
  assert.is(found.tried.length, 5);
  assert.is(found.score, 'f1');
  assert.is(evaluation.forms.at(-1).classes.macroF1, found.chosen.score);
  assert.ok(readGraph(new Uint8Array(readFileSync(join(folder, 's.rnq')))).tensors.every((t) => t.quant));
  const again = await runCli(folder, ['quantize', 's.rnq', '--eval', 'x.npy', '--eval-labels', 'l.json', '--json']);
  const [windowed, streamed] = JSON.parse(again.stdout).evaluation.forms;
  assert.equal([windowed.name, streamed.name], ['int8 windowed', 'int8 streamed']);
  assert.is(streamed.classes.macroF1, found.chosen.score, 'an int8 model is judged by itself');
  assert.is((await runCli(folder, ['quantize', 's.rnq', '--report', 'q.html'])).code, 2);
  const text = await runCli(folder, search);
  assert.match(
    text.stdout,
    /search: 5 of 97 combinations tried, output SQNR from [\d.]+ dB to [\d.]+ dB[\s\S]*<- chosen[\s\S]*chosen: --observer /,
  );
});

test('errors are reported before the work begins, with their exit code', async () => {
  const wrong: [number, string, string[]][] = [
    [2, 'RN740', ['--eval-labels', 'l.json']],
    [2, 'RN740', ['--eval', 'x.npy', '--metric', 'f1']],
    [2, 'RN740', ['--eval', 'x.npy', '--eval-labels', 'l.json', '--metric', 'best']],
    [2, 'RN740', ['--seconds', '3']],
    [2, 'RN740', ['--candidates', '3']],
    [2, 'RN740', ['--search']],
    [2, 'RN435', ['--eval', 'x.npy', '--eval-labels', 'l.json', '--metric', 'mae']],
    [1, 'RN431', ['--eval', 'x.npy', '--eval-labels', 'short.json']],
    [1, 'RN432', ['--eval', 'x.npy', '--eval-labels', 'wrong.csv']],
    [4, 'RN720', ['--eval', 'x.npy', '--eval-labels', 'none.json']],
  ];
  for (const [exit, code, args] of wrong) {
    const { code: got, stderr } = await runlet(...args, '-o', 'not.rnq');
    assert.match(stderr, new RegExp(code), args.join(' '));
    assert.is(got, exit, args.join(' '));
  }
  assert.not(existsSync(join(folder, 'not.rnq')));
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
