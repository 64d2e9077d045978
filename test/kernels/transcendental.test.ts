/**
 * exp, logistic, tanh and softmax in fixed point against Math.* and against TensorFlow Lite Micro's outputs.
 *
 * In: quant/transcendental.ts, quant/ops/tables.ts, quant/ops/softmax.ts.  Out: largest errors (bounds
 * below), monotonicity, exact ends. The final LOGISTIC and SOFTMAX of reference models are reproduced byte
 * for byte (skipped if those models are absent).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { noClamp, type QuantParams } from '../../models/graph/types.ts';
import { readModelFile } from '../../models/read/tflite/model.ts';
import { activation } from '../../quant/ops/activation.ts';
import { softmax } from '../../quant/ops/softmax.ts';
import { expOnNegative, logistic, oneOverOnePlus, tanh } from '../../quant/transcendental.ts';
import { random } from '../property/random-network.ts';
import { parseNpy } from '../read/npy.ts';
import { shared } from '../shared.ts';

const one = 2 ** 31;
/**
 * Largest absolute error. The reciprocal's three Newton-Raphson steps and the exp's fourth-order polynomial
 * give an error of about 2^-24.
 */
const bound = 2 ** -20;
const rnd = random(0x5eed);
/** Returns ascending raw values in [from, to]: a grid, its neighbours, and random ones. */
function raws(from: number, to: number, count = 40_000): number[] {
  const step = (to - from) / count;
  const all = Array.from({ length: count + 1 }, (_, i) => Math.round(from + i * step + (i % 3) - 1));
  const more = Array.from({ length: count }, () => Math.round(from + rnd() * (to - from)));
  return [...all, ...more].map((x) => Math.min(to, Math.max(from, x))).sort((a, b) => a - b);
}
const errors: Record<string, number> = {};

/**
 * Returns the largest error over the inputs. `slack` (Q0.31) is the distance by which a value may be below an
 * earlier one: fixed point is not strictly monotonic.
 */
function follow(
  name: string,
  inputs: number[],
  fixed: (raw: number) => number,
  real: (raw: number) => number,
  slack: number,
): number {
  let largest = 0;
  let before = Number.NEGATIVE_INFINITY;
  for (const raw of inputs) {
    const y = fixed(raw);
    assert.ok(Number.isInteger(y) && Math.abs(y) <= one - 1, `${name}(${raw}) = ${y} is a Q0.31 number`);
    if (y < before - slack) throw new Error(`${name} falls at ${raw}: from ${before} to ${y}`);
    before = Math.max(before, y);
    largest = Math.max(largest, Math.abs(y / one - real(raw)));
  }
  errors[name] = largest;
  return largest;
}

for (const integerBits of [0, 4, 5]) {
  test(`exp on [-${2 ** integerBits}, 0] as Q${integerBits}.${31 - integerBits} stays within the error bound`, () => {
    const unit = 2 ** (31 - integerBits);
    const real = (raw: number) => Math.exp(raw / unit);
    assert.ok(follow(`exp Q${integerBits}`, raws(-one, 0), (raw) => expOnNegative(raw, integerBits), real, 2 ** 8) < bound);
    assert.is(expOnNegative(0, integerBits), one - 1);
  });
}

test('1 / (1 + x) on [0, 1] stays within the error bound', () => {
  const falling = (raw: number) => -oneOverOnePlus(raw);
  assert.ok(follow('1/(1+x)', raws(0, one - 1), falling, (raw) => -1 / (1 + raw / one), 2 ** 8) < bound);
  assert.is(oneOverOnePlus(0), one - 1);
});

test('logistic and tanh on [-16, 16) as Q4.27 are within the error bound, monotonic and symmetric', () => {
  const unit = 2 ** 27;
  const inputs = raws(-one + 1, one - 1);
  assert.ok(follow('logistic', inputs, logistic, (raw) => 1 / (1 + Math.exp(-raw / unit)), 2 ** 8) < bound);
  assert.ok(follow('tanh', inputs, tanh, (raw) => Math.tanh(raw / unit), 2 ** 8) < bound);
  assert.is(logistic(0), one / 2);
  assert.is(tanh(0), 0);
  for (const raw of inputs.filter((x) => x > 0)) {
    assert.is(logistic(raw) + logistic(-raw), one - 1, `logistic(${raw})`);
    assert.is(tanh(raw), -tanh(-raw), `tanh(${raw})`);
  }
});

/** Returns the 256 entries of LOGISTIC: [q + 128]. */
function logisticTable(quant: QuantParams): Int8Array {
  const shape = { t: 1, f: 1, c: 1 };
  const y = { id: 1, name: 'y', shape, quant: { scale: 1 / 256, zeroPoint: -128 } };
  const attrs = { fn: 'sigmoid', clamp: noClamp } as const;
  const params = activation.prepare(
    { op: 'activation', name: 'a', inputs: [0], output: 1, attrs },
    [{ id: 0, name: 'x', shape, quant }],
    y,
  );
  if (params.types) throw new Error('int8 has a table');
  return params.table;
}

test('logistic tables never decrease, for all tested scales and zero points', () => {
  for (const scale of [0.0007, 0.011, 0.05, 0.1, 0.31, 1, 3.9]) {
    for (const zeroPoint of [-128, -3, 0, 127]) {
      const table = logisticTable({ scale: Math.fround(scale), zeroPoint });
      table.forEach((y, i) => {
        assert.ok(i === 0 || y >= (table[i - 1] as number), `scale ${scale}, zero point ${zeroPoint}, entry ${i}`);
      });
    }
  }
});

function softmaxRow(scale: number, row: Int8Array): Int8Array {
  const shape = { t: 1, f: 1, c: row.length };
  const x = { id: 0, name: 'x', shape, quant: { scale: Math.fround(scale), zeroPoint: 0 } };
  const y = { id: 1, name: 'y', shape, quant: { scale: 1 / 256, zeroPoint: -128 } };
  const params = softmax.prepare({ op: 'softmax', name: 's', inputs: [0], output: 1, attrs: { beta: 1 } }, [x], y);
  return softmax.run(params, [{ data: row, shape }], shape) as Int8Array;
}

let rows = 0;
test('softmax rows sum to 1 within half a step per class, and keep the order of their inputs', () => {
  for (const scale of [0.0001, 0.01, 0.08, 0.5, 4]) {
    for (const classes of [1, 2, 3, 4, 10, 35, 256]) {
      for (let i = 0; i < 40; i++) {
        const row = Int8Array.from({ length: classes }, () => Math.floor(rnd() * 256) - 128);
        if (i === 0) row.fill(-128);
        if (i === 1) row.fill(127);
        const y = softmaxRow(scale, row);
        const sum = y.reduce((total, v) => total + v + 128, 0);
        const clipped = y.includes(127) ? 1 : 0; // 1 is stored as 255 / 256
        assert.ok(Math.abs(sum - 256) <= classes / 2 + clipped, `${classes} classes of scale ${scale} sum to ${sum} / 256`);
        const order = [...row.keys()].sort((a, b) => (row[a] as number) - (row[b] as number));
        order.forEach((at, k) => {
          assert.ok(k === 0 || (y[at] as number) >= (y[order[k - 1] as number] as number));
        });
        rows++;
      }
    }
  }
});

/** Returns the input quantisation of a model's last operator of this kind. */
function quantBefore(folder: string, op: string): QuantParams | undefined {
  const model = readModelFile(new Uint8Array(readFileSync(join(folder, 'model.tflite'))));
  const last = model.operators.filter((o) => o.op === op).at(-1);
  const quant = model.tensors[last?.inputs[0] ?? -1]?.quant;
  return quant && { scale: quant.scales[0] as number, zeroPoint: quant.zeroPoints[0] as number };
}

/** Returns the runs of a model with recorded logits: logits and outputs as int8. */
function runsOf(folder: string) {
  const runs = readdirSync(folder).filter((file) => file.endsWith('.logits.npy'));
  return runs.map((file) => {
    const read = (name: string) => parseNpy(new Uint8Array(readFileSync(join(folder, name))));
    const out = read(file.replace('.logits.', '.out0.'));
    // uint8 = int8 + 128; float32 = (int8 + 128) / 256
    const [factor, offset] = out.data instanceof Float32Array ? [256, 128] : [1, out.data instanceof Uint8Array ? 128 : 0];
    const logits = read(file);
    return {
      logits: logits.data as Int8Array,
      outputs: Int8Array.from(out.data, (v) => v * factor - offset),
      classes: logits.shape.at(-1) ?? 1,
    };
  });
}

const models = shared('models');
const folders = models ? readdirSync(models, { recursive: true, encoding: 'utf8' }).map((name) => join(models, name)) : [];
const kept = folders.filter((folder) => existsSync(join(folder, 'rand.logits.npy'))).sort();
const reference = { logistic: 0, softmax: 0, models: 0 };

for (const folder of kept) {
  const name = folder.split('/').slice(-2).join('/');
  const logisticQuant = quantBefore(folder, 'LOGISTIC');
  const softmaxQuant = quantBefore(folder, 'SOFTMAX');
  if (!logisticQuant && !softmaxQuant) continue;

  test(`${name}: the final ${logisticQuant ? 'LOGISTIC' : 'SOFTMAX'} equals the reference run byte for byte`, () => {
    const differ = (x: QuantParams): number => {
      const table = logisticTable(x);
      let n = 0;
      for (const { logits, outputs, classes } of runsOf(folder)) {
        assert.is(logits.length, outputs.length);
        for (let at = 0; at < logits.length; at += classes) {
          const row = logits.subarray(at, at + classes);
          const got = logisticQuant ? row.map((v) => table[v + 128] as number) : softmaxRow(x.scale, row);
          got.forEach((v, i) => {
            if (v !== outputs[at + i]) n++;
          });
        }
        reference[logisticQuant ? 'logistic' : 'softmax'] += logits.length;
      }
      return n;
    };
    const quant = (logisticQuant ?? softmaxQuant) as QuantParams;
    assert.is(differ(quant), 0);
    const compared = { ...reference };
    assert.ok(differ({ ...quant, scale: quant.scale * 1.25 }) > 0, 'negative control: another scale differs');
    Object.assign(reference, compared, { models: compared.models + 1 });
  });
}

test('negative control: an exp that is 2^-19 too large is detected', () => {
  const real = (raw: number) => Math.exp(raw / 2 ** 26);
  const error = follow(
    'control',
    raws(-one, -1, 1000),
    (raw) => Math.min(one - 1, expOnNegative(raw, 5) + 2 ** 12),
    real,
    2 ** 8,
  );
  assert.ok(error > bound);
  delete errors.control;
  assert.throws(() => follow('falling', [-3, -2], (raw) => (raw === -3 ? 2 ** 20 : 0), real, 2 ** 8), /falls/);
});

test('softmax rows were compared', () => {
  const worst = Object.entries(errors).map(([name, e]) => `${name} 2^${Math.log2(e).toFixed(1)}`);
  console.log(
    `  largest errors: ${worst.join(', ')}; ${rows} softmax rows; ` +
      `${reference.logistic} LOGISTIC and ${reference.softmax} SOFTMAX outputs of ${reference.models} reference models, 0 differ`,
  );
  assert.ok(rows > 0);
});

test.run();
