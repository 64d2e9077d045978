/**
 * `runlet recalibrate` against a running gateway: a model whose ranges do not fit the signal is made again
 * from collected windows and confirmed; a worse one, another model and an unsigned one are refused.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { secretPem } from '../../assembly/bundle/keys.ts';
import { checkProvenance } from '../../assembly/bundle/provenance.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import { signBundle, verifyBundle } from '../../assembly/bundle/sign.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { serve } from '../../host/gateway/http/serve.ts';
import { manifestFields } from '../../host/model-fields.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { writeGraph } from '../../models/graph/file.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runCli } from '../host/helpers.ts';
import { root } from '../shared.ts';
import { digestOf, keys } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-recalibrate-'));
const zoo = (path: string) => join(root, 'models/zoo', path);
const model = zoo('har/har-watch.onnx');
const [hop, window, elements] = [8, 128, 6];

const graph = await readModel(new Uint8Array(readFileSync(model)), { name: 'har-watch' });
const calibration = Float32Array.from(readNpy(new Uint8Array(readFileSync(zoo('har/calib-watch.npy')))).data);
const rows = readFileSync(zoo('har/demo-watch.csv'), 'utf8').trim().split('\n').slice(1).map((line) => line.split(',').map(Number)); // biome-ignore format: one line
const recording = Float32Array.from(rows.flatMap((row) => row.slice(1, 1 + elements)));
const labels = ['seated', 'standing up', 'walking', 'turning', 'sitting down'];

/** A signed bundle whose ranges come from `data`. */
async function bundleFrom(data: Float32Array) {
  const int8 = (await quantize(graph, data, { hop })).graph;
  const release = { name: 'watch', version: '1.0.0', sequence: 1, target: 'simd', ...manifestFields(int8) };
  const { wasm } = await build(quantPlan(planStream(int8, { hop })), release);
  writeFileSync(join(folder, 'int8.rnq'), writeGraph(int8));
  const signed = await signBundle(wasm, keys);
  return { wasm: signed, digest: digestOf(signed) };
}

const disk = new CrashDisk();
const gateway = await Gateway.open(disk, { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 20_000 } });
const token = 'a-token-of-this-test';
const { app } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
const served = await serve({ app, door: new Door({ token }), host: '127.0.0.1', port: 0 });
writeFileSync(join(folder, 'token'), token);
writeFileSync(join(folder, 'mine.key'), secretPem(keys));
const temporary = join(folder, 'tmp');
mkdirSync(temporary);
process.env.TMPDIR = temporary;
test.after(async () => {
  await served.stop();
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = async (path: string, method = 'GET', body?: object | Uint8Array) => {
  const sent = body instanceof Uint8Array ? body : body && JSON.stringify(body);
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${served.url}/v1/${path}`, { method, headers, ...(sent && { body: sent as BodyInit }) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.status === 204 ? undefined : response.json();
};

/** Runs a bundle in a slot over a signal, and labels every second window with the activity in its middle. */
async function drift(slot: string, bundle: { wasm: Uint8Array; digest: string }, values: Float32Array) {
  await gateway.receive(bundle.wasm, bundle.digest, slot);
  await gateway.try(slot, { enduranceHops: 20, confirm: true });
  await ask(`slots/${slot}/collection`, 'PUT', { random: { share: 1 } });
  const wanted = Math.floor((rows.length - window) / hop) + 1;
  let outputs = 0;
  const off = gateway.events.on('output', () => outputs++);
  for (let tick = 0; tick < rows.length; tick += 400) {
    const part = values.slice(tick * elements, (tick + 400) * elements);
    await ask(`streams/${slot}/frames?slot=${slot}&from=${tick}`, 'POST', new Uint8Array(part.buffer));
    const due = Math.max(0, Math.floor((Math.min(rows.length, tick + 400) - window) / hop) + 1);
    while (outputs < due) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.is(outputs, wanted);
  off();
  await ask(`streams/${slot}`, 'DELETE');
  await gateway.collection.slots.get(slot)?.settled();
  const { windows } = (await ask(`slots/${slot}/windows`)) as { windows: { id: number }[] };
  for (const [i, { id }] of windows.entries())
    if (i % 2 === 0) {
      const { windowFrom } = (await ask(`slots/${slot}/windows/${id}`)) as { windowFrom: number };
      const label = labels[rows[windowFrom + window / 2]?.[1 + elements] as number];
      await ask(`slots/${slot}/windows/${id}/labels`, 'POST', { annotator: 'somebody', label });
    }
  return windows.length;
}

const recalibrate = (...args: string[]) =>
  runCli(folder, ['recalibrate', ...args, '--from', served.url, '--token-file', 'token']);

test('a model whose ranges are too narrow is made again, tried and confirmed', async () => {
  const narrow = await bundleFrom(calibration.map((value) => value / 3));
  const count = await drift('main', narrow, recording);
  const dry = await recalibrate(model, '--key', 'mine.key', '--dry-run');
  assert.is(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /^compared +better/m);
  assert.match(dry.stdout, /nothing was sent/);
  assert.is((await gateway.slotStatus('main')).active?.digest, narrow.digest);

  const made = await recalibrate(model, '--key', 'mine.key', '--confirmed-by', 'Team Nord', '-o', 'kept', '--json');
  assert.is(made.code, 0, made.stderr);
  const { comparison, report, status, windows } = JSON.parse(made.stdout);
  assert.equal([comparison.verdict, report.phase, status.active.version], ['better', 'confirmed', '1.0.0+r2']);
  assert.is(windows.windows + comparison.windows, count, 'no window calibrates and judges');
  const bundle = new Uint8Array(readFileSync(join(folder, 'kept/bundle.wasm')));
  await verifyBundle(bundle, [keys.publicKey]);
  assert.is(gateway.slotStatus('main').active?.digest, digestOf(bundle));
  const { name, ...manifest } = readManifest(bundle);
  const provenance = checkProvenance(manifest.provenance);
  const fileDigest = (file: string) => digestOf(readFileSync(join(folder, 'kept', file)));
  assert.equal([name, provenance.replaces, provenance.confirmed], ['watch', narrow.digest, 'Team Nord']);
  assert.equal(provenance.data, [
    { use: 'calibration', digest: fileDigest('calib.npz'), windows: windows.windows, reasons: { random: windows.windows } },
    {
      use: 'evaluation',
      digest: fileDigest('eval.npz'),
      windows: comparison.windows,
      reasons: { random: comparison.windows },
    },
  ]);
  assert.not.ok(Buffer.from(bundle).includes('somebody'), 'names of annotators stay in the set');

  // the same windows, options and release give the same file, as runlet build makes it
  const release = ['--name', 'watch', '--version', '1.0.0+r2', '--sequence', '2', '--target', 'simd', '--confirmed-by', 'Team Nord']; // biome-ignore format: one line
  writeFileSync(join(folder, 'narrow.wasm'), narrow.wasm);
  const data = ['--calib', 'kept/calib.npz', '--evaluated', 'kept/eval.npz', '--replaces', 'narrow.wasm'];
  const built = await runCli(folder, ['build', model, ...data, ...release, '-o', 'again.wasm']);
  assert.is(built.code, 0, built.stderr);
  const signed = await runCli(folder, ['sign', 'again.wasm', '--key', 'mine.key']);
  assert.is(signed.code, 0, signed.stderr);
  assert.is(digestOf(readFileSync(join(folder, 'again.wasm'))), digestOf(bundle));

  await gateway.rollBack('main');
  assert.is(gateway.slotStatus('main').active?.digest, narrow.digest, 'there is a way back');
});

test('a bundle that is clearly worse is not sent', async () => {
  // the ranges of the first calibration cut off what confuses the network
  const loud = recording.map((value, i) => (i % elements < 3 ? 2 * value : value));
  await drift('loud', await bundleFrom(calibration), loud);
  const refused = await recalibrate(model, '--slot', 'loud', '--key', 'mine.key');
  assert.equal([refused.code, /RN798/.test(refused.stderr)], [1, true], refused.stderr);
  assert.match(refused.stdout, /^compared +worse/m);
  assert.is(gateway.slotStatus('loud').staged, undefined);
  assert.is(gateway.slotStatus('loud').active?.sequence, 1);
  const forced = await recalibrate(model, '--slot', 'loud', '--key', 'mine.key', '--force', '--dry-run');
  assert.is(forced.code, 0, forced.stderr);
});

test('another model, an int8 model, a slot without windows, and an unsigned bundle are refused', async () => {
  const refusals: [string, RegExp, string[]][] = [
    ['frames of another form', /RN797[\s\S]*frames of the input[\s\S]*1 x 1 float32[\s\S]*1 x 6 float32/, [zoo('ecg/ecg.onnx')]],
    ['another rate', /RN797[\s\S]*frames a second[\s\S]*25[\s\S]*50/, [model, '--rate', '25']],
    ['other labels', /RN797[\s\S]*labels/, [model, '--labels', 'a,b,c,d,e']],
    ['int8', /RN797[\s\S]*already int8/, ['int8.rnq']],
    ['no signature', /RN60\d/, [model, '--force']],
    ['nothing runs', /RN848|RN797/, [model, '--slot', 'empty']],
  ];
  for (const [about, message, args] of refusals) {
    const { code, stderr } = await recalibrate(...args);
    assert.is(code !== 0, true, about);
    assert.match(stderr, message, about);
  }
  await ask('slots/main/windows', 'DELETE');
  const none = await recalibrate(model);
  assert.match(none.stderr, /RN874/);
  assert.is(gateway.slotStatus('main').staged, undefined);
  assert.equal(readdirSync(temporary), [], 'no window stays in the folder for temporary files');
});

test.run();
