/**
 * examples/esphome: the component in C hears the words that the session hears, and ESPHome accepts it.
 *
 * In: the zoo's minute of words, as sound at 16 kHz.  Out: words with times. The component runs under
 * ESPHome's own headers and microphone source, over a stand-in for the platform
 * (test/examples/esphome/component.cpp). ESPHome itself checks the configuration and writes the program.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LabelDetector, Listener, openSession } from '../../host/session/index.ts';
import { root } from '../shared.ts';
import { installed, Workspace } from './workspace.ts';

const here = join(import.meta.dirname, 'esphome');
const work = new Workspace('esphome');
const component = 'examples/esphome/components/runlet_wake_word';
const rateHz = 16000;
const wav = readFileSync(join(root, 'models/zoo/kws/demo.wav'));
const pcm = wav.subarray(44);

const esphome = process.env.RUNLET_ESPHOME;
const packages = esphome ? join(dirname(esphome), '../lib') : '';
const headers = existsSync(packages)
  ? readdirSync(packages)
      .map((python) => join(packages, python, 'site-packages'))
      .find((path) => existsSync(join(path, 'esphome')))
  : undefined;
const withEsphome = headers ? test : test.skip;
if (!headers)
  console.log(
    'skipped: what ESPHome checks; pip install esphome==2026.6.5 into a venv, and RUNLET_ESPHOME names its program esphome',
  );
const withCompiler = installed('gcc') && installed('g++') ? test : test.skip;
if (withCompiler === test.skip) console.log('skipped: gcc or g++ is not installed');

/**
 * Returns the words that the session hears, each with the sample at which its hop was complete, because the
 * component takes whole hops.
 */
async function words(): Promise<[string, number][]> {
  const session = await openSession(readFileSync(work.at('out/wake_word.wasm')));
  const detector = new LabelDetector(session.manifest, (1000 * session.hop) / rateHz);
  const found: [string, number][] = [];
  const model = { name: 'kws', session, detector };
  const listener = new Listener([model], rateHz, {
    heard: (_, { label }) => found.push([label, Math.ceil(session.framesPushed / session.hop) * session.hop]),
  });
  listener.push(new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1));
  return found;
}

const heardIn = (text: string): [string, number][] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([word, at]) => [word as string, Number(at)]);

const sanitize = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const strict = ['-Wall', '-Wextra', '-Werror', '-Iout/wake_word/src', `-I${component}`];

test.before(async () => {
  await work.make('esphome');
  if (installed('gcc')) work.run('gcc', ['-std=c99', '-O2', '-c', 'out/wake_word/src/wake_word.c', '-o', 'model.o']);
});

withCompiler('the listener hears the words of the session, at the same hops', async () => {
  work.run('g++', ['-std=gnu++20', ...sanitize, ...strict, join(here, 'listener.cpp'), 'model.o', '-o', 'listener']);
  const wanted = await words();
  assert.ok(wanted.length > 8, `${wanted}`);
  assert.equal(heardIn(work.run(work.at('listener'), [], pcm)), wanted);
});

withEsphome("under ESPHome's microphone the component hears the same words, and reports lost sound", async () => {
  const theirs = join(headers as string, 'esphome/components/microphone/microphone_source.cpp');
  // the stand-ins have unused arguments, and disabled logging leaves variables unused
  const flags = [
    '-std=gnu++20',
    '-fno-rtti',
    ...sanitize,
    ...strict,
    '-Wno-unused-parameter',
    '-Wno-unused-variable',
    `-I${here}`,
  ];
  const sources = [`${component}/runlet_wake_word.cpp`, join(here, 'component.cpp'), theirs, 'model.o'];
  work.run('g++', [...flags, '-isystem', headers as string, ...sources, '-o', 'component']);
  const wanted = (await words()).map(([word]) => word);
  // the component lives as long as the firmware, so it never frees its memory
  const run = (blocks: number) => work.run('env', ['ASAN_OPTIONS=detect_leaks=0', work.at('component'), `${blocks}`], pcm);
  for (const blocks of [0, 40])
    assert.equal(
      heardIn(run(blocks)).map(([word]) => word),
      wanted,
      `${blocks} blocks waited`,
    );
  assert.match(run(60), /^runlet_wake_word: .*sound was lost/m);
});

withEsphome('ESPHome accepts the configuration, and writes the program with the component and the model', () => {
  const yaml = 'examples/esphome/wake-word.yaml';
  assert.match(work.run(esphome as string, ['config', yaml]), /on_wake_word_detected/);
  work.run(esphome as string, ['compile', '--only-generate', yaml]);
  const source = work.at('examples/esphome/.esphome/build/wake-word/src');
  const program = readFileSync(join(source, 'main.cpp'), 'utf8');
  for (const line of [
    /new\(\w+\) runlet_wake_word::RunletWakeWord\(\);/,
    /->set_microphone_source\(/,
    /->get_trigger\(\)/,
    /#include "wake_word\.h"/,
  ])
    assert.match(program, line);
  for (const file of ['wake_word.c', 'wake_word.h', 'esphome/components/runlet_wake_word/listener.h'])
    assert.ok(existsSync(join(source, file)), file);
  const wrong = readFileSync(work.at(yaml), 'utf8').replace('sample_rate: 16000', 'sample_rate: 48000');
  assert.not.match(wrong, /sample_rate: 16000/);
  writeFileSync(work.at('examples/esphome/wrong.yaml'), wrong);
  const { status, stdout, stderr } = spawnSync(esphome as string, ['config', 'examples/esphome/wrong.yaml'], {
    cwd: work.path,
    encoding: 'utf8',
  });
  assert.is.not(status, 0);
  assert.match(stdout + stderr, /sample rate/i);
});

test("the component's Python file can be parsed", () => {
  if (!installed('python3')) return console.log('skipped: python3 is not installed');
  const check = 'import ast, sys; ast.parse(open(sys.argv[1]).read())';
  work.run('python3', ['-c', check, `${component}/__init__.py`]);
});

test.run();
