/** runlet run --gate and plan --gate: conditions, lines, report, refusals. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gateArg } from '../../host/command/gate-option.ts';
import { isRunletError } from '../../models/error.ts';
import { root } from '../shared.ts';
import { runCli } from './helpers.ts';
import { tinyBundle } from './tiny-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-gate-'));
test.after(() => rmSync(folder, { recursive: true }));
const run = (args: string[], input: Uint8Array | string = '') => runCli(folder, args, input);

const labels = Array.from({ length: 40 }, (_, i) => `c${i}`);
for (const name of ['cheap', 'dear'])
  writeFileSync(
    join(folder, `${name}.wasm`),
    await tinyBundle({
      channels: 40,
      hostType: 'int8',
      scale: 1 / 256,
      zeroPoint: -128,
      labels,
      manifest: (m) => ({ ...m, name }),
    }),
  );
/** Two seconds of sound: quiet noise, and loud noise in the second half second. */
const sound = Int16Array.from({ length: 32000 }, (_, n) => ((n * 7919) % 2001) - 1000).map((x, n) =>
  n >= 8000 && n < 16000 ? 20 * x : x >> 6,
);
writeFileSync(join(folder, 'sound.s16'), new Uint8Array(sound.buffer));
const models = ['dear.wasm', 'cheap.wasm', '--front-end', 'log-mel', '--format', 's16'];

interface Line {
  n: number;
  output: number[];
  model: string;
  timeS: number;
}

const linesOf = (
  stdout: string,
): (Line & { summary?: { models: { name: string; gate?: Record<string, number | string> }[] } })[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('an open gate gives the lines of a run without a gate, and the summary counts the work', async () => {
  const plain = await run(['run', ...models.slice(0, 2), 'sound.s16', ...models.slice(2), '--json']);
  assert.is(plain.code, 0, plain.stderr);
  const all = linesOf(plain.stdout).filter(({ model }) => model);
  const values = all.filter(({ model }) => model === 'cheap').map(({ output }) => output[3] as number);
  const threshold = (Math.max(...values) + Math.min(...values)) / 2;
  const condition = `dear=cheap:c3>${threshold} for 200 ms`;
  const gated = await run(['run', ...models.slice(0, 2), 'sound.s16', ...models.slice(2), '--json', '--gate', condition]);
  assert.is(gated.code, 0, gated.stderr);
  const lines = linesOf(gated.stdout);
  const got = lines.filter(({ model }) => model === 'dear');
  assert.ok(got.length > 5 && got.length < values.length - 5, `${got.length}`);
  const byNumber = new Map(all.filter(({ model }) => model === 'dear').map((line) => [line.n, line]));
  for (const line of got) assert.equal(line, byNumber.get(line.n));
  const gate = lines.at(-1)?.summary?.models.find(({ name }) => name === 'dear')?.gate;
  assert.is(gate?.condition, condition.replace('dear=', ''));
  assert.is(gate?.opened, 1);
  assert.is(gate?.keptBytes, 8 * 40);
  assert.ok(Number(gate?.awakeMacs) > Number(gate?.macs) && Number(gate?.macs) > 0);
  assert.ok(Number(gate?.skipped) > 0.3 && Number(gate?.skipped) < 1);
  const text = await run(['run', ...models.slice(0, 2), 'sound.s16', ...models.slice(2), '--gate', condition]);
  assert.match(text.stderr, /dear gated +cheap:c3>[\d.]+ for 200 ms: opened once/);
  assert.match(text.stderr, /kept +320 bytes of frames/);
  for (const line of text.stderr.slice(text.stderr.indexOf('dear gated')).split('\n')) assert.ok(line.length <= 80, line);
});

test('conditions: names, labels, operators, hold times', () => {
  const read = (text: string) => gateArg.gate.read?.(text, 'gate')?.map(({ text: _, ...rest }) => rest);
  assert.equal(read('vad>0.5'), [{ by: 'vad', threshold: 0.5, orEqual: false }]);
  assert.equal(read('kws=vad:speech>=-2 for 1.5 s, b = c:d > 1e-3 for 20ms'), [
    { model: 'kws', by: 'vad:speech', threshold: -2, orEqual: true, holdMs: 1500 },
    { model: 'b', by: 'c:d', threshold: 0.001, orEqual: false, holdMs: 20 },
  ]);
  for (const wrong of [
    '',
    'vad',
    'vad=0.5',
    'vad>x',
    'vad>',
    '>1',
    'vad>1 for',
    'vad>1 for 2',
    'vad>1 for -2 s',
    'vad>1 for 1 min',
    'vad>1,,',
  ])
    try {
      read(wrong);
      assert.unreachable(wrong);
    } catch (error) {
      assert.ok(isRunletError(error) && error.code === 'RN740', `${wrong}: ${error}`);
    }
});

test('gates that do not fit the models are refused, with the names', async () => {
  for (const [condition, said] of [
    ['cheap:c3>0.5,dear=cheap:c4>0.5', /dear has two gates/],
    ['cheap>0.5', /several values/],
    ['cheap:zero>0.5', /no label zero/],
    ['vad:c1>0.5', /no model vad/],
    ['dear=dear:c1>0.5', /circle/],
    ['dear=cheap:c1>1,cheap=dear:c1>1', /circle/],
  ] as const) {
    const { code, stderr } = await run(['run', ...models.slice(0, 2), 'sound.s16', ...models.slice(2), '--gate', condition]);
    assert.is(code, 2, stderr);
    assert.match(stderr, /RN778/);
    assert.match(stderr, said);
  }
  const alone = await run(['run', 'dear.wasm', 'sound.s16', '--front-end', 'log-mel', '--format', 's16', '--gate', 'dear:c1>1']);
  assert.match(alone.stderr, /RN778 there is no model to gate/);
});

test('plan --gate shows the kept frames and the work of waking up, and refuses a state', async () => {
  const zoo = (name: string) => join(root, 'models/zoo', name, `${name}.onnx`);
  const { stdout } = await run(['plan', zoo('kws'), '--gate', zoo('vad'), '--json']);
  const { gate, macsPerHop, hop } = JSON.parse(stdout);
  // 49 rows of a window, and 7 hops of 2 rows for the detector's mean of 8 outputs
  assert.is(gate.keptFrames, 49 + 7 * 2);
  assert.is(gate.keptBytes, 40 * gate.keptFrames);
  assert.is(gate.catchUpHops, gate.keptFrames / hop - 1);
  assert.is(gate.catchUpMacs, gate.catchUpHops * macsPerHop);
  assert.is(gate.gateShare.toFixed(4), ((2 * 13_088) / macsPerHop).toFixed(4));
  assert.match((await run(['plan', zoo('kws'), '--gate', zoo('vad')])).stdout, /asleep +keeps 63 frames \(2,520 bytes\)/);
  assert.match((await run(['plan', zoo('vad'), '--gate', zoo('kws')])).stderr, /RN777/);
});

test.run();
