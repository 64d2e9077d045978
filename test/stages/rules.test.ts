/**
 * Every rule R1 to R14 is triggered, and its message has the numbers. docs/errors.md has one paragraph per
 * rule, and no other.
 *
 * Each rule has small networks. test/read/refused.test.ts tests the refusals of R10 and R13.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { explanations, ruleCode } from '../../host/cli/explain.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Graph, noClamp } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type Rule, type RuleFinding, rules, rulesFor, rulesOf } from '../../models/report/rules.ts';
import { sweepHops } from '../../models/report/sweep.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { wristModel } from '../read/inputs-model.ts';
import { textOf } from '../sources.ts';

type Pad = readonly [number, number];

/** Adds a float convolution with kernel k over all channels. */
function conv(b: GraphBuilder, x: number, k: number, padT: Pad, channels = 2, strideT = 1): number {
  const { c } = b.shape(x);
  const weights = { data: Float32Array.from({ length: channels * k * c }, (_, i) => Math.sin(1 + 3 * i)) };
  const one = { strideF: 1, dilationT: 1, dilationF: 1, kernelF: 1, padF: [0, 0] as const, groups: 1 };
  const attrs = { ...one, strideT, kernelT: k, padT, outChannels: channels, weights, bias: null, clamp: noClamp };
  return b.node('conv', [x], attrs, `conv${b.nodes.length}`);
}

const pool = (b: GraphBuilder, x: number, p: number): number => {
  const attrs = { kernelT: p, kernelF: 1, strideT: p, strideF: 1, padT: [0, 0] as const, padF: [0, 0] as const, clamp: noClamp };
  return b.node('maxpool', [x], attrs, `pool${b.nodes.length}`);
};

const average = (b: GraphBuilder, x: number): number =>
  b.node('globalavg', [x], { overF: true, rule: 'mean', clamp: noClamp }, 'average');

function dense(b: GraphBuilder, x: number, units: number): number {
  const { t, f, c } = b.shape(x);
  const weights = { data: new Float32Array(units * t * f * c).fill(0.1) };
  return b.node('dense', [x], { units, weights, bias: null, clamp: noClamp }, 'dense');
}

/** Returns a network with one input [64][1][2] at 100 Hz. */
function network(layers: (b: GraphBuilder, x: number) => number, metadata: Record<string, string> = {}, window = 64): Graph {
  const b = new GraphBuilder('rules');
  Object.assign(b.metadata, { 'runlet.sample_rate_hz': '100', ...metadata });
  const x = b.input('x', { t: window, f: 1, c: 2 });
  b.output(layers(b, x), 'y');
  return b.build();
}

const find = (all: RuleFinding[], rule: Rule): RuleFinding => all.find((f) => f.rule === rule) as RuleFinding;

/** Returns the finding of one rule, and checks its level and that it contains all these texts. */
function expect(rule: Rule, level: RuleFinding['level'], graph: Graph, options: PlanOptions, ...texts: string[]): RuleFinding {
  const found = find(rulesFor(graph, options), rule);
  assert.is(found.level, level, found.text);
  for (const text of texts) assert.ok(found.text.includes(text), `${rule}: ${found.text}\nlacks: ${text}`);
  return found;
}

/** conv 3 'same', pool 4, conv 3 'same': total stride 4, padding of 1 + 4 frames on each side. */
const same = (b: GraphBuilder, x: number) => average(b, conv(b, pool(b, conv(b, x, 3, [1, 1]), 4), 3, [1, 1]));
const causal = (b: GraphBuilder, x: number) => average(b, conv(b, pool(b, conv(b, x, 3, [2, 0]), 4), 3, [2, 0]));

test('there is one finding per rule, in order, and each has a number', () => {
  const all = rulesOf(planStream(network(same), { hop: 16 }));
  assert.equal(
    all.map((f) => f.rule),
    Array.from({ length: 14 }, (_, i) => `R${i + 1}`),
  );
  for (const f of all) assert.match(f.text, /\d/, f.rule);
});

test('R1 checks that the window is a whole number of hops', () => {
  expect('R1', 'ok', network(same), { hop: 16, mode: 'stream' }, '64 frames is 4 hops of 16');
  const whole = network((b, x) => average(b, conv(b, x, 3, [0, 0])));
  const found = expect(
    'R1',
    'note',
    whole,
    { hop: 24, microHop: 12, mode: 'stream' },
    '2 hops of 24 and 16 frames',
    'RN206',
    '124 bytes of rows',
  );
  assert.ok(found.tryThis);
  const refused = expect('R1', 'error', network(same), { hop: 24, mode: 'approx' }, '64 frames', 'hop 24', 'rule R1');
  assert.is(refused.code, 'RN206');
});

test('R2 checks that the hop is a multiple of the total stride', () => {
  expect('R2', 'ok', network(same), { hop: 16 }, 'hop 16 is 4 times the total stride 4');
  const error = expect('R2', 'error', network(same), { hop: 18, mode: 'stream' }, 'hop 18', 'total stride 4', 'rule R2');
  assert.equal([error.code, error.tryThis?.startsWith('hop 16 or 20')], ['RN201', true]);
  const plan = planStream(network(same), { hop: 18, mode: 'edge-exact' });
  const at16 = planStream(network(same), { hop: 16, mode: 'edge-exact' });
  const macs = (p: typeof plan) => `${Math.round(p.macsPerHop / p.hop).toLocaleString('en')} MACs a frame`;
  expect('R2', 'note', network(same), { hop: 18 }, 'rest 2', '2 phases', macs(plan), `hop 16 takes ${macs(at16)}`);
  expect('R2', 'warn', network(same), { hop: 18, mode: 'misaligned' }, 'up to 2 frames (20 ms) early');
  expect('R2', 'note', network(same), { hop: 18, mode: 'windowed' }, 'rest 2', 'no row of a window is reused');
});

test('R3 checks that the micro-hop gives whole rows and divides the hop', () => {
  expect('R3', 'ok', network(same), { hop: 16, mode: 'stream' }, 'micro-hop 16 divides the hop 16; possible are 4, 8, 16');
  const uneven = expect('R3', 'error', network(same), { hop: 16, microHop: 3 }, 'micro-hop 3', 'hop 16', 'rule R3');
  assert.is(uneven.code, 'RN202');
  const short = expect(
    'R3',
    'error',
    network(same),
    { hop: 16, microHop: 2, mode: 'stream' },
    'micro-hop 2',
    'stride 4',
    'rule R3',
  );
  assert.equal([short.code, short.tryThis], ['RN201', 'micro-hop 4, or leave it out']);
});

test('R4 reports causal layers, or the look-ahead', () => {
  expect('R4', 'ok', network(causal), { hop: 16, mode: 'stream' }, 'none of 3 layers');
  expect(
    'R4',
    'note',
    network(same),
    { hop: 16, mode: 'stream' },
    '2 layers add up to 5 frames (50 ms)',
    'wait for 5 frames (50 ms)',
  );
  expect('R4', 'ok', network(same), { hop: 16, mode: 'edge-exact' }, '5 frames (50 ms)', 'no delay');
});

test('R5 checks that signal padding has L_a >= RF - P earlier frames', () => {
  const trained = (frames: number) => network(causal, { 'runlet.left_context': String(frames) });
  // RF = 1 + 2 + 3 + 2 * 4 = 14, P = 4, RF - P = 10
  expect('R5', 'ok', trained(12), { hop: 16 }, 'L_a >= 10', 'receptive field 14', '12 in whole rows', 'the file says 12');
  const less = expect('R5', 'warn', trained(8), { hop: 16, mode: 'stream' }, 'L_a >= 10', '12 in whole rows', 'the file says 8');
  assert.match(less.tryThis ?? '', /12 earlier frames/);
  expect('R5', 'warn', network(causal), { hop: 16, mode: 'stream' }, 'L_a >= 10', 'does not say');
  expect('R5', 'note', trained(12), { hop: 18 }, 'trained with 12', 'edge-exact pads with zeros');
  expect('R5', 'ok', network(same), { hop: 16 }, 'padded as in the model', 'L_a >= 5');
});

test('R6 warns about contamination if a zero-padded model is streamed', () => {
  // 16 rows after the pool: 1 + 1 rows on each side in the last layer; the probe, which ignores the pool,
  // counts 1 on each side
  const texts = ['4 of 16 rows (25.00 %, probe 12.50 %) of conv2', '3.3-3.6 %', '5.83 % at 100 %'];
  for (const mode of ['stream', 'approx', 'misaligned'] as const)
    expect('R6', 'warn', network(same), { hop: 16, mode }, ...texts);
  expect('R6', 'ok', network(same), { hop: 16, mode: 'edge-exact' }, '4 of 16 rows', 'padded as in the model');
  expect(
    'R6',
    'ok',
    network(causal, { 'runlet.left_context': '12' }),
    { hop: 16 },
    'trained with 12 earlier frames, 10 are used',
  );
  const worst = network((b, x) => average(b, conv(b, conv(b, x, 9, [8, 0]), 25, [0, 0])));
  expect('R6', 'warn', worst, { hop: 16, mode: 'stream' }, '8 of 40 rows (20.00 %, probe 20.00 %) of conv1');
});

test('R7 reports the rows at seams in approximate streaming', () => {
  // 8 rows per hop of 32 frames, of which 2 + 2 are next to a seam
  expect(
    'R7',
    'warn',
    network(same),
    { hop: 32, mode: 'approx' },
    'doubtful',
    '3 layers',
    'total stride 4',
    '4 of 8 rows',
    '50.00 %',
    '7.4 %',
  );
  const deep = expect('R7', 'warn', network(same), { hop: 8, mode: 'approx' }, 'not advisable', '2 of 2 rows', '19.9 %');
  assert.match(deep.tryThis ?? '', /--calib/);
  const shallow = network((b, x) => average(b, conv(b, x, 3, [1, 1])));
  expect(
    'R7',
    'note',
    shallow,
    { hop: 32, mode: 'approx' },
    'reasonable',
    '1 layer',
    'extent 3 frames',
    '2 of 32 rows per hop (6.25 %)',
  );
  const shorter = network((b, x) => average(b, conv(b, x, 3, [0, 0])));
  assert.is(expect('R7', 'error', shorter, { hop: 32, mode: 'approx' }, '32 rows gives 30', 'rule R7').code, 'RN206');
});

test('R8 reports how many of the first layers can be streamed', () => {
  const found = expect(
    'R8',
    'note',
    network(same),
    { hop: 18, mode: 'windowed' },
    'first 1 of 3 layers',
    'hop 18',
    'jump 1',
    '3.13 %',
  );
  assert.match(found.text, /conv0/);
  const some = expect('R8', 'note', network(same), { hop: 16, mode: 'edge-exact', depth: 2 }, 'rows of 2 of 3 layers are reused');
  assert.match(some.text, 'first 3 of 3 layers divide the hop 16');
});

test('R9 reports the share of the head, and the limit of the speed-up', () => {
  const graph = network((b, x) => dense(b, conv(b, x, 3, [0, 0]), 50));
  // head: 50 * 62 * 2 = 6200; trunk: 12 MACs per row, 62 rows per window, 16 per hop
  const texts = [
    '6,200 of 6,392 MACs per hop (97.00 %)',
    `caps the speed-up at ${((6200 + 744) / 6200).toFixed(2)}`,
    'window / hop is 4.00',
  ];
  expect('R9', 'note', graph, { hop: 16, mode: 'stream' }, ...texts);
  expect('R9', 'ok', network(same), { hop: 16, mode: 'stream' }, 'the head has 0 of 240 MACs');
});

test('R11 checks that combined branches have the same rate', () => {
  // 32 rows at jump 1 (conv 33, valid) and 32 rows at jump 2 (conv 2, stride 2)
  const graph = network((b, x) =>
    average(b, b.node('add', [conv(b, x, 33, [0, 0]), conv(b, x, 2, [0, 0], 2, 2)], { clamp: noClamp }, 'join')),
  );
  expect('R11', 'note', graph, { hop: 16 }, 'join joins 32 rows every 1 frame and 32 rows every 2 frames', '2 layers');
  const residual = network((b, x) => average(b, b.node('add', [conv(b, x, 3, [1, 1]), x], { clamp: noClamp }, 'join')));
  expect('R11', 'ok', residual, { hop: 16, mode: 'stream' }, '1 join');
});

test('R12 reports outputs that are held back before the first complete one', () => {
  // left context 10 = 1 hop of 16: due after 16 + 64 frames
  const texts = ['1 output held back', '80 frames (800 ms)', 'window 64 + left context 10 + look-ahead 0', 'receptive field 14'];
  expect('R12', 'note', network(causal), { hop: 16, mode: 'stream' }, ...texts);
  expect('R12', 'ok', network(causal), { hop: 16, mode: 'edge-exact' }, 'after 64 frames (640 ms)');
});

test('R14 reports r, and the over-sampling that is needed', () => {
  // 18 mod 4 = 2; 10 % of the amplitude at 2 pi f / 100 * 2 = 0.1
  const texts = ['r = 18 mod 4 = 2', 'up to 2 (20 ms)', '2 x max|a[t] - a[t-1]|', `${(10 / (4 * Math.PI)).toPrecision(2)} Hz`];
  assert.match(expect('R14', 'warn', network(same), { hop: 18, mode: 'misaligned' }, ...texts).tryThis ?? '', /--calib/);
  expect('R14', 'ok', network(same), { hop: 18 }, 'r = 18 mod 4 = 2', 'all 2 phases');
  expect('R14', 'ok', network(same), { hop: 16 }, '= 0');
});

test('with several inputs, the rules and the sweep count ticks', () => {
  // 64 and 128 frames per window: a tick is one frame of the first input, two of the second
  const graph = readOnnx(wristModel('same'));
  const found = new Map(rulesOf(planStream(graph, { hop: 3 })).map((f) => [f.rule, f]));
  assert.is(found.get('R2')?.level, 'ok');
  assert.match(found.get('R2')?.text ?? '', /hop 3 is 3 times the total stride 1/);
  const sweep = sweepHops(graph);
  assert.is(sweep.totalStride, 1);
  assert.is(sweep.rows.length, 64);
  assert.ok(sweep.rows.every((r) => r.free && r.window === 64));
});

test('docs/errors.md has one paragraph per rule, in order, and the code has the same rules', () => {
  const found = explanations(textOf('docs/errors.md'), ruleCode);
  assert.equal(
    found.map((e) => e.code),
    rules,
  );
  for (const { code, title, text } of found) {
    assert.ok(title.length > 3 && text.length > 120, code);
    assert.match(text, /\d/, `${code}: the numbers`);
    assert.match(text, /Source: .*\d/, `${code}: its source`);
  }
});

test('R13 reports attention and constants per row, with their share of the work', () => {
  const attention = (b: GraphBuilder, x: number): number => {
    const a = conv(b, x, 3, [2, 0]);
    const scores = b.node('matmul', [a, a], { heads: 1, over: 'channels' }, 'scores');
    const weights = b.node('softmax', [scores], { beta: 1 }, 'weights');
    return average(b, b.node('matmul', [weights, a], { heads: 1, over: 'rows' }, 'values'));
  };
  // the convolution: 16 new frames of 12 products; each of the two products: 64 x 64 rows by 2 channels
  const share = (2 * 64 * 64 * 2) / (2 * 64 * 64 * 2 + 16 * 12);
  expect('R13', 'note', network(attention), { hop: 16, mode: 'stream' }, 'scores', 'another', `${(100 * share).toFixed(2)} %`);
  const data = Float32Array.from({ length: 64 * 2 }, (_, i) => i);
  const places = (b: GraphBuilder, x: number): number =>
    average(b, b.node('add', [conv(b, x, 3, [2, 0])], { clamp: noClamp, constant: { data } }, 'places'));
  expect('R13', 'note', network(places), { hop: 16, mode: 'stream' }, 'each row of places depends on the whole window');
});

test.run();
