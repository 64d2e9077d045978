/**
 * Windowed third-party int8 models: every output byte equals TensorFlow Lite Micro's reference kernels,
 * through the command line.
 *
 * The runs `rand`, `walk` and `edge` are windowed. str_ww is also streamed against every sliding-window run.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root, shared, todays } from '../shared.ts';

const exec = promisify(execFile);
const folder = shared('models');

async function validate(model: string, run: string, kinds: [string, string], extra: string[] = []): Promise<void> {
  const at = (name: string) => join(folder as string, model, name);
  const { stdout } = await exec(process.execPath, [
    join(root, 'host/cli/bin.js'),
    'validate',
    at('model.tflite'),
    '--input',
    at(`${run}.${kinds[0]}.npy`),
    '--expect',
    at(`${run}.${kinds[1]}.npy`),
    // either dimension of an image may be time
    ...(model.includes('Resnet') ? ['--time-axis', '1'] : []),
    ...extra,
  ]);
  const [, differing, outputs] = /^(\d+) of (\d+) outputs differ/.exec(stdout) ?? [];
  assert.is(differing, '0', `${model} ${run}: ${stdout}`);
  assert.ok(Number(outputs) > 0);
  console.log(`  ${model} ${run} ${extra.join(' ')}: ${stdout.trim()}`);
}

const windowed = [
  'mlperf-tiny/str_ww_ref_model',
  'mlperf-tiny/kws_ref_model',
  'mlperf-tiny/ad01_int8',
  'mlperf-tiny/ic_pretrainedResnet_quant',
  'tflm/micro_speech_quantized',
  'tflm/hello_world_int8',
  'misc/heartbeats_quantized',
  'mltk/keyword_spotting_on_off',
  'mltk/tflite_micro_speech',
];

const check = folder ? test : test.skip;
for (const model of todays(windowed)) {
  check(`${model} equals the runs rand, walk and edge`, async () => {
    // browser/models runs every run on every target
    for (const [run, target] of [
      ['rand', 'interp'],
      ['walk', 'simd'],
      ['edge', 'native'],
    ] as const)
      await validate(model, run, ['in0', 'out0'], ['--target', target]);
  });
}

check('stateful models and the front end as a model equal the runs rand, walk and edge step by step', async () => {
  const models = ['mww/v2/okay_nabu', 'mww/v2/hey_jarvis', 'mww/v2/vad', 'mww/v1/okay_nabu', 'tflm/audio_preprocessor_int8'];
  for (const model of models) for (const run of ['rand', 'walk', 'edge']) await validate(model, run, ['in0', 'out0']);
});

check('str_ww streamed at hop 1 equals every sliding-window run', async () => {
  const model = 'mlperf-tiny/str_ww_ref_model';
  const runs = readdirSync(join(folder as string, model)).flatMap((f) => /^(slide_.*)\.seq\.npy$/.exec(f)?.[1] ?? []);
  assert.ok(runs.length >= 3);
  for (const run of runs) {
    const facts = JSON.parse(readFileSync(join(folder as string, model, `${run}.json`), 'utf8')) as { hop_rows: number };
    await validate(model, run, ['seq', 'winout'], ['--hop', '1', '--expect-hop', String(facts.hop_rows)]);
    if (facts.hop_rows !== 1) await validate(model, run, ['seq', 'winout'], ['--hop', String(facts.hop_rows)]);
  }
});

check('the windowed models equal their sliding-window runs at hop 1', async () => {
  for (const model of windowed) {
    if (model.includes('ad01') || !existsSync(join(folder as string, model, 'slide_rand.seq.npy'))) continue;
    await validate(model, 'slide_rand', ['seq', 'winout'], ['--hop', '1']);
  }
});

test.run();
