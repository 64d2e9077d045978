/**
 * Calibration data: streams, selected windows, convergence, and every warning and error about the data.
 *
 * RUNLET_CALIB_WINDOWS (1,000; 10,000 in `npm run soak -- calib`) windows of kws are read from a generator.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { collectCalibration, pieceTicks } from '../../quant/calibration/collect.ts';
import { coverWindows, featuresOf } from '../../quant/calibration/coverage.ts';
import { quantize, quantizeStream } from '../../quant/quantize.ts';
import { codeOf } from '../host/helpers.ts';
import { random } from '../property/random-network.ts';
import { root } from '../shared.ts';
import { channels, classifier, inChunks, noise, tellingClassifier, window } from './small-classifier.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const kwsWindows = Number(process.env.RUNLET_CALIB_WINDOWS ?? 1000);
const options = { hop: 4, mode: 'windowed' } as const;

test(`${kwsWindows} windows of kws: memory use does not grow with the signal`, async () => {
  const graph = await readModel(new Uint8Array(readFileSync(join(root, 'models/zoo/kws/kws.onnx'))));
  const plan = planStream(graph, { hop: 2 });
  const keep = 64;
  const frame = 40;
  function* recording(windows: number) {
    const rnd = random(seed);
    for (let n = 0; n < windows; n++) yield Float32Array.from({ length: 49 * frame }, () => 6 + 6 * rnd() * Math.sin(n / 50));
  }
  const held: number[] = [];
  for (const windows of [2 * keep, kwsWindows]) {
    const set = await collectCalibration(plan, recording(windows), { calibWindows: keep, seed });
    assert.is(set.windowsSeen, windows);
    assert.is(set.pieces.length, keep);
    held.push(set.heldBytes);
  }
  assert.is(held[1], held[0], 'bytes of signal held at once');
  assert.ok((held[1] as number) <= (2 * keep + 1) * pieceTicks(plan) * frame * 4);
});

test('a short signal is used completely, and gives the same graph for any chunk size', async () => {
  const graph = classifier(seed);
  const signal = noise(seed, 40 * window + 5);
  const whole = quantize(graph, signal, { ...options, noReport: true }).graph;
  for (const frames of [1, 7, 1000]) {
    const { graph: int8, calibration } = await quantizeStream(graph, inChunks(signal, frames), { ...options, noReport: true });
    assert.is(calibration.sampling, 'all');
    assert.equal(int8, whole);
  }
});

test('sampling depends only on the seed, not on the chunks, and covering includes the extremes', async () => {
  const graph = classifier(seed);
  const signal = noise(seed, 300 * window);
  signal[777 * channels] = 9; // one window has the largest value of all
  const plan = planStream(graph, options);
  for (const sampling of ['covering', 'random', 'first'] as const) {
    const sets = [];
    for (const frames of [1, 64])
      sets.push(await collectCalibration(plan, inChunks(signal, frames), { calibWindows: 20, sampling, seed }));
    assert.equal(sets[0]?.pieces, sets[1]?.pieces);
    assert.is(sets[0]?.pieces.length, 20);
    const most = Math.max(...(sets[0]?.pieces ?? []).flatMap((piece) => [...(piece[0] as Float32Array)]));
    if (sampling === 'covering') {
      assert.is(most, 9);
      assert.is(sets[0]?.coverage?.chosen.least, 1);
    }
    if (sampling === 'first')
      assert.equal(
        new Set(sets[0]?.pieces.map((p) => p[0]?.[0])),
        new Set(Array.from({ length: 20 }, (_, n) => signal[n * window * channels])),
      );
    // a random choice of 20 from 300 windows has one or two of the first 20
    const begins = Array.from({ length: 20 }, (_, n) => signal[n * window * channels]);
    const early = (sets[0]?.pieces ?? []).filter((piece) => begins.includes(piece[0]?.[0])).length;
    if (sampling === 'random') assert.ok(early < 8, `${early} of the first 20`);
    assert.ok((sets[0]?.coverage?.random.mean ?? 2) < 1);
  }
});

test('k-centre: each chosen window is the farthest from those chosen before', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 })), { minLength: 5, maxLength: 9 }),
      (points) => {
        // windows of one frame that differ only in their value: low, high and mean move together
        const windows = points.map(([a, b], i) => featuresOf(i, [Float32Array.of(a, b)], [2]));
        const chosen = coverWindows(windows, 4);
        assert.is(new Set(chosen).size, 4);
        const spread = [0, 1].map((k) => {
          const mean = points.reduce((s, p) => s + (p[k] as number), 0) / points.length;
          return Math.sqrt(points.reduce((s, p) => s + ((p[k] as number) - mean) ** 2, 0) / points.length) || 1;
        });
        const distance = (a: number, b: number) =>
          Math.hypot(...[0, 1].map((k) => ((points[a]?.[k] as number) - (points[b]?.[k] as number)) / (spread[k] as number)));
        // the extremes of the first element come first; every later window is farthest from all before it
        for (let k = 2; k < chosen.length; k++) {
          const apart = (i: number) => Math.min(...chosen.slice(0, k).map((c) => distance(i, c)));
          const farthest = Math.max(...points.map((_, i) => apart(i)));
          assert.ok(apart(chosen[k] as number) >= farthest - 1e-5, `${chosen} of ${JSON.stringify(points)}`);
        }
      },
    ),
    { numRuns: 200, seed },
  );
});

test('convergence: ranges settle on noise, but not on a growing signal', () => {
  const steady = noise(seed, 1600 * window).map((v) => Math.sign(v) * Math.min(0.2, Math.abs(v)));
  const settled = quantize(classifier(seed), steady, { ...options, preset: 'good', noReport: true }).calibration;
  const growing = noise(seed, 1600 * window).map((v, i) => (v * i) / 1000);
  const moved = quantize(classifier(seed), growing, { ...options, preset: 'good', noReport: true }).calibration;
  assert.ok(moved.convergence.unsettled.length > settled.convergence.unsettled.length);
  // noise with clipped peaks settles at once; how fast the tensors of a random network settle depends on the
  // network
  assert.not.ok(settled.convergence.unsettled.includes(0));
  for (const tensor of [0, 1, 2, 3, 4])
    assert.ok(moved.convergence.unsettled.includes(tensor), `${tensor} of ${moved.convergence.unsettled}`);
  assert.ok(moved.warnings.some((w) => w.code === 'RN421'));
  assert.is(moved.convergence.settledAfter.get(0), moved.convergence.windows, 'the input changes until the last window');
  assert.ok((settled.convergence.settledAfter.get(0) as number) < settled.convergence.windows / 2);
});

test('each warning is given with its cause, and not without', () => {
  const good = noise(seed, 400 * window);
  const telling = () => tellingClassifier(seed, good.subarray(0, 40 * window * channels));
  const warningsOf = (signal: Float32Array, graph = telling()) =>
    quantize(graph, signal, { ...options, noReport: true }).calibration.warnings.map((w) => w.code);
  const clean = warningsOf(good);
  for (const code of ['RN419', 'RN420', 'RN422', 'RN423', 'RN425', 'RN417'])
    assert.not.ok(clean.includes(code as never), `${code} of ${clean}`);
  const of = (change: (v: number, channel: number, frame: number) => number) =>
    warningsOf(good.map((v, i) => change(v, i % channels, Math.floor(i / channels))));
  assert.ok(warningsOf(good.subarray(0, 10 * window * channels)).includes('RN420'));
  assert.ok(of((v, c) => (c === 1 ? 0.5 : v)).includes('RN422'));
  assert.ok(of((v, c) => (c === 2 ? Math.max(-0.1, Math.min(0.1, v)) : v)).includes('RN423'));
  assert.ok(of((v, c) => (c === 0 ? 1000 * v : v)).includes('RN425'));
  assert.ok(of((v, _, frame) => 1 + v / 1e6 + (frame % 2) / 1e6).includes('RN419'), 'constant outputs');
  assert.ok(of((v) => v / 1e4).includes('RN417'));
  const dead = telling();
  const [first] = dead.nodes;
  if (first?.op === 'conv') first.attrs.bias = Float32Array.from({ length: 6 }, (_, o) => (o === 4 ? -100 : 0.1));
  assert.ok(warningsOf(good, dead).includes('RN424'));
});

test('with channels of different sizes, one input scale loses the small ones, and RN425 warns about it', () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  const rows = [1, 10, 100, 1000].map((factor) => {
    let [first, output, warned] = [0, 0, 0];
    for (const s of seeds) {
      const graph = classifier(s);
      const one = graph.nodes[0];
      if (one?.op !== 'conv') throw new Error('the first convolution is missing');
      const data = Float32Array.from(one.attrs.weights.data, (w, i) => (i % channels === 0 ? w / factor : w));
      one.attrs.weights = { data };
      const signal = noise(s, 200 * window).map((v, i) => (i % channels === 0 ? v * factor : v));
      const { report, calibration } = quantize(graph, signal, { ...options, preset: 'good' });
      const of = (tensor: number | undefined) => report.find((r) => r.tensor === tensor)?.sqnrDb ?? 0;
      first += of(one.output) / seeds.length;
      output += of(graph.nodes.at(-2)?.output) / seeds.length;
      warned += Number(calibration.warnings.some((w) => w.code === 'RN425'));
    }
    return { factor, first, output, warned };
  });
  for (const { factor, first, output, warned } of rows)
    console.log(`one channel ${factor} times the others: ${first.toFixed(1)} dB after the first layer, ${output.toFixed(1)} dB before the softmax, RN425 in ${warned} of ${seeds.length}`); // biome-ignore format: one line
  for (const [i, row] of rows.entries()) if (i > 0) assert.ok(row.output < (rows[i - 1]?.output as number) - 0.5);
  assert.equal([rows[0]?.warned, rows[2]?.warned, rows[3]?.warned], [0, 8, 8]);
});

test('each error in the data has its code', async () => {
  const good = noise(seed, 100 * window);
  const run = (signal: Float32Array, graph = classifier(seed)) =>
    codeOf(() => quantize(graph, signal, { ...options, noReport: true }));
  const stream = (chunks: Iterable<Float32Array>) =>
    codeOf(() => quantizeStream(classifier(seed), chunks, { ...options, noReport: true }));
  assert.is(await run(new Float32Array(0)), 'RN418');
  assert.is(await stream([]), 'RN418');
  assert.is(await run(good.subarray(1)), 'RN410');
  assert.is(await stream([good.subarray(1)]), 'RN410');
  assert.is(await run(good.map((v, i) => (i === 500 ? Number.NaN : v))), 'RN412');
  assert.is(await stream([good, good.map((v, i) => (i === 500 ? Number.POSITIVE_INFINITY : v))]), 'RN412');
  assert.is(await run(good.map(() => 2)), 'RN413');
  assert.is(await stream([good.map(() => 2)]), 'RN413');
  assert.is(await run(good.subarray(0, 5 * channels)), 'RN411');
  assert.is(await stream([good.subarray(0, 5 * channels)]), 'RN411');
  const ranged = classifier(seed, { metadata: { 'runlet.input_range': '-1,1' } });
  assert.is(await run(good, ranged), 'none');
  for (const factor of [1000, 1 / 1000])
    assert.is(
      await run(
        good.map((v) => v * factor),
        ranged,
      ),
      'RN417',
    );
  const moments = { mean: new Float64Array(6), deviation: new Float64Array(6).fill(0.8) };
  assert.is(await run(good, classifier(seed, { moments })), 'none');
  for (const factor of [1000, 1 / 1000])
    assert.is(
      await run(
        good.map((v) => v * factor),
        classifier(seed, { moments }),
      ),
      'RN417',
    );
});

test('for separate recordings, no window crosses a seam, and recordings that are too short are refused', async () => {
  const graph = classifier(seed);
  const signal = noise(seed, 12 * window);
  const apart = (frames: number) =>
    Array.from({ length: signal.length / channels / frames }, (_, n) => ({
      begins: true as const,
      data: [signal.subarray(n * frames * channels, (n + 1) * frames * channels)],
    }));
  const plan = planStream(graph, options);
  const set = await collectCalibration(plan, apart(window));
  assert.equal(
    set.pieces.map((p) => p[0]),
    apart(window).map(({ data }) => data[0]),
  );
  const uneven = await collectCalibration(plan, apart(24));
  assert.equal(new Set(uneven.pieces.map((p) => (p[0] as Float32Array).length)), new Set([24 * channels]));
  assert.is(await codeOf(() => collectCalibration(plan, apart(12))), 'RN411');
});

test('an aborted run ends between two steps with the reason of the abort', async () => {
  const controller = new AbortController();
  const steps = new Set<string>();
  const run = quantizeStream(classifier(seed), inChunks(noise(seed, 900 * window), 64), {
    ...options,
    calibWindows: 100,
    signal: controller.signal,
    onProgress: ({ step }) => {
      steps.add(step);
      if (step === 'ranges') controller.abort(new Error('enough'));
    },
  });
  await run.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'enough'),
  );
  assert.equal([...steps], ['read', 'channels', 'ranges']);
});

test.run();
