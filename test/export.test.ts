/**
 * models/train/runlet_export.py: the file has the requested metadata, and meaningless requests are refused.
 *
 * In: the committed files of test/fixtures/training, and new exports if RUNLET_PYTHON (default python3) has
 * the packages. training.test.ts tests the file's use in docs/training.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manifestFields } from '../host/model-fields.ts';
import { readNpy } from '../host/sources/npy.ts';
import { labelsIn } from '../models/read/detection.ts';
import { readModel } from '../models/read/index.ts';
import { executeStream } from '../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../models/stream/float.ts';
import { planStream } from '../models/stream/plan.ts';
import { root } from './shared.ts';

const python = process.env.RUNLET_PYTHON ?? 'python3';
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
const fixtures = join(root, 'test/fixtures');
const folder = mkdtempSync(join(tmpdir(), 'runlet-export-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const bytesOf = (path: string) => new Uint8Array(readFileSync(path));
const floats = (path: string) => readNpy(bytesOf(path)).data as Float32Array;

function run(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(python, args, { env, cwd: folder, encoding: 'utf8' });
  assert.is(status, 0, `${stdout}\n${stderr}`);
  return stdout;
}

/** Registers a test that needs Python packages, or skips it and prints what is missing. */
function withPackages(title: string, packages: string[], body: () => void | Promise<void>): void {
  const found = 'import importlib.util, sys; sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))';
  if (spawnSync(python, ['-c', found, ...packages], { env }).status === 0) return void test(title, body);
  const wanted = 'pip install -r test/fixtures/training/requirements.txt';
  console.log(`skipped: ${title}: ${python} lacks ${packages.join(', ')}; ${wanted}, and RUNLET_PYTHON names the interpreter`);
  test.skip(title, () => undefined);
}

for (const file of ['torch.onnx', 'keras.tflite'])
  test(`${file}: the file has hop, rate, labels, columns and earlier context of the training`, async () => {
    const graph = await readModel(bytesOf(join(fixtures, 'training', file)));
    const exported = Object.entries(graph.metadata).filter(([key]) => key.startsWith('runlet.'));
    assert.equal(Object.fromEntries(exported), {
      'runlet.hop': '8',
      'runlet.sample_rate_hz': '25',
      'runlet.labels': '["pitch", "strength"]',
      'runlet.columns': '["tone", "noise"]',
      'runlet.left_context': '16',
      'runlet.truth_at': 'mean',
    });
    const { sampleRateHz, labels } = manifestFields(graph);
    assert.equal({ sampleRateHz, labels }, { sampleRateHz: 25, labels: ['pitch', 'strength'] });
  });

test('text of a TensorFlow Lite file is UTF-8; other bytes are shown by their length', async () => {
  const file = readFileSync(join(fixtures, 'training/keras.tflite'));
  const labelsWith = async (bytes: Buffer) => {
    const at = file.indexOf('strength');
    const changed = new Uint8Array(file);
    changed.set(bytes, at);
    return (await readModel(changed)).metadata['runlet.labels'];
  };
  assert.is(await labelsWith(Buffer.from('größer')), '["pitch", "größer"]');
  assert.match((await labelsWith(Buffer.from([0xff]))) ?? '', /^\d+ bytes$/);
  assert.match((await labelsWith(Buffer.from('\x1b'))) ?? '', /^\d+ bytes$/);
  assert.equal(labelsIn({ 'runlet.labels': '["a, b", 1]' }), ['a, b', '1']);
  assert.equal(labelsIn({ 'runlet.labels': ' a, b ,[' }), ['a', 'b', '[']);
  assert.is(labelsIn({}), undefined);
});

withPackages('a meaningless request is refused with the reason', ['numpy'], () => {
  const { taken, refused } = JSON.parse(run(join(fixtures, 'export/refusals.py')));
  assert.equal(taken, {
    'runlet.hop': '8',
    'runlet.sample_rate_hz': '50',
    'runlet.labels': '["sitting", "gr\\u00f6\\u00dfer", "a, b", "turning", "lying"]',
    'runlet.columns': '["a0", "a1", "a2", "a3", "a4", "a5"]',
    'runlet.left_context': '320',
    'runlet.truth_at': 'middle',
    'runlet.accuracy': '92.91',
    'runlet.unit': 'm/s²',
    'runlet.front_end': 'ppg',
  });
  const whys = [
    /hop is 129 and the window has 128 frames/,
    /hop is 0, and must be a whole number, 1 or more/,
    /hop is 2\.5/,
    /hop is True/,
    /sample_rate_hz is 0, and must be above 0/,
    /sample_rate_hz is nan/,
    /labels is one text; give a list/,
    /4 labels, and the model's output has 5 values/,
    /labels has a name twice/,
    /labels has 'line\\nbreak'/,
    /2 columns, and a frame of the model's input has 6 values/,
    /left_context is -1/,
    /truth_at is 'start', and must be one of majority, middle, end, mean/,
    /accuracy is 100\.1, and must be from 0 to 100, in %/,
    /accuracy is nan/,
    /unit has ''/,
  ];
  assert.is(refused.length, whys.length);
  for (const [i, why] of whys.entries()) assert.match(refused[i], why);
});

for (const [framework, file, packages] of [
  ['torch', 'plain.onnx', ['torch', 'onnx', 'onnxscript']],
  ['keras', 'plain.tflite', ['tensorflow']],
] as const)
  withPackages(
    `${framework}: a model that was not trained to stream is exported with its metadata and its outputs`,
    [...packages],
    async () => {
      run(join(fixtures, 'export/plain.py'), framework, folder);
      const graph = await readModel(bytesOf(join(folder, file)));
      const {
        'runlet.columns': columns,
        'runlet.left_context': context,
        'runlet.truth_at': truth,
        'runlet.hop': hop,
      } = graph.metadata;
      assert.equal([JSON.parse(columns ?? ''), context, truth, hop], [['x in m/s²', 'y', 'z'], undefined, 'middle', '4']);
      const { sampleRateHz, labels, unit } = manifestFields(graph);
      assert.equal({ sampleRateHz, labels, unit }, { sampleRateHz: 62.5, labels: ['größer', 'a, b'], unit: 'm/s²' });
      const plan = planStream(graph, { hop: 4 });
      const [only] = [...executeStream(plan, floatBlock(plan, floats(join(folder, 'plain-in.npy'))), floatRunner)];
      const expected = floats(join(folder, 'plain-out.npy'));
      const got = only?.outputs[0] as Float32Array;
      assert.is(got.length, expected.length);
      for (const [i, value] of expected.entries())
        assert.ok(Math.abs((got[i] as number) - value) < 1e-5, `${got} against ${expected}`);
    },
  );

withPackages('pip makes a package with the one file', ['setuptools.command.bdist_wheel', 'pip'], () => {
  const source = `
import pathlib, shutil, subprocess, sys, zipfile
shutil.copytree(sys.argv[1], "source")
pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", "wheels", "./source"]
subprocess.run(pip, check=True)
[wheel] = pathlib.Path("wheels").glob("*.whl")
print("\\n".join([wheel.name, *zipfile.ZipFile(wheel).namelist()]))`;
  const [wheel, ...names] = run('-c', source, join(root, 'models/train')).trim().split('\n');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.is(wheel, `runlet_export-${version}-py3-none-any.whl`);
  assert.equal(
    names.filter((name) => !name.includes('.dist-info/')),
    ['runlet_export.py'],
  );
  assert.equal(readdirSync(join(root, 'models/train')).sort(), ['pyproject.toml', 'runlet_export.py', 'wake-word']);
  assert.match(readFileSync(join(root, 'models/train/runlet_export.py'), 'utf8'), `__version__ = "${version}"`);
});

test.run();
