/**
 * Thresholds of the calibration's warnings, tested on both sides, so that a changed threshold is detected.
 * The thresholds are promises of docs/quantisation.md or rules of thumb in quant/calibration/warnings.ts. A
 * value that is a tenth inside a threshold must not warn, one that is a tenth outside must.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Clamp, type Graph, kernelOfOne, noClamp } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { checkCalibration } from '../../quant/calibration/check.ts';
import { checkpoints, convergenceOf, Watched } from '../../quant/calibration/convergence.ts';
import { InputSummary } from '../../quant/calibration/input-summary.ts';
import { OutputsSeen } from '../../quant/calibration/outputs-seen.ts';
import {
  deadWarnings,
  inputWarnings,
  noiseWarnings,
  outputWarnings,
  rangeWarnings,
  sizeWarnings,
} from '../../quant/calibration/warnings.ts';
import { ChannelStats } from '../../quant/methods/channel-stats.ts';
import { MinMax } from '../../quant/observers/minmax.ts';

/** Returns a network with two channels, a convolution with a clamp, and an output of two elements. */
function graphOf(clamp: Clamp = [0, Number.POSITIVE_INFINITY]): Graph {
  const b = new GraphBuilder('small');
  const x = b.input('signal', { t: 8, f: 1, c: 2 });
  const weights = { data: Float32Array.of(1, 0, 0, 1) };
  b.output(b.node('conv', [x], { ...kernelOfOne, groups: 1, outChannels: 2, weights, bias: null, clamp }, 'conv'), 'answer');
  return b.build();
}
const graph = graphOf();

const summaryOf = (frames: number, value: (frame: number, channel: number) => number): InputSummary => {
  const summary = new InputSummary(2);
  summary.add(Float32Array.from({ length: 2 * frames }, (_, i) => value(i >> 1, i & 1)));
  return summary;
};
const codes = (list: { code: string }[]): string[] => list.map(({ code }) => code);
/** Returns values that never repeat. */
const wave = (frame: number): number => Math.sin(frame) + frame / 1e6;

test('RN423 warns about a channel that stays at its limit in more than 1 % of its frames, but not about a repeated peak', () => {
  const held = (share: number) => (frame: number, channel: number) => (channel === 0 && frame < 10000 * share ? 3 : wave(frame));
  assert.equal(codes(inputWarnings(graph, [summaryOf(10000, held(0.009))])), []);
  assert.equal(codes(inputWarnings(graph, [summaryOf(10000, held(0.012))])), ['RN423']);
  const again = (frame: number, channel: number) => (channel === 0 && frame % 20 === 0 ? 3 : wave(frame));
  assert.equal(codes(inputWarnings(graph, [summaryOf(10000, again)])), []);
  const low = (frame: number, channel: number) => (channel === 1 && frame > 9800 ? -3 : wave(frame));
  assert.equal(codes(inputWarnings(graph, [summaryOf(10000, low)])), ['RN423']);
});

test('RN425 warns about a channel that varies by less than two int8 steps of the widest one', () => {
  // a sine's deviation is its amplitude / sqrt 2; the other channel spans [-1, 1], so a step is 2 / 255
  const beside = (steps: number) => (frame: number, channel: number) =>
    channel === 0 ? Math.sin(frame) : ((steps * 2 * Math.SQRT2) / 255) * Math.sin(1.3 * frame);
  assert.equal(codes(inputWarnings(graph, [summaryOf(20000, beside(1.8))])), ['RN425']);
  assert.equal(codes(inputWarnings(graph, [summaryOf(20000, beside(2.2))])), []);
});

test('RN422 warns about a channel that never changes', () => {
  assert.equal(codes(inputWarnings(graph, [summaryOf(100, (f, c) => (c === 1 ? 0.5 : wave(f)))])), ['RN422']);
});

test('RN417 is an error from a factor of 60 against the ranges of the file, and a warning from 1000 and 1/300 against biases', () => {
  const of = (ratio: number, from: 'range' | 'batch-norm' | 'bias') => sizeWarnings([{ ratio, from, input: 'signal' }]);
  for (const from of ['range', 'batch-norm'] as const) {
    for (const ratio of [54, 1 / 54]) assert.equal(of(ratio, from), []);
    for (const ratio of [66, 1 / 66])
      assert.throws(
        () => of(ratio, from),
        (e: unknown) => isRunletError(e) && e.code === 'RN417',
      );
  }
  for (const ratio of [900, 1, 1 / 270]) assert.equal(of(ratio, 'bias'), []);
  for (const ratio of [1100, 1 / 330]) assert.equal(codes(of(ratio, 'bias')), ['RN417']);
  assert.match(of(1100, 'bias')[0]?.what ?? '', /1\.1e\+3 times as strong|1100 times as strong/);
});

test('RN419 warns about an output that varies by less than a thousandth of its size, or has one class for all windows', () => {
  const of = (move: number, crossing: boolean) => {
    const outputs = new OutputsSeen(graph);
    const { tensor } = graph.outputs[0] as (typeof graph.outputs)[number];
    for (let n = 0; n < 40; n++) {
      const v = 1 + (n % 2 === 0 ? 0 : move);
      outputs.add(tensor, Float32Array.of(v, crossing && n % 2 === 1 ? v - 2 * move : v - move / 4));
    }
    return outputWarnings(outputs);
  };
  assert.match(of(0.0009, true)[0]?.what ?? '', /the same output for all/);
  assert.match(of(0.0011, false)[0]?.what ?? 'none', /of one class|none/);
  assert.equal(of(0.0022, false).length, 1);
  const two = new OutputsSeen(graph);
  two.add(graph.outputs[0]?.tensor ?? -1, Float32Array.of(1, 0, 0, 1));
  assert.equal(outputWarnings(two), []);
});

test('RN420 warns below 30 windows, RN421 if the last quarter of the signal changed a range by more than 1 %', () => {
  const settled = { settledAfter: new Map([[0, 1]]), allAfter: 1, unsettled: [] };
  assert.equal(codes(rangeWarnings(graph, { windows: 29, ...settled })), ['RN420']);
  assert.equal(codes(rangeWarnings(graph, { windows: 30, ...settled })), []);
  assert.equal(codes(rangeWarnings(graph, { windows: 400, ...settled, unsettled: [1] })), ['RN421']);
  /** Returns the result for a range [-1, 1] whose upper end grows by `by` widths at checkpoint `at` of 16. */
  const moved = (at: number, by: number): boolean => {
    const watched = new Watched(new MinMax(), 1);
    for (let k = 1; k <= checkpoints; k++) watched.observe(Float32Array.of(-1, k < at ? 1 : 1 + 2 * by), checkpoints);
    return convergenceOf(new Map([[0, watched]]), 160).unsettled.length > 0;
  };
  assert.not.ok(moved(11, 0.5), 'before the last quarter');
  assert.ok(moved(14, 0.5), 'in the last quarter');
  assert.ok(moved(14, 0.012), 'by 1.2 %');
  assert.not.ok(moved(14, 0.009), 'by 0.9 %');
});

test('RN426 warns about outputs with a low SNR in int8, and about a logarithm before them', () => {
  const b = new GraphBuilder('log');
  const x = b.input('x', { t: 4, f: 1, c: 2 });
  const y = b.node('activation', [x], { fn: 'log', clamp: noClamp }, 'y');
  b.output(b.node('activation', [y], { fn: 'tanh', clamp: noClamp }, 'z'), 'z');
  const made = b.build();
  const said = (log: number, out: number) =>
    noiseWarnings(made, [
      { tensor: y, sqnrDb: log },
      { tensor: y + 1, sqnrDb: out },
    ]).map(({ code, why, tryThis }) => [code, /logarithm/.test(why ?? ''), /openwakeword/.test(tryThis ?? '')]);
  assert.equal(said(3, 9.9), [['RN426', true, true]]);
  assert.equal(said(11, 9.9), [['RN426', false, false]]);
  assert.equal(said(3, 10.1), [], 'the output after it is still good');
});

test('RN424 warns about channels that are always 0 after a ReLU, but not without a ReLU', () => {
  const of = (clamp: Clamp, second: number) => {
    const made = graphOf(clamp);
    const stats = new ChannelStats(2);
    stats.observe(Float32Array.of(1, second, 2, second));
    return codes(deadWarnings(made, new Map([[made.outputs[0]?.tensor ?? -1, stats]])));
  };
  assert.equal(of([0, Number.POSITIVE_INFINITY], 0), ['RN424']);
  assert.equal(of([0, 6], 0), ['RN424']);
  assert.equal(of([0, Number.POSITIVE_INFINITY], 1), []);
  assert.equal(of(noClamp, 0), []);
});

test('RN411 refuses a signal that is too short for the context, RN412 any value that is not finite', () => {
  const b = new GraphBuilder('context');
  const x = b.input('signal', { t: 8, f: 1, c: 1 });
  const attrs = { ...kernelOfOne, kernelT: 5, padT: [4, 0] as const, groups: 1, outChannels: 1, bias: null, clamp: noClamp };
  b.output(b.node('conv', [x], { ...attrs, weights: { data: new Float32Array(5).fill(1) } }, 'conv'), 'y');
  const plan = planStream(b.build(), { hop: 4, mode: 'stream' });
  const needed = plan.window + plan.delayFrames + plan.leftContextFrames;
  assert.is(needed, 12);
  const codeOf = (signal: Float32Array) => {
    try {
      checkCalibration(plan, [signal]);
    } catch (error) {
      if (isRunletError(error)) return error.code;
      throw error;
    }
    return 'fine';
  };
  const ramp = (frames: number) => Float32Array.from({ length: frames }, (_, i) => i);
  assert.is(codeOf(ramp(needed)), 'fine');
  assert.is(codeOf(ramp(needed - 1)), 'RN411');
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    assert.is(codeOf(ramp(needed).with(7, bad)), 'RN412');
});

test.run();
