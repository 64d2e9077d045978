/**
 * runlet make with a model and a recording: a Keras .tflite and a PyTorch .onnx of six channels without
 * metadata, and a CSV with time, a label and an extra column. The commands that it prints give the same
 * results. Other verbs read runlet.json, and flags have priority over it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readProject } from '../../host/cli/project.ts';
import { readManifest } from '../../host/session/index.ts';
import { readGraph } from '../../models/graph/file.ts';
import { maxOf, minOf } from '../../models/lists.ts';
import { root } from '../shared.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-make-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

const names = ['seated', 'standing up', 'walking', 'turning', 'sitting down'];
const [head = '', ...rows] = readFileSync(join(root, 'models/zoo/har/demo-watch.csv'), 'utf8').trim().split('\n');
const cells = rows.map((row) => row.split(','));
const columns = head.split(',').slice(1, 7);
/**
 * Returns the recording with a temperature column that is no input, and the activity as a number or a name.
 */
const recording = (label: (activity: number) => string) =>
  [
    ['time_s', 'temperature', ...columns, 'activity'],
    ...cells.map((row) => [row[0], '21.5', ...row.slice(1, 7), label(Number(row[7]))]),
  ]
    .map((row) => row.join(','))
    .join('\n');
writeFileSync(at('numbers.csv'), recording(String));
writeFileSync(
  at('names.csv'),
  recording((activity) => names[activity] as string),
);
writeFileSync(at('keras.tflite'), readFileSync(join(root, 'test/fixtures/journey/keras-watch.tflite')));
/** Returns an ONNX file without its metadata (field 14 of ModelProto). */
function withoutMetadata(bytes: Uint8Array): Uint8Array {
  const reader = new BinaryReader(bytes);
  const writer = new BinaryWriter();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const from = reader.pos;
    reader.skip(type, field);
    if (field !== 14) writer.tag(field, type).raw(bytes.subarray(from, reader.pos));
  }
  return writer.finish();
}
writeFileSync(at('torch.onnx'), withoutMetadata(readFileSync(join(root, 'models/zoo/har/har-watch.onnx'))));

const bin = join(root, 'host/cli/bin.js');
function runlet(line: string, cwd = folder) {
  const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stdout, stderr };
}
const percentOf = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1]);
const next = (stdout: string, name: string) => new RegExp(`^ {2}${name} +runlet (.+)$`, 'm').exec(stdout)?.[1] as string;

for (const [model, data] of [
  ['keras.tflite', 'names.csv'],
  ['torch.onnx', 'numbers.csv'],
] as const)
  test(`${model} and ${data}: make, and the commands that it prints`, () => {
    const made = runlet(`make ${model} ${data}`);
    assert.is(made.status, 0, made.stderr);
    const float = percentOf(made.stdout, /float ([\d.]+) %/);
    const int8 = percentOf(made.stdout, /int8 streamed ([\d.]+) %/);
    assert.ok(float > 80, `the model is no good on its own task: ${made.stdout}`);
    assert.ok(Math.abs(float - int8) <= 1, made.stdout);
    const name = model.replace(/\..*/, '');
    const manifest = readManifest(readFileSync(at(`${name}.wasm`)));
    assert.ok(manifest.hop < manifest.window / 5 && manifest.macsPerWindow > 2 * manifest.macsPerHop, made.stdout);
    assert.equal(manifest.columns, columns);
    assert.is(manifest.sampleRateHz, 50);
    assert.equal(manifest.labels, model === 'keras.tflite' ? [...names].sort() : undefined);
    assert.is(Number(readGraph(readFileSync(at(`${name}.rnq`))).metadata['runlet.hop']), manifest.hop);
    // every input channel is drawn from start to end, with more points than the outputs
    const lines = [...readFileSync(at(`${name}.svg`), 'utf8').matchAll(/ d="(M[^"]*)"/g)]
      .map(([, path = '']) => [...path.matchAll(/[ML]([\d.]+),/g)].map(([, x]) => Number(x)))
      .filter((xs) => xs.length > 500 && minOf(xs) < 100 && maxOf(xs) > 800);
    assert.is(lines.length, columns.length);

    const run = runlet(next(made.stdout, 'run'));
    assert.is(run.status, 0, run.stderr);
    if (manifest.labels) {
      const accuracy = percentOf(run.stderr, /accuracy ([\d.]+) %/);
      assert.ok(Math.abs(accuracy - int8) <= 3, `${run.stderr}: make judged some windows, run all`);
    }
    const device = runlet(next(made.stdout, 'device'));
    assert.is(device.status, 0, device.stderr);
    assert.match(device.stdout, /^C +/m);
    const checked = runlet(`validate ${model} --columns ${columns.join(',')}`);
    assert.is(checked.status, 0, checked.stderr);
    assert.match(checked.stderr, /^runlet\.json: .*--calib=/m);
    assert.match(checked.stdout, /wasm equals the int8 reference/);
  });

test('runlet.json applies to its model only, and flags have priority over it', () => {
  writeFileSync(at('runlet.json'), JSON.stringify({ model: 'torch.onnx', hop: 24, mode: 'windowed' }));
  const plan = (line: string) => JSON.parse(runlet(`plan ${line} --json`).stdout) as { hop: number; mode: string };
  assert.is(plan('torch.onnx').hop, 24);
  assert.is(plan('').mode, 'windowed', 'without a model the file names it');
  assert.is(plan('torch.onnx --hop 12').hop, 12);
  const printed = runlet('plan torch.onnx --hop 12').stderr;
  assert.match(printed, /^runlet\.json: .*--mode=windowed/m);
  assert.not.match(printed, /--hop=24/, 'the value that the flag has replaced');
  assert.is.not(plan('keras.tflite').hop, 24, 'another model');
  for (const bad of ['{', '[]', '{"model": "torch.onnx", "hopp": 8}', '{"model": "torch.onnx", "hop": 0.5}', '{"hop": 8}'])
    assert.throws(
      () => readProject(bad),
      (error: Error & { code: string }) => error.code === 'RN757',
      bad,
    );
});

test('impossible requests are refused before the work begins, with advice', () => {
  rmSync(at('runlet.json'), { force: true });
  writeFileSync(at('short.csv'), `${columns.join(',')}\n1,2,3,4,5,6\n`);
  writeFileSync(at('seven.csv'), `a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n`);
  const cases: [string, string][] = [
    ['make torch.onnx short.csv', 'RN758'],
    ['make torch.onnx seven.csv', 'RN722'],
    ['make torch.onnx numbers.csv --labels a,b', 'RN755'],
    ['make torch.onnx numbers.csv --columns ax,ay', 'RN722'],
    ['make torch.onnx nothing.csv', 'RN720'],
    ['make torch.onnx', 'RN754'],
    ['make torch.onnx keras.tflite numbers.csv', 'RN741'],
    ['make torch.onnx keras.tflite numbers.csv --board esp32', 'RN766'],
    ['make torch.onnx numbers.csv --board esp32 --target simd', 'RN761'],
  ];
  for (const [line, code] of cases) {
    const { status, stderr } = runlet(line);
    assert.ok(status !== 0 && stderr.includes(code), `${line}: ${stderr}`);
    assert.match(stderr, /try/);
  }
});

const watch = join(root, 'models/zoo/har/har-watch.onnx');
const gru = join(root, 'models/zoo/har/har-watch-gru.onnx');

test('--board makes the most accurate size that fits, and shows the others', () => {
  const make = (more: string) => runlet(`make ${watch} ${gru} numbers.csv --board nrf52840 -o out/sized ${more}`);
  const first = make('--accuracy 92.9,92.5');
  assert.is(first.status, 0, first.stderr);
  assert.match(first.stdout, /^model +har-watch\.onnx/m);
  assert.match(
    first.stdout,
    /^board +nRF52840, WAMR fast interpreter: .*har-watch\.onnx, the most accurate of 2 sizes that fits$/m,
  );
  assert.match(first.stdout, /^ +\* +\S*har-watch\.onnx +92\.9 % .* fits$/m);
  assert.match(first.stdout, /^ +\S*watch-gru\.onnx +92\.5 % .* fits$/m);
  assert.match(first.stdout, /as stated, not on this recording/);
  assert.is(readManifest(readFileSync(at('out/sized.wasm'))).accuracy, 92.9);
  assert.is(readGraph(readFileSync(at('out/sized.rnq'))).metadata['runlet.accuracy'], '92.9');
  const { choice, bundle } = JSON.parse(make('--accuracy 92.5,92.9 --json').stdout);
  assert.is(choice.chosen, gru);
  assert.equal(choice.sizes.map(({ file, accuracy }: { file: string; accuracy: number }) => [file, accuracy]), [[gru, 92.9], [watch, 92.5]]); // biome-ignore format: one line
  assert.is(bundle, 'out/sized.wasm');
});

test('a model that does not fit its board is not made: exit code 1, with advice', () => {
  // without a time column, so that --rate sets the rate
  writeFileSync(at('untimed.csv'), [columns, ...cells.map((row) => row.slice(1, 7))].map((row) => row.join(',')).join('\n'));
  const { status, stdout } = runlet('make torch.onnx untimed.csv --board rp2040 --rate 1000000 --hop 8 -o out/unfit');
  assert.is(status, 1);
  assert.match(stdout, /torch\.onnx does not fit/);
  assert.match(stdout, /^ +torch\.onnx +\? .* time x\d+$/m);
  assert.match(stdout, /What to change in torch\.onnx:\n {2}- /);
  assert.not(existsSync(at('out/unfit.wasm')));
  const fits = runlet('make torch.onnx numbers.csv --board rp2040 -o out/fit');
  assert.is(fits.status, 0, fits.stderr);
  assert.match(fits.stdout, /^board +RP2040.*: torch\.onnx fits$/m);
});

test('without a truth, int8 is compared with float, and a model with its own hop keeps it', () => {
  const { status, stdout, stderr } = runlet(
    `make ${join(root, 'models/zoo/ppg-hr/ppg-hr.onnx')} ${join(root, 'models/zoo/ppg-hr/calib.npy')} -o out/heart`,
  );
  assert.is(status, 0, stderr);
  assert.match(stdout, /^hop +64 frames .*as the model file says$/m);
  assert.match(stdout, /^judged +int8 is [\d.]+ dB from float/m);
  assert.is(readManifest(readFileSync(at('out/heart.wasm'))).hop, 64);
});

test.run();
