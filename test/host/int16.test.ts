/**
 * Modules whose inputs and outputs are int16: sessions, self-test, snapshots, a gateway's trial and values,
 * and stored values of the command.
 *
 * In: a network whose tensors are all int16; its inputs and outputs are float32 or int16 in the model file.
 * Out: the integers of the reference everywhere.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { valuesOf } from '../../host/gateway/hub/values.ts';
import { checkModule } from '../../host/gateway/worker/check.ts';
import { saturationOf } from '../../host/gateway/worker/range.ts';
import { isRunletError, openSession, type PortManifest, requireSelfTest } from '../../host/session/index.ts';
import { bytesOf } from '../../host/session/open.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { random } from '../property/random-network.ts';
import { randomFrames, widen } from '../property/widen.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { runCli } from './helpers.ts';

for (const hostType of ['float32', 'int16'] as const)
  test(`${hostType} in the model file, int16 in the module`, async () => {
    const wide = widen(tinyStream(), () => 0, 1);
    const border = <P extends object>(port: P) => ({ ...port, hostType });
    const graph = { ...wide, inputs: wide.inputs.map(border), outputs: wide.outputs.map(border) };
    const quant = quantPlan(planStream(graph, { hop: 12 }));
    const { wasm, manifest } = await build(quant, { target: 'interp' });
    const [input, output] = [manifest.inputs[0], manifest.outputs[0]] as [PortManifest, PortManifest];
    assert.equal([input.type, output.type], hostType === 'float32' ? ['int16', 'int16'] : [undefined, undefined]);
    const signal = randomFrames(graph, quant.plan.window + 12 * quant.plan.hop, random(7)) as Int16Array;
    const expected = [...runSignal(quant, signal)].map(({ outputs }) => outputs[0] as Int16Array);
    assert.ok(
      expected.some((values) => values.some((q) => Math.abs(q) > 127)),
      'values outside the range of int8',
    );

    const session = await openSession(wasm as BufferSource);
    await requireSelfTest(session);
    const [got, values]: [number[][], number[][]] = [[], []];
    const take = (from: typeof session) => () => {
      const raw = from.outputRaw();
      got.push([...raw]);
      values.push([...from.output()]);
      const bytes = Int8Array.from([0, ...bytesOf(raw)]).subarray(1);
      assert.equal([...(valuesOf(manifest, bytes)[0] ?? [])], values.at(-1), 'values of a gateway');
    };
    const half = (quant.plan.window + 5 * quant.plan.hop) * session.frameElements;
    session.pushAll(signal.subarray(0, half), take(session));
    const second = await openSession(wasm as BufferSource);
    second.restore(session.snapshot());
    second.pushAll(signal.subarray(half), take(second));
    assert.equal(got, expected.map((y) => [...y])); // biome-ignore format: one line
    assert.equal(values, expected.map((y) => Array.from(y, (q) => Math.fround(Math.fround(output.scale) * q)))); // biome-ignore format: one line
    assert.equal(saturationOf(input), hostType === 'int16' ? [-32768, 32767] : [-32768.5 * input.scale, 32767.5 * input.scale]);
    const checked = await checkModule(new WebAssembly.Module(wasm as BufferSource), { hops: 40, seconds: 60, enter: () => {} });
    assert.is(checked.hops, 40);
    try {
      session.push(new Int8Array(session.frameElements));
      assert.unreachable();
    } catch (error) {
      assert.ok(isRunletError(error) && error.code === 'RN708', String(error));
    }

    if (hostType === 'float32') return;
    const folder = mkdtempSync(join(tmpdir(), 'runlet-int16-'));
    try {
      writeFileSync(join(folder, 'm.wasm'), wasm);
      const rows = Array.from({ length: signal.length / session.frameElements }, (_, t) =>
        signal.subarray(t * session.frameElements, (t + 1) * session.frameElements).join(','),
      );
      writeFileSync(join(folder, 'x.csv'), `${rows.join('\n')}\n`);
      const { stdout, stderr, code } = await runCli(folder, ['run', 'm.wasm', 'x.csv']);
      assert.is(code, 0, stderr);
      const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
      const found = lines.map((line) => (JSON.parse(line).output as number[]).map(Math.fround));
      assert.equal(found, values.slice(0, found.length));
      assert.is(found.length, values.length);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

test.run();
