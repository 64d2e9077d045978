/**
 * docs/training.md works: networks that are trained with its helpers stream as they were trained.
 *
 * In: test/fixtures/training: a trained model, a signal, and the training framework's outputs for the
 * signal's extended windows. The committed files are checked. If RUNLET_PYTHON (default python3) has the
 * packages, they are also made again from the page's code and checked.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../assembly/build.ts';
import { readNpy } from '../host/sources/npy.ts';
import { readModel } from '../models/read/index.ts';
import { executeStream } from '../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../models/stream/float.ts';
import { planStream } from '../models/stream/plan.ts';
import { quantPlan } from '../quant/plan.ts';
import { quantize } from '../quant/quantize.ts';
import { runSignal } from '../quant/reference.ts';
import { quantiseSignal } from '../quant/report.ts';
import { differing, instantiate, poisonMemory, pushAll } from './property/harness.ts';
import { root } from './shared.ts';
import { runExtended } from './stages/extended.ts';

const committed = join(root, 'test/fixtures/training');
const parts = [
  { name: 'torch', file: 'torch.onnx', modules: ['torch', 'onnx', 'onnxscript'] },
  { name: 'keras', file: 'keras.tflite', modules: ['tensorflow'] },
];

const read = (folder: string, name: string): Float32Array =>
  readNpy(new Uint8Array(readFileSync(join(folder, name)))).data as Float32Array;

/**
 * Checks that the planner chooses `stream` only if the file says that the training had sufficient context.
 */
async function planned(folder: string, file: string) {
  const graph = await readModel(new Uint8Array(readFileSync(join(folder, file))));
  const options = { hop: Number(graph.metadata['runlet.hop']) };
  const trained = Number(graph.metadata['runlet.left_context']);
  const plan = planStream(graph, options);
  assert.is(plan.mode, 'stream');
  assert.match(plan.reason, new RegExp(`^trained with ${trained} earlier frames`));
  const rule = Math.ceil(plan.leftContextFrames / plan.alignment) * plan.alignment;
  assert.is(trained, rule, 'the context in training is the left context, rounded up to the total stride');
  const short = trained - plan.alignment;
  const untrained = { ...graph, metadata: { ...graph.metadata, 'runlet.left_context': String(short) } };
  assert.is.not(planStream(untrained, options).mode, 'stream');
  return { graph, options, plan, trained, short };
}

type Planned = Awaited<ReturnType<typeof planned>>;

/** Returns the largest difference of streamed outputs from the framework's, divided by the largest output. */
function deviation({ plan }: Planned, signal: Float32Array, expected: Float32Array, leftContext: number): number {
  const first = Math.ceil(leftContext / plan.hop);
  const outputs = [...executeStream(plan, floatBlock(plan, signal), floatRunner, { warmUp: true })]
    .filter(({ index }) => index >= first)
    .flatMap(({ outputs: [out] }) => [...(out as Float32Array)]);
  assert.is(outputs.length, expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...outputs.map((value, i) => Math.abs(value - (expected[i] as number)))) / largest;
}

/** Counts bytes of streamed wasm that differ from windows extended by the left context, and by a hop less. */
async function differingBytes({ graph, options }: Planned, signal: Float32Array) {
  const int8 = quantize(graph, signal, { ...options, preset: 'fast', noReport: true }).graph;
  const quant = quantPlan(planStream(int8, options));
  const { plan } = quant;
  const { wasm, memory } = await build(quant);
  const stored = quantiseSignal(signal, int8.tensors[int8.inputs[0]?.tensor ?? -1]?.quant ?? { scale: 1, zeroPoint: 0 });
  const exports = instantiate(wasm);
  poisonMemory(exports, memory);
  exports.rn_reset();
  const got = pushAll(exports, quant, stored, [plan.hop, 1, 3]);
  const hops = Math.ceil(plan.leftContextFrames / plan.hop);
  const tooShort = { ...quant, plan: { ...plan, leftContextFrames: (hops - 1) * plan.hop } };
  const count = { outputs: 0, extended: 0, short: 0 };
  for (const { index, outputs } of runSignal(quant, stored)) {
    const streamed = got.next().value as Int8Array[];
    assert.is(differing(streamed, outputs), 0, `output ${index}: reference`);
    count.outputs++;
    count.extended += differing(streamed, runExtended(quant, stored, index));
    count.short += differing(streamed, runExtended(tooShort, stored, index));
  }
  assert.is(got.next().done, true);
  return count;
}

async function check(folder: string, name: string, file: string): Promise<void> {
  const made = await planned(folder, file);
  const signal = read(folder, 'signal.npy');
  const extended = deviation(made, signal, read(folder, `${name}-extended.npy`), made.trained);
  const tooShort = deviation(made, signal, read(folder, `${name}-short.npy`), made.short);
  const bytes = await differingBytes(made, signal);
  console.log(
    `  ${name}${folder === committed ? '' : ', trained again'}: float deviation ${extended.toExponential(1)} with ${made.trained} earlier frames, ${tooShort.toExponential(1)} with ${made.short}; ` +
      `int8, ${bytes.outputs} outputs: ${bytes.extended} bytes differ, ${bytes.short} on shorter windows`,
  );
  assert.ok(extended <= 1e-5, `float deviation ${extended}`);
  assert.ok(tooShort > 1e-4, `${made.short} earlier frames are too few, but the deviation is ${tooShort}`);
  assert.ok(bytes.outputs > 100);
  assert.is(bytes.extended, 0);
  assert.ok(bytes.short > 0);
}

const python = process.env.RUNLET_PYTHON ?? 'python3';
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
const pins = readFileSync(join(committed, 'requirements.txt'), 'utf8').split('\n');
const pinned = (module: string) => pins.find((line) => line.split('==')[0]?.replace(/-cpu$/, '') === module) ?? module;

for (const { name, file, modules } of parts) {
  test(`${name}: the committed model streams as it was trained`, () => check(committed, name, file));

  const title = `${name}: the page's code trains, exports and streams`;
  if (spawnSync(python, ['-c', `import ${modules.join(', ')}`], { env }).status !== 0) {
    const packages = modules.map(pinned).join(' ');
    console.log(`skipped: ${title}: ${python} lacks packages; pip install ${packages}, and RUNLET_PYTHON names the interpreter`);
    test.skip(title, () => undefined);
    continue;
  }
  test(title, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runlet-training-'));
    try {
      const { status, stdout, stderr } = spawnSync(python, [join(committed, `${name}-driver.py`), folder], {
        env,
        encoding: 'utf8',
      });
      assert.is(status, 0, `${stdout}\n${stderr}`);
      await check(folder, name, file);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test.run();
