/**
 * Models that listen, end to end. microWakeWord's models hear their word in its recordings and in no other,
 * from the WAV file only. micro_speech hears yes and no on the rows of audio_preprocessor's front end. The
 * command line prints the words.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import wavefile from 'wavefile';
import { openListening } from '../../host/cli/listening-models.ts';
import { Listener } from '../../host/session/index.ts';
import { openSource } from '../../host/sources/index.ts';
import { shared } from '../shared.ts';
import { type CliResult, runCli } from './helpers.ts';
import { tinyBundle } from './tiny-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-listening-'));
test.after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const run = (args: string[], input: Uint8Array | string = '') => runCli(folder, args, input);

const [models, audio] = [shared('models'), shared('audio')];
const real = models && audio ? test : test.skip;

/** Returns the words that `listening` hears in a recording, as `label seconds`. */
async function heardIn(listening: Awaited<ReturnType<typeof openListening>>, path: string): Promise<string[]> {
  const words: string[] = [];
  const listener = new Listener(listening.models, listening.sampleRateHz, {
    heard: (_, { label, timeMs }) => words.push(`${label} ${timeMs / 1000}`),
  });
  listener.reset();
  const source = await openSource(path, { frameElements: 1, sound: true, resample: true, sampleRateHz: listening.sampleRateHz });
  for await (const chunk of source.frames) listener.push(chunk);
  return words;
}

const recordings = (): string[] => readdirSync(audio as string).filter((name) => name.endsWith('.wav'));

real('okay_nabu and hey_jarvis hear their word in every recording of it and in no other', async () => {
  for (const word of ['okay_nabu', 'hey_jarvis']) {
    const listening = await openListening([join(models as string, 'mww/v2', word, 'manifest.json')], {}, 16000);
    for (const name of recordings()) {
      const heard = await heardIn(listening, join(audio as string, name));
      const times = !name.startsWith(word) ? 0 : name === 'okay_nabu_3.wav' ? 2 : 1;
      assert.is(heard.length, times, `${word} in ${name}: ${heard}`);
    }
  }
});

real('version 1 hears okay_nabu_2 once and no other recording, as in its published outputs', async () => {
  const listening = await openListening([join(models as string, 'mww/v1/okay_nabu/manifest.json')], {}, 16000);
  for (const name of recordings()) {
    const heard = await heardIn(listening, join(audio as string, name));
    assert.is(heard.length, name === 'okay_nabu_2.wav' ? 1 : 0, `${name}: ${heard}`);
  }
});

real('words are heard with voice activity, and in sound resampled from 44.1 kHz stereo and 8-bit 22.05 kHz', async () => {
  const paths = ['okay_nabu', 'vad'].map((name) => join(models as string, 'mww/v2', name, 'manifest.json'));
  const listening = await openListening(paths, {}, 16000);
  assert.is(listening.frontEnds.length, 1, 'one front end for both');
  const original = new wavefile.WaveFile(readFileSync(join(audio as string, 'okay_nabu_2.wav')));
  const samples = original.getSamples(false, Int16Array) as unknown as Int16Array;
  const converted = (rateHz: number, depth: string, channels: number) => {
    const wav = new wavefile.WaveFile();
    const each = Array.from({ length: channels }, () => Array.from(samples));
    wav.fromScratch(channels, 16000, '16', (channels === 1 ? each[0] : each) as never);
    wav.toSampleRate(rateHz);
    wav.toBitDepth(depth);
    const path = at(`${rateHz}-${depth}-${channels}.wav`);
    writeFileSync(path, wav.toBuffer());
    return path;
  };
  for (const path of [converted(44100, '16', 2), converted(22050, '8', 1), converted(48000, '32f', 1)])
    assert.equal(
      (await heardIn(listening, path)).map((w) => w.split(' ').slice(0, 2).join(' ')),
      ['Okay Nabu'],
      path,
    );
});

real('micro_speech on audio_preprocessor’s rows gives the reference’s scores for yes and no', async () => {
  const path = join(models as string, 'tflm/micro_speech_quantized/model.tflite');
  const options = { frontEnd: 'audio-preprocessor', labels: ['silence', 'unknown', 'yes', 'no'], cutoff: { cutoff: 0.8 } };
  const listening = await openListening([path], options, 16000);
  const [model] = listening.models;
  for (const word of ['yes', 'no']) {
    const expected = new Int8Array(readFileSync(join(audio as string, `${word}_1000ms.ms.out.bin`)));
    const heard = await heardIn(listening, join(audio as string, `${word}_1000ms.wav`));
    assert.equal(heard, [`${word} 0.99`]);
    assert.equal(model?.session.outputRaw().slice(), expected);
  }
});

const linesOf = ({ stdout }: CliResult) =>
  stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

real('the command line takes WAV and raw samples, also through a pipe, and prints limit, scores and summary', async () => {
  const bundle = at('okay_nabu.wasm');
  const manifest = join(models as string, 'mww/v2/okay_nabu/manifest.json');
  const built = await run(['build', manifest, '-o', bundle]);
  assert.is(built.code, 0, built.stderr);
  assert.match(built.stdout, 'detects     Okay Nabu: mean of 5 outputs above 0.97');
  assert.match(built.stderr, 'manifest.json names okay_nabu.tflite, which does not exist');
  assert.match((await run(['inspect', bundle])).stdout, 'rows of microwakeword every 10 ms');
  const inspected = JSON.parse((await run(['inspect', bundle, '--json'])).stdout);
  assert.equal(inspected.features, { preset: 'microwakeword', stepSamples: 160, sampleRateHz: 16000 });
  assert.is(inspected.detector.label, 'Okay Nabu');

  const wav = join(audio as string, 'okay_nabu_3.wav');
  const file = await run(['run', bundle, wav, '--json']);
  const lines = linesOf(file);
  assert.equal(
    lines.slice(0, 2).map(({ timeS, heard, model }) => [timeS, heard, model]),
    [
      [1.91, 'Okay Nabu', 'okay_nabu'],
      [6.47, 'Okay Nabu', 'okay_nabu'],
    ],
  );
  const summary = lines[2]?.summary as { models: { heard: object; outputs: number }[]; frontEnds: { rows: number }[] };
  assert.equal(summary.models[0]?.heard, { 'Okay Nabu': 2 });
  assert.is(summary.models[0]?.outputs, 240);
  assert.is(summary.frontEnds[0]?.rows, 720);
  const bytes = readFileSync(wav);
  const data = bytes.subarray(bytes.indexOf('data') + 8);
  for (const [spec, input, ...more] of [
    ['-', bytes],
    ['mic', data],
    ['mic', data, '--format', 's16', '--rate', '16000', '--channels', '1'],
  ] as const) {
    const piped = await run(['run', bundle, spec, ...more], input);
    assert.equal(linesOf(piped), lines.slice(0, 2), piped.stderr);
  }
  const inside = await run(['build', manifest, '--front-end', 'micro', '-o', at('inside.wasm')]);
  assert.match(inside.stdout, 'one every 10 ms');
  assert.equal(linesOf(await run(['run', 'inside.wasm', wav])), lines.slice(0, 2), 'the front end inside the module');
  assert.is(linesOf(await run(['run', bundle, wav, '--limit', '1'])).length, 1);
  assert.is(linesOf(await run(['run', bundle, wav, '--scores'])).length, 242);
  assert.is(linesOf(await run(['run', bundle, wav, '--cutoff', '0.999', '--label', 'x'])).length, 0);
});

real('the command line takes a model file with its manifest, and two models', async () => {
  for (const name of ['okay_nabu', 'vad'])
    for (const [from, to] of [
      ['model.tflite', `${name}.tflite`],
      ['manifest.json', `${name}.json`],
    ] as const)
      writeFileSync(at(to), readFileSync(join(models as string, 'mww/v2', name, from)));
  const wav = join(audio as string, 'okay_nabu_1.wav');
  const { stdout, stderr } = await run(['run', 'okay_nabu.tflite', 'vad.json', wav]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(lines.some(({ voice, model }) => voice === true && model === 'vad'));
  assert.equal(
    lines.filter(({ heard }) => heard).map(({ heard, timeS }) => `${heard} ${timeS}`),
    ['Okay Nabu 3.14'],
  );
  assert.match(stderr, 'using the manifest okay_nabu.json from');
  assert.match(stderr, /vad +voice \d+ % of the time/);
});

test('mistakes on the command line have their codes', async () => {
  writeFileSync(at('two.wasm'), await tinyBundle({ channels: 2, labels: ['a', 'b'], sampleRateHz: 8000 }));
  writeFileSync(at('one.wasm'), await tinyBundle({ sampleRateHz: 8000, scale: 1 / 128 }));
  writeFileSync(at('lost.json'), JSON.stringify({ type: 'micro', wake_word: 'x', model: 'lost.tflite', version: 1, micro: { probability_cutoff: 0.5, sliding_window_average_size: 2 } })); // biome-ignore format: one line
  writeFileSync(at('v9.json'), JSON.stringify({ type: 'micro', version: 9 }));
  const code = async (...args: string[]) => {
    const { code: exit, stderr } = await run(args, '1\n');
    return `${/RN\d{3}/.exec(stderr)?.[0]} ${exit}`;
  };
  assert.is(await code('run', 'two.wasm', 'one.wasm', '-'), 'RN775 2');
  assert.is(await code('run', 'one.wasm', 'one.wasm', '-', '--plot', 'x.svg'), 'RN741 2');
  assert.is(await code('run', 'one.wasm', 'one.wasm', 'gen:sine', 'gen:noise'), 'RN741 2');
  assert.is(await code('run', 'two.wasm', '-', '--label', 'c'), 'RN771 2');
  assert.is(await code('run', 'two.wasm', '-', '--cutoff', 'a=2'), 'RN740 2');
  assert.is(await code('run', 'one.wasm', '-', '--sliding-window', '0'), 'RN740 2');
  assert.is(await code('run', 'lost.json', '-'), 'RN772 4');
  assert.is(await code('plan', 'v9.json'), 'RN132 3');
  assert.is(await code('build', 'v9.json'), 'RN132 3');
  assert.is(await code('inspect', at('v9.json')), 'RN132 3');
});

test('two models of plain sound with separate detectors run at the rate of the models', async () => {
  const detector = { cutoff: 0.25, slidingWindow: 1, refractoryMs: 0, output: 0, label: 'loud' };
  const options = { sampleRateHz: 8000, scale: 1 / 128, manifest: (m: object) => ({ ...m, detector }) };
  writeFileSync(at('loud.wasm'), await tinyBundle(options));
  const raw = new Uint8Array(Int16Array.from({ length: 32 }, (_, n) => (n < 16 ? 0 : 16384)).buffer);
  const lines = linesOf(await run(['run', 'loud.wasm', 'loud.wasm', 'mic'], raw));
  // windows of 8 samples, every 4: the first with a mean above 0.25 ends at sample 24 (3 ms)
  assert.equal(
    lines.map(({ timeS, model, heard }) => [timeS, model, heard]),
    [24, 28, 32].flatMap((n) => ['moving-average', 'moving-average-2'].map((name) => [n / 8000, name, 'loud'])),
  );
});

test.run();
