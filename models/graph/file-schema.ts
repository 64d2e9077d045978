/**
 * The schema of .rnq files (models/graph/file.ts): every field of a Graph with its type and range.
 *
 * In: parsed JSON.  Out: checked values, typed arrays decoded.
 */
import * as v from 'valibot';
import { unaryFns } from '../ops/unary.ts';
import { fromBase64 } from './base64.ts';
import { padRows, scaleRules } from './types.ts';

export const array = { i8: Int8Array, i16: Int16Array, i32: Int32Array, f32: Float32Array, f64: Float64Array } as const;

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const size = whole(1, 1 << 24);
const small = whole(1, 1 << 16);
const pad = v.tuple([whole(0, 1 << 16), whole(0, 1 << 16)]);
/** Rows; negative where a pool leaves out rows. */
const poolPad = v.tuple([whole(-(1 << 16), 1 << 16), whole(-(1 << 16), 1 << 16)]);
const scale = v.pipe(v.number(), v.finite(), v.minValue(Number.MIN_VALUE));
const limit = v.union([v.pipe(v.number(), v.finite()), v.pipe(v.picklist(['Infinity', '-Infinity']), v.transform(Number))]);
const clamp = v.pipe(
  v.tuple([limit, limit]),
  v.check(([min, max]) => min <= max, 'the clamp is empty'),
);

function typed<K extends keyof typeof array>(...kinds: K[]) {
  return v.pipe(
    v.strictObject({ $: v.picklist(kinds), base64: v.pipe(v.string(), v.maxLength(1 << 28), v.base64()) }),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const bytes = fromBase64(dataset.value.base64);
      const type = array[dataset.value.$ as K];
      if (bytes.length % type.BYTES_PER_ELEMENT !== 0) {
        addIssue({ message: 'the array ends within a value' });
        return NEVER;
      }
      const values = new type(bytes.buffer);
      if (!values.every((x: number) => Number.isFinite(x))) {
        addIssue({ message: 'the array holds a value that is not a number' });
        return NEVER;
      }
      return values as InstanceType<(typeof array)[K]>;
    }),
  );
}

const positive = v.pipe(
  typed('f64'),
  v.check((a) => a.every((x) => x > 0), 'a scale is not above 0'),
);
const weights = v.strictObject({
  data: typed('i8', 'f32'),
  scales: v.optional(positive),
  scaleRule: v.optional(v.picklist(scaleRules)),
});
const bias = v.nullable(typed('i32', 'f32'));
const kernel = { kernelT: small, kernelF: small, strideT: small, strideF: small, padT: pad, padF: pad, clamp };
const dilation = { dilationT: small, dilationF: small };

const int8Quant = v.strictObject({ scale, zeroPoint: whole(-128, 127) });
const int16Quant = v.strictObject({ scale, zeroPoint: v.literal(0), type: v.literal('int16') });
const quant = v.union([int8Quant, int16Quant]);
const constant = v.optional(
  v.union([
    v.strictObject({ data: typed('i8'), quant: int8Quant }),
    v.strictObject({ data: typed('i16'), quant: int16Quant }),
    v.strictObject({ data: typed('f32') }),
  ]),
);

const recurrent = {
  units: small,
  recurrent: weights,
  recurrentBias: bias,
  reverse: v.boolean(),
  carry: v.optional(v.boolean()),
  slope: v.optional(v.pipe(v.number(), v.minValue(2 ** -10), v.maxValue(1))),
  fn: v.optional(v.picklist(['relu', 'linear'])),
};

const attrs = {
  conv: v.object({ ...kernel, ...dilation, groups: small, outChannels: small, weights, bias }),
  depthwise: v.object({ ...kernel, ...dilation, multiplier: small, weights, bias }),
  dense: v.object({ units: small, weights, bias, clamp }),
  maxpool: v.object({ ...kernel, padT: poolPad, countIncludePad: v.optional(v.boolean()) }),
  avgpool: v.object({ ...kernel, padT: poolPad, countIncludePad: v.optional(v.boolean()) }),
  globalmax: v.object({
    overF: v.boolean(),
    overC: v.optional(v.boolean()),
    clamp,
    rule: v.optional(v.picklist(['avgpool', 'mean'])),
  }),
  globalavg: v.object({
    overF: v.boolean(),
    overC: v.optional(v.boolean()),
    clamp,
    rule: v.optional(v.picklist(['avgpool', 'mean'])),
  }),
  gem: v.object({ overF: v.boolean(), powers: typed('f32'), clamp }),
  add: v.object({ clamp, constant, minus: v.optional(v.picklist([0, 1])) }),
  mul: v.object({ clamp, constant }),
  concat: v.object({ axis: v.picklist(['c', 'f']) }),
  history: v.object({
    before: whole(-(1 << 16), 1 << 16),
    after: whole(-(1 << 16), 1 << 16),
    own: v.optional(v.picklist(padRows)),
  }),
  argmax: v.object({ last: v.boolean() }),
  hypot: v.object({ clamp }),
  matmul: v.object({ heads: small, over: v.picklist(['channels', 'rows']) }),
  upsample: v.object({ t: size, f: size, between: v.picklist(['repeat', 'zero']) }),
  regroup: v.object({ f: size }),
  permute: v.object({
    order: v.pipe(v.array(v.picklist(['t', 'f', 'c'])), v.length(3)),
    t: size,
    f: size,
    back: v.optional(v.pipe(v.array(v.picklist(['t', 'f', 'c'])), v.maxLength(3))),
  }),
  slice: v.object({ axis: v.picklist(['c', 'f']), from: whole(0, 1 << 24), to: size }),
  activation: v.object({
    fn: v.picklist(unaryFns),
    alpha: v.optional(v.pipe(v.number(), v.finite())),
    clamp,
  }),
  lstm: v.object({ ...recurrent, clip: v.optional(scale), cellPower: v.optional(whole(-20, -1)) }),
  gru: v.object({ ...recurrent, resetAfter: v.boolean() }),
  rnn: v.object(recurrent),
  layernorm: v.object({
    over: v.picklist(['c', 'fc']),
    centre: v.boolean(),
    epsilon: v.pipe(v.number(), v.finite(), v.minValue(0)),
    gamma: typed('f32'),
    beta: typed('f32'),
    clamp,
  }),
  softmax: v.object({ beta: v.pipe(v.number(), v.finite(), v.minValue(1e-6), v.maxValue(1e6)) }),
};

const id = whole(0, 1 << 20);
const text = v.pipe(v.string(), v.maxLength(4096));
const node = <K extends keyof typeof attrs>(op: K) =>
  v.object({
    op: v.literal(op),
    name: text,
    inputs: v.pipe(v.array(id), v.minLength(1), v.maxLength(64)),
    output: id,
    attrs: attrs[op],
  });
const port = v.object({
  tensor: id,
  name: text,
  hostType: v.picklist(['float32', 'int8', 'uint8', 'int16']),
  fileShape: v.pipe(v.array(size), v.maxLength(8)),
  order: v.pipe(v.array(v.picklist(['t', 'f', 'c'])), v.maxLength(3)),
});

export const graphSchema = v.object({
  name: text,
  format: v.picklist(['tflite', 'onnx', 'tfjs', 'keras', 'builder']),
  sourceDigest: text,
  tensors: v.array(
    v.object({
      id,
      name: text,
      shape: v.strictObject({ t: size, f: size, c: size }),
      quant: v.optional(quant),
    }),
  ),
  nodes: v.array(
    v.variant('op', [
      node('conv'),
      node('depthwise'),
      node('dense'),
      node('maxpool'),
      node('avgpool'),
      node('globalmax'),
      node('globalavg'),
      node('add'),
      node('mul'),
      node('concat'),
      node('history'),
      node('argmax'),
      node('gem'),
      node('hypot'),
      node('matmul'),
      node('upsample'),
      node('regroup'),
      node('permute'),
      node('slice'),
      node('activation'),
      node('softmax'),
      node('lstm'),
      node('gru'),
      node('rnn'),
      node('layernorm'),
    ]),
  ),
  inputs: v.pipe(v.array(port), v.minLength(1)),
  outputs: v.pipe(v.array(port), v.minLength(1)),
  stateful: v.optional(v.boolean()),
  metadata: v.record(v.string(), v.string()),
  notes: v.array(v.string()),
});
