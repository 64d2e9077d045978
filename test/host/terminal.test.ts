/**
 * No control character of a file reaches a terminal, a log or a page. In models of every format and in a
 * bundle, every string has escape sequences, C1 codes and direction marks. They go through every verb that
 * reads them, as text and as JSON.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RunletError } from '../../models/error.ts';
import { writeGraph } from '../../models/graph/file.ts';
import { printable, printableLines } from '../../models/printable.ts';
import { readModel } from '../../models/read/index.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { writeTflite } from '../read/tflite-model.ts';
import { tinyBundle } from './tiny-bundle.ts';

/** Clears the screen, sets the title, writes a link, reverses text, ends a line with C1, begins a line. */
const evil = (name: string) =>
  `${name}\x1b[2J\x1b]0;owned\x07\x1b]8;;http://x\x1b\\\u009b31m\u202e\u2066\u200f\u2028\x7f\r\nok: nothing is wrong\n\x00`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern searches for control characters
const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

const folder = mkdtempSync(join(tmpdir(), 'runlet-terminal-'));
const file = (name: string, bytes: Uint8Array | string): string => {
  writeFileSync(join(folder, name), bytes);
  return name;
};

const [t, c] = [8, 2];
const kernel = [0.5, -0.25, 0.125, 0.75, -0.5, 0.25];

const onnx = () =>
  writeModel({
    name: evil('graph'),
    producer: evil('producer'),
    metadata: { [evil('key')]: evil('value'), 'runlet.labels': JSON.stringify([evil('label')]) },
    inputs: { [evil('x')]: [1, c, t] },
    tensors: { [evil('w')]: { dims: [1, c, 3], floats: kernel } },
    nodes: [
      { op: 'Conv', name: evil('conv'), inputs: [evil('x'), evil('w')], outputs: [evil('a')], attributes: { kernel_shape: [3] } },
      { op: 'GlobalAveragePool', name: evil('pool'), inputs: [evil('a')], outputs: [evil('y')] },
    ],
    outputs: [evil('y')],
  });

const tflite = () =>
  writeTflite({
    tensors: {
      [evil('x')]: { shape: [1, t, 1, c] },
      [evil('w')]: { shape: [1, 3, 1, c], floats: kernel },
      [evil('y')]: { shape: [1, t - 2, 1, 1] },
    },
    operators: [
      { code: 3, inputs: [evil('x'), evil('w')], outputs: [evil('y')], options: { kind: 1, int8: { 0: 1 }, int32: { 1: 1, 2: 1, 4: 1, 5: 1 } } }, // biome-ignore format: one line
    ],
    inputs: [evil('x')],
    outputs: [evil('y')],
  });

const tfjs = (dtype: string) =>
  JSON.stringify({
    format: 'layers-model',
    generatedBy: evil('generator'),
    modelTopology: {
      model_config: {
        class_name: 'Sequential',
        config: {
          name: evil('model'),
          layers: [
            {
              class_name: 'Conv1D',
              config: { name: evil('conv'), filters: 1, kernel_size: [3], strides: [1], padding: 'valid', data_format: 'channels_last', dilation_rate: [1], activation: 'linear', use_bias: false, batch_input_shape: [null, t, c], dtype: 'float32' }, // biome-ignore format: one line
            },
          ],
        },
      },
    },
    weightsManifest: [{ paths: ['w.bin'], weights: [{ name: `${evil('conv')}/kernel`, shape: [3, c, 1], dtype }] }],
  });

interface Streams {
  stdout: string;
  stderr: string;
}

const own = process.execPath;
const verbs = (...list: string[][]): Streams => {
  const script = join(import.meta.dirname, 'verbs.ts');
  const tsx = join(import.meta.dirname, '../../node_modules/tsx/dist/loader.mjs');
  const { status, stdout, stderr } = spawnSync(own, ['--import', `file://${tsx}`, script, JSON.stringify(list)], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '' },
  });
  assert.is(status, 0, stderr);
  for (const [verb] of list) assert.match(stdout, `== ${verb}`);
  return { stdout, stderr };
};

const clean = ({ stdout, stderr }: Streams): void => {
  for (const text of [stdout, stderr]) {
    assert.not.match(text, /^\s*ok: nothing is wrong/m, 'a line that a name began');
    const at = text.search(control);
    assert.is(at, -1, `at ${at}: ${JSON.stringify(text.slice(Math.max(0, at - 80), at + 40))}`);
  }
};

/** Returns the arguments for output as text and as JSON. */
const both = (...args: string[]): string[][] => [args, [...args, '--json']];

test('models of every format go through every verb that takes a model', async () => {
  file('m.onnx', onnx());
  file('m.tflite', tflite());
  file('w.bin', new Uint8Array(Float32Array.from(kernel).buffer));
  file('model.json', tfjs('float32'));
  file('wrong.json', tfjs(evil('complex64')));
  file('broken.json', `{"format": "${evil('layers')}`);
  const graph = await readModel(onnx(), { digest: '0'.repeat(64) });
  for (const part of [...graph.nodes, ...graph.tensors, ...graph.inputs, ...graph.outputs] as { name: string }[])
    part.name = evil(part.name);
  file('m.rnq', writeGraph({ ...graph, name: evil('graph'), notes: [evil('note')], metadata: { [evil('key')]: evil('value') } }));
  file('wrong.rnq', new TextEncoder().encode(`RNQ1{"name": "${evil('x')}"`));
  file('unknown.onnx', writeModel({ ...unknown }));
  const waves = Array.from({ length: 64 }, (_, i) => `${Math.sin(i)},${Math.cos(i)}\n`);
  file('calib.txt.csv', `a,b\n${waves.join('')}`);
  file('calib.csv', `${JSON.stringify(evil('a'))},b\n1,${evil('two')}\n`);
  const good = ['m.onnx', 'm.tflite', 'model.json', 'm.rnq'];
  const list = [
    ...good.flatMap((name) => [
      ...both('inspect', name),
      ...both('plan', name),
      ['plan', name, '--explain', '--html', `${name}.html`],
    ]),
    ...['wrong.json', 'broken.json', 'wrong.rnq', 'unknown.onnx'].flatMap((name) => both('inspect', name)),
    ...good.flatMap((name) => both('quantize', name, '--calib', 'calib.txt.csv', '--preset', 'fast', '-o', `${name}.q.rnq`)),
    ...both('quantize', 'm.onnx', '--calib', 'calib.csv'),
    ...both('build', 'm.onnx.q.rnq', '-o', 'm.wasm', '--verbose'),
    ...both('build', 'm.onnx', '-o', evil('x'), '--mode', evil('mode')),
    ...both('validate', 'm.wasm', 'm.onnx.q.rnq', '--calib', 'calib.txt.csv'),
    ...both('validate', 'm.wasm', '--model', 'm.onnx.q.rnq'),
    ...both('inspect', 'm.wasm'),
    ...both('run', 'm.wasm', 'calib.txt.csv', '--plot', 'run.svg'),
    ...both(evil('verb')).map(([verb = '', ...rest]) => ['inspect', verb, ...rest]),
  ];
  const streams = verbs(...list);
  clean(streams);
  assert.match(streams.stdout, 'conv\\u001b[2J', 'the names were shown');
  for (const name of readdirSync(folder).filter((n) => /\.(html|svg)$/.test(n)))
    assert.is(readFileSync(join(folder, name), 'utf8').search(control), -1, name);
});

const unknown = {
  inputs: { [evil('x')]: [1, c, t] },
  nodes: [{ op: evil('Op'), name: evil('node'), domain: evil('domain'), inputs: [evil('x')], outputs: [evil('y')] }],
  outputs: [evil('y')],
};

/** Replaces every string of a manifest that no rule fixes. */
const everyText = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(everyText);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, key === 'name' || key === 'op' ? evil(inner as string) : everyText(inner)])); // biome-ignore format: one line
  return value;
};

test('a bundle goes through every verb that takes a bundle', async () => {
  const bundle = await tinyBundle({
    labels: [evil('label')],
    manifest: (m) => ({
      ...(everyText(m) as typeof m),
      producer: evil('producer'),
      version: evil('version'),
      unit: evil('unit'),
      frontEnd: evil('front'),
      detector: { cutoff: 0.5, slidingWindow: 1, refractoryMs: 0, output: 0, label: evil('word') },
      sampleRateHz: 16,
    }),
  });
  file('b.wasm', bundle);
  file('wrong.wasm', await tinyBundle({ manifest: (m) => ({ ...m, mode: evil('mode') }) }));
  file('signal.csv', `x\n${'1\n'.repeat(64)}`);
  const list = [
    ...['inspect', 'fit', 'verify', 'golden', 'validate', 'image', 'bench'].flatMap((verb) => both(verb, 'b.wasm')),
    ...both('run', 'b.wasm', 'signal.csv'),
    ...both('run', 'b.wasm', 'signal.csv', '--plot', 'b.svg'),
    ...both('keygen', 'key'),
    ...both('sign', 'b.wasm', '--key', 'key.key', '-o', 'signed.wasm'),
    ...both('verify', 'signed.wasm', '--key', 'key.pub'),
    ...both('image', 'b.wasm', '-o', 'b.img'),
    ...both('flash', 'b.wasm', '--to', 'http://127.0.0.1:9'),
    ...both('explain', evil('RN100')),
    ...['inspect', 'run', 'validate'].flatMap((verb) => both(verb, 'wrong.wasm', 'signal.csv')),
  ];
  const streams = verbs(...list);
  clean(streams);
  assert.match(streams.stdout, 'moving-average\\u001b[2J', 'the names were shown');
});

test("printable JSON keeps its meaning, and the command's colours reach only a terminal", () => {
  const value = { text: evil('a') + String.fromCodePoint(0xe0041) };
  assert.equal(JSON.parse(printableLines(JSON.stringify(value))), value);
  assert.is(printable('Größe 測定 😀 \u00e9'), 'Größe 測定 😀 \u00e9');
  const error = new RunletError('RN100', { what: evil('what'), where: evil('where'), why: evil('why') });
  assert.is(error.message.search(/\n/), -1);
  assert.is(error.message.search(control), -1);
  const script = `
    import { coloursFor, emptyLine, guardStreams } from ${JSON.stringify(join(import.meta.dirname, '../../host/report/terminal.ts'))};
    Object.defineProperty(process.stdout, 'isTTY', { value: true });
    guardStreams();
    process.stdout.write(emptyLine(process.stdout) + coloursFor(process.stdout).red('a\\x1b[31mb\\x1b[1000;1000;1000;31mc') + '\\r');`;
  const tsx = join(import.meta.dirname, '../../node_modules/tsx/dist/loader.mjs');
  const env = { ...process.env, TERM: 'xterm', NO_COLOR: '' };
  const { stdout } = spawnSync(own, ['--import', `file://${tsx}`, '--input-type=module', '-e', script], {
    encoding: 'utf8',
    env,
  });
  assert.is(stdout, '\r\x1b[K\x1b[31ma\\u001b[31mb\\u001b[1000;1000;1000;31mc\x1b[39m\\u000d');
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();
