/** Parameters of front ends: the generated tables, and refused values. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetNames, presetParameters } from '../../models/frontend/presets.ts';
import { samplesOf } from '../../models/frontend/steps.ts';
import type { FrontEndParameters } from '../../models/frontend/types.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { differing, madeSignals } from './signals.ts';

const micro = presetParameters('microwakeword');

test('the tables of the preset are a Hann window, triangles that add up to one, and a decreasing gain', () => {
  const { window, bank, pcan, channels, fftSamples } = makeFrontEnd(micro);
  assert.is(fftSamples, 512);
  assert.is(Math.max(...window), 4096);
  // float32 makes it symmetric within one unit
  for (const [i, w] of window.entries()) assert.ok(Math.abs(w - (window[window.length - 1 - i] as number)) <= 1);
  assert.is(bank.starts.length, channels + 1);
  assert.is(
    bank.widths.reduce((a, b) => a + b, 0),
    bank.weights.length,
  );
  for (const [i, w] of bank.weights.entries()) assert.ok(Math.abs(w + (bank.unweights[i] as number) - 4096) <= 1);
  const gains = Array.from(pcan?.table ?? []).filter((_, i) => i < 2 || i % 4 === 2);
  assert.ok(gains.every((g, i) => i === 0 || g <= (gains[i - 1] as number)));
});

test('the tables of the two C libraries differ in fewer than four filter weights', () => {
  const other = makeFrontEnd({ ...micro, tables: 'newlib' });
  const { bank } = makeFrontEnd(micro);
  const count = differing(bank.weights, other.bank.weights);
  assert.ok(count > 0 && count < 4, `${count} weights`);
});

test('the bands of librosa have equal areas, and a shorter Hann curve is centred in the window', () => {
  const { bank, window, fftSamples, sampleRateHz } = makeFrontEnd(presetParameters('openwakeword'));
  const areas = new Array<number>(33).fill(0);
  let at = 0;
  for (const [band, width] of bank.widths.entries())
    for (let i = 0; i < width; i++, at++) {
      areas[band] = (areas[band] as number) + (bank.unweights[at] as number);
      if (band > 0) areas[band - 1] = (areas[band - 1] as number) + (bank.weights[at] as number);
    }
  // 2^18 times the area 1, in bins; the error of a triangle with few bins is about the share of one bin
  const one = (2 ** 18 * fftSamples) / sampleRateHz;
  for (const area of areas.slice(0, 32)) assert.ok(Math.abs(area / one - 1) < 0.05, `${area} of ${one}`);
  assert.is(areas[32], 0);
  assert.equal([window[56], window[256], window[456]], [0, 4096, 0]);
  assert.is(window[156], 2048, 'a quarter of the curve');
});

test('invalid parameters are refused', () => {
  const wrong: [string, Partial<FrontEndParameters>][] = [
    ['window', { windowSamples: 3 }],
    ['window', { windowSamples: 16385 }],
    ['window', { windowSamples: 480.5 }],
    ['step', { stepSamples: 481 }],
    ['step', { stepSamples: 0 }],
    ['channels', { channels: 0 }],
    ['upper band', { upperHz: 8001 }],
    ['upper band', { upperHz: 8000 }],
    ['lower band', { lowerHz: -1 }],
    ['lower band', { lowerHz: Number.NaN }],
    ['band', { lowerHz: 500, upperHz: 500 }],
    ['PCAN', { noise: false }],
    ['PCAN', { pcan: { strength: 0.95, offset: 80, gainBits: 14 } }],
    ['PCAN', { pcan: { strength: 0.95, offset: 0, gainBits: 21 } }],
    ['noise smoothing bits', { noise: { smoothingBits: 17, evenSmoothing: 0, oddSmoothing: 0, minSignalRemaining: 0 } }],
    ['even smoothing', { noise: { smoothingBits: 10, evenSmoothing: 1.1, oddSmoothing: 0, minSignalRemaining: 0 } }],
    ['log', { log: { scaleShift: 16 } }],
    ['Hann window', { hannSamples: 400 }],
    ['Hann window', { hannSamples: 481, tables: 'librosa' }],
    ['channels', { channels: 200, lowerHz: 0, upperHz: 400, tables: 'librosa', windowSamples: 4096 }],
    ['output divide', { output: { ...micro.output, divide: 0 } }],
    ['output scale', { output: { ...micro.output, scale: 0 } }],
  ];
  for (const [where, change] of wrong)
    assert.throws(
      () => makeFrontEnd({ ...micro, ...change }),
      (error: unknown) => isRunletError(error) && error.code === 'RN506' && error.parts.where?.includes(where),
      JSON.stringify(change),
    );
  assert.throws(() => presetParameters('nothing'), /RN506.*microwakeword/);
  assert.throws(() => samplesOf(0.01, 16000, '--step-ms'), /RN506/);
  assert.is(samplesOf(10, 16000, '--step-ms'), 160);
});

test('every preset gives constant rows for silence and higher values for a loud signal', () => {
  const { square, silence } = madeSignals() as Record<string, Int16Array>;
  for (const name of presetNames) {
    const frontEnd = makeFrontEnd(presetParameters(name));
    const [loud, quiet] = [square, silence].map((s) => featureRows(frontEnd, s as Int16Array));
    // the int8 value of a feature of 0
    const { add, divide, offset } = frontEnd.output;
    const silent = Math.trunc(add / divide) + offset;
    assert.ok(
      quiet?.every((v) => v === silent),
      name,
    );
    assert.ok(Math.max(...(loud ?? [])) > -50, name);
  }
});

test.run();
