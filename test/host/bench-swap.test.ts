/**
 * bench --swap: both networks are measured, every figure is that of its network, the output says that the
 * second is untrained, and options that do not fit are refused. No test asserts a time.
 */
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import type { Measured } from '../../host/bench/compare.ts';
import { madeUpNetwork } from '../../host/bench/networks.ts';
import { swapIn, swapJson, swapText } from '../../host/cli/bench-swap.ts';
import { countHops } from '../../host/fit/counts.ts';
import { executedIn } from '../../host/fit/native-count.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type DepthwiseAttrs, kernelOfOne, noClamp } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { root } from '../shared.ts';
import { runCli } from './helpers.ts';

const bench = (...args: string[]) => runCli(root, ['bench', ...args]);
const planOf = (name: string, hop: number): QuantPlan => quantPlan(planStream(madeUpNetwork(name).int8, { hop }));

/** Returns the multiply-adds, sizes and executed instructions of a network on target native. */
async function figuresOf(quant: QuantPlan) {
  const bundle = await build(quant, { target: 'native' });
  const counts = await countHops(bundle);
  const executed = Math.max(...executedIn(counts, counts.hops).map(({ narrow, wide }) => narrow + wide));
  const { weightBytes, stateBytes, memoryBytes } = bundle.manifest.bytes;
  return {
    'multiply-adds a hop': quant.plan.macsPerHop,
    'weights, bytes': weightBytes,
    'module, bytes': bundle.file.fileBytes,
    'state, bytes': stateBytes,
    'RAM, bytes': memoryBytes,
    'wasm instructions a hop': executed,
  };
}

test('--json has the figures of each network, their ratios, and the layers', async () => {
  const { stdout } = await bench('N2:2', '--swap', 'depthwise=avgpool', '--target', 'native', '--rounds', '1', '--json');
  const { network, hop, swap, before, after, ratios } = JSON.parse(stdout);
  assert.equal([network, hop, swap.pool, swap.trained, swap.kept], ['N2', 2, 'avgpool', false, []]);
  assert.equal(
    swap.replaced,
    [2, 4, 6, 8].map((n) => `depthwise_${n}`),
  );
  assert.match(swap.notice, 'untrained');
  const quant = planOf('N2', 2);
  const wanted = await Promise.all([quant, swapIn(quant, 'depthwise=avgpool').quant].map(figuresOf));
  const exact = ratios.filter(({ figure }: { figure: string }) => figure !== 'us a hop');
  for (const [i, key] of (['before', 'after'] as const).entries())
    assert.equal(Object.fromEntries(exact.map((r: Record<string, string>) => [r.figure, r[key]])), wanted[i]);
  for (const r of ratios) assert.is(r.ratio, r.after / r.before);
  const { before: was, after: is } = ratios.at(-1);
  assert.equal([was, is], [before.rows[0].medianUs, after.rows[0].medianUs]);
  assert.ok(wanted[1]?.['weights, bytes'] !== wanted[0]?.['weights, bytes'], 'the networks differ');
  assert.equal([before.rounds, before.macsPerHop, after.macsPerHop], [1, ...wanted.map((w) => w['multiply-adds a hop'])]);
});

const rowsOf = (targets: string[], weightBytes: number[], most: number): Measured['rows'] =>
  targets.map((target, i) => ({ target, weightBytes: weightBytes[i], fileBytes: 10, memoryBytes: 20, most }));

/** A network with two layers that a pool can replace and seven that it cannot, at hop 1. */
function mixed(plain = true): QuantPlan {
  const b = new GraphBuilder('mixed');
  const quant = { scale: 0.1, zeroPoint: 0 };
  let x = b.input('x', { t: 40, f: 1, c: 1 }, { quant });
  const layer = (given: Partial<DepthwiseAttrs>, name: string) => {
    const attrs = { ...kernelOfOne, kernelT: 3, multiplier: 1, bias: null, clamp: noClamp, ...given };
    const data = new Int8Array(attrs.kernelT * b.shape(x).c * attrs.multiplier).fill(1);
    x = b.node('depthwise', [x], { ...attrs, weights: { data, scales: new Float64Array([0.01]) } }, name, quant);
  };
  if (plain) for (const name of ['first', 'second']) layer({}, name);
  for (let i = 0; i < 6; i++) layer({ dilationT: 2 }, `wide${i}`);
  layer({ multiplier: 2 }, 'many');
  b.output(x, 'y');
  return quantPlan(planStream(b.build(), { hop: 1 }));
}

test('the text fits 80 columns, groups equal targets and reasons, and says that the network is untrained', () => {
  const quant = mixed();
  const swap = swapIn(quant, 'depthwise=maxpool');
  const before = { network: 'mixed', hop: 1, core: 'm4', rows: rowsOf(['native', 'interp'], [100, 100], 1000) };
  const after = { ...before, rows: rowsOf(['native', 'interp'], [50, 75], 500) };
  const text = swapText(before, after, quant, swap, false);
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  assert.match(text, /^The network with pools is untrained: before training, its answers mean nothing\.$/m);
  assert.match(text, /^before {2}9 depthwise layers; mode stream$/m);
  assert.match(text, /^after {3}maxpool in place of 2 of them; mode stream$/m);
  assert.match(
    text.replaceAll('\n        ', ' '),
    [
      'kept    depthwise#3, depthwise#4, depthwise#5, depthwise#6, depthwise#7 and 1 more: a dilation of 2; pools have none',
      'kept    depthwise#9: a channel multiplier of 2; a pool makes one channel of each',
    ].join('\n'),
  );
  const rows = text.split('\n').filter((line) => /\d\.\d{3}$/.test(line));
  assert.equal(
    rows.map((line) => line.split(/ {2,}/)),
    [
      ['multiply-adds a hop', 'all', `${quant.plan.macsPerHop}`, `${swap.quant.plan.macsPerHop}`, (swap.quant.plan.macsPerHop / quant.plan.macsPerHop).toFixed(3)], // biome-ignore format: a row
      ['weights, bytes', 'native', '100', '50', '0.500'],
      ['weights, bytes', 'interp', '100', '75', '0.750'],
      ['module, bytes', 'all', '10', '10', '1.000'],
      ['RAM, bytes', 'all', '20', '20', '1.000'],
      ['instructions a hop', 'all', '1,000', '500', '0.500'],
    ],
  );
  assert.equal(
    swapJson(before, after, quant, swap).swap.kept.map(({ name }) => name),
    ['wide0', 'wide1', 'wide2', 'wide3', 'wide4', 'wide5', 'many'],
    'names of the file, all of them',
  );
});

test('the second network has the hop and options of the first', () => {
  const quant = quantPlan(planStream(madeUpNetwork('N2').int8, { hop: 20, mode: 'windowed' }));
  const { plan } = swapIn(quant, 'depthwise=maxpool').quant;
  assert.equal([plan.hop, plan.mode, plan.window], [20, 'windowed', quant.plan.window]);
});

test('times of each network and target are in one table', async () => {
  const { stdout } = await bench('D9', '--swap', 'depthwise=maxpool', '--target', 'native', '--rounds', '1');
  assert.match(stdout, /^us a hop {2}before {2}5 % \.\. 95 % +after {2}5 % \.\. 95 % +ratio$/m);
  assert.match(stdout, /^native +\d+\.\d +\d+\.\d \.\. \d+\.\d +\d+\.\d +\d+\.\d \.\. \d+\.\d +\d+\.\d{3}$/m);
  assert.match(stdout, /^after {3}maxpool in place of 8 of them; mode stream$/m);
});

test('without a layer to replace, and with options that do not fit, the command line is wrong', async () => {
  assert.throws(
    () => swapIn(mixed(false), 'depthwise=avgpool'),
    /RN794.*depthwise#1.* and 1 more: a dilation.*depthwise#7: a channel/s,
  );
  for (const [args, says] of [
    [['N1', '--swap', 'depthwise=maxpool'], /RN794.*N1.*it has no depthwise layers/s],
    [['N2', '--swap', 'conv=maxpool'], /RN740.*depthwise=maxpool.*depthwise=avgpool/s],
    [['N2', '--swap', 'depthwise=maxpool', '--html', 'out.html'], /RN740.*without --swap/s],
    [['N2', '--swap', 'depthwise=maxpool', '--compare', 'package.json'], /RN740.*without --swap/s],
  ] as const) {
    const { code, stderr } = await bench(...args, '--rounds', '1');
    assert.is(code, 2, stderr);
    assert.match(stderr, says);
  }
});

const missing = ['wasm2c', 'arm-none-eabi-gcc', 'qemu-system-arm'].filter((tool) => spawnSync(tool, ['--version']).error);
if (missing.length > 0) console.log(`skipped: no ${missing.join(', ')}`);
(missing.length > 0 ? test.skip : test)('--core counts both networks in QEMU', async () => {
  const options = ['N2:2', '--core', 'm4', '--target', 'native', '--json'];
  const { before, after, ratios } = JSON.parse((await bench(...options, '--swap', 'depthwise=maxpool')).stdout);
  const alone = JSON.parse((await bench(...options)).stdout);
  assert.equal(before, alone);
  const { figure, ...counts } = ratios.at(-1);
  assert.equal([figure, counts.before, counts.after], ['instructions a hop', before.rows[0].most, after.rows[0].most]);
  assert.is.not(counts.before, counts.after);
});

test.run();
