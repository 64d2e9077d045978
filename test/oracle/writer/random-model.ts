/**
 * randomModel: returns a valid streaming model of the kinds that microWakeWord uses, and of further kinds.
 *
 * In: a seed.  Out: the FileOf and its tags (features that not every such model has). The rows of a step pass
 * through layers with history (convolutions, depthwise convolutions, branches with kernels of different
 * lengths, residuals, pools) to a head.
 */
import type { FileOf } from '../file.ts';
import { binary, conv, curve, dense, depthwise, pool, poolAll, requantise, reshaped, type Sliding } from './layers.ts';
import { type Flow, Net } from './net.ts';
import { Rng } from './rng.ts';

/** Probability of each feature of a model. */
const usual = {
  'shuffled operators': 0.5,
  'shuffled tensors': 0.5,
  'odd names': 0.3,
  slice: 0.15,
  'split evenly': 0.2,
  '2-d input': 0.25,
  'float border': 0.2,
  'second output': 0.1,
  'dense per channel': 0.1,
  gate: 0.1,
  requantised: 0.1,
  constants: 0.25,
  softmax: 0.2,
} as const;
const rare = { 'two handles': 0.05, 'initial values': 0.05, 'no call once': 0.05, delay: 0.05 } as const;

/** Tags of models that a reader may refuse but must not compute wrongly. */
export const beyond = [
  // states with an initial value other than the zero point
  'initial values',
  // features in the channel axis, which later layers would have to separate
  'features in channels',
  // rows that are computed again because a layer's history is longer than necessary
  'delay',
  'no state',
];

export interface RandomModel {
  file: FileOf;
  tags: Set<string>;
  seed: number;
}

class Model extends Net {
  order: 'v1' | 'v2' | undefined;
  /** Number of channels and kernel of all layers, if all states have the same shape; otherwise undefined. */
  same: { channels: number; kernel: number } | undefined;

  channels = (): number => this.same?.channels ?? this.rng.int(2, 8);

  stream(x: Flow, rows: number): Flow {
    return this.history(x, rows, this.order ?? this.rng.pick(['v1', 'v2']));
  }

  /** Returns the number of history rows with which `s` gives one output row for each `stride` new rows. */
  before(s: Sliding, rows: number): { rows: number; s: Sliding } {
    const reach = (s.kernel - 1) * s.dilation + 1;
    const stride = rows % s.stride === 0 ? s.stride : 1;
    const extra = this.tags.has('delay') && this.rng.chance(0.3) ? this.rng.int(1, 3) : 0;
    return { rows: Math.max(0, reach - stride) + (extra > 0 && stride === 1 ? extra : 0), s: { ...s, stride } };
  }
}

function input(net: Model): Flow {
  const { rng, main } = net;
  const rows = rng.pick([1, 1, 1, 2, 3, 3, 4]);
  const features = rng.int(3, 14);
  const twoD = net.tags.has('2-d input');
  const as4d = rng.chance(0.3);
  const like = { rows, f: 1, c: features, scale: 0.05 + rng.unit() * 0.1, zeroPoint: rng.pick([-128, rng.int(-128, 127)]) };
  const shape = as4d ? (twoD ? [1, rows, features, 1] : [1, rows, 1, features]) : [1, rows, features];
  let x: Flow;
  if (net.tags.has('float border')) {
    const outer = net.tensor('serving_default_input:0', 'float32', shape);
    main.inputs.push(outer);
    x = net.flow('tfl.quantize', like, shape);
    net.op('QUANTIZE', [outer], [x.id]);
  } else {
    x = net.flow('serving_default_input_audio:0', like, shape);
    main.inputs.push(x.id);
  }
  if (twoD) return as4d ? { ...x, f: features, c: 1 } : reshaped(net, x, features, 1);
  return as4d ? x : reshaped(net, x, 1, features, rng.pick(['RESHAPE', 'RESHAPE', 'EXPAND_DIMS']));
}

const sliding = (net: Model, stride = 1): Sliding => ({
  kernel: net.same?.kernel ?? net.rng.pick([1, 2, 3, 3, 4, 5, 7, 9]),
  stride,
  dilation: !net.same && net.rng.chance(0.15) ? net.rng.int(2, 4) : 1,
});

function first(net: Model, x: Flow): Flow {
  const { rng } = net;
  const stride = rng.pick([1, x.rows]);
  const wanted = sliding(net, stride);
  const { rows, s } = net.before({ ...wanted, kernel: Math.max(wanted.kernel, stride) }, x.rows);
  const joined = net.stream(x, rows);
  if (x.f === 1) return conv(net, joined, net.channels(), s);
  if (rows === 0 && x.rows === 1) net.tags.add('time is not seen');
  const kernelF = rng.int(1, x.f);
  const y = conv(net, joined, rng.int(1, 4), s, kernelF, rng.int(1, 2));
  if (y.f === 1) return y;
  net.tags.add('features in channels');
  return reshaped(net, y, 1, y.f * y.c);
}

/** Splits the channels into groups, each with a depthwise kernel of its own length over one history. */
function branches(net: Model, x: Flow): Flow {
  const { rng } = net;
  const count = Math.min(x.c, rng.int(2, 3));
  const even = net.tags.has('split evenly') && x.c % count === 0;
  const sizes = Array.from({ length: count }, (_, i) => Math.floor(x.c / count) + (i < x.c % count ? 1 : 0));
  if (!even && rng.chance(0.4) && (sizes[0] as number) > 1) {
    sizes[0] = (sizes[0] as number) - 1;
    sizes[1] = (sizes[1] as number) + 1;
  }
  const kernels = sizes.map(() => rng.int(1, 9));
  const longest = Math.max(...kernels);
  const joined = net.stream(x, longest - 1);
  const parts = sizes.map((c) => net.flow('split', { ...joined, c }));
  const ids = parts.map((p) => p.id);
  const axis = net.constants('axis', [rng.pick([-1, 3])], []);
  if (even) net.op('SPLIT', [axis, joined.id], ids, { splits: count });
  else net.op('SPLIT_V', [joined.id, net.constants('sizes', sizes), axis], ids, { splits: count });
  let like: Flow | undefined;
  const outputs = parts.map((part, i) => {
    const kernel = kernels[i] as number;
    const rows = kernel - 1 + x.rows;
    const from = rows === part.rows && rng.chance(0.3) ? part : net.rowsOf(part, part.rows - rows, part.rows, 'strided_keep');
    like = depthwise(net, from, { kernel, stride: 1, dilation: 1 }, 1, like);
    return like;
  });
  return net.concat(outputs, 3);
}

/** Adds the newest rows of its input to a layer over history. */
function residual(net: Model, x: Flow): Flow {
  const { rows, s } = net.before({ ...sliding(net), stride: 1 }, x.rows);
  const joined = net.stream(x, rows);
  const y = conv(net, joined, x.c, s);
  const back = net.rng.chance(0.5) ? x : joined;
  if (y.rows > back.rows) return y;
  // Either the newest rows, or earlier rows: a skip connection with a delay of some rows.
  const from = net.rng.chance(0.6) ? back.rows - y.rows : net.rng.int(0, back.rows - y.rows);
  const skip = from === 0 && back.rows === y.rows ? back : net.rowsOf(back, from, from + y.rows);
  return binary(net, net.rng.pick(['ADD', 'SUB']), y, skip);
}

function layer(net: Model, x: Flow): Flow {
  const { rng } = net;
  const wanted = sliding(net, x.rows > 1 && rng.chance(0.3) ? x.rows : 1);
  const { rows, s } = net.before(wanted, x.rows);
  switch (rng.int(0, 8)) {
    case 0:
    case 1:
      return conv(net, net.stream(x, rows), net.channels(), s);
    case 2:
    case 3:
      return conv(
        net,
        depthwise(net, net.stream(x, rows), { ...s, stride: x.f === 1 ? s.stride : 1 }, rng.chance(0.1) ? 2 : 1),
        net.channels(),
        one,
      );
    case 4:
      return x.c > 1 ? conv(net, branches(net, x), net.channels(), one) : x;
    case 5:
      return residual(net, x);
    case 6:
      net.tags.add('pool over history');
      return pool(net, rng.pick(['AVERAGE_POOL_2D', 'MAX_POOL_2D']), net.stream(x, rows), {
        ...s,
        dilation: 1,
        ...poolKernel(s),
      });
    case 7: {
      // Two layers that read parts of different lengths from one history.
      const joined = net.stream(x, Math.max(rows, 1));
      const kernel = rng.int(1, joined.rows - x.rows + 1);
      const a = conv(net, net.rowsOf(joined, joined.rows - x.rows - kernel + 1, joined.rows), 3, {
        kernel,
        stride: 1,
        dilation: 1,
      });
      const b = conv(net, net.rowsOf(joined, joined.rows - x.rows, joined.rows), 3, one);
      return binary(net, 'ADD', a, b);
    }
    default:
      return conv(net, x, net.channels(), one);
  }
}

const one: Sliding = { kernel: 1, stride: 1, dilation: 1 };
const poolKernel = (s: Sliding) => ({ kernel: (s.kernel - 1) * s.dilation + 1 });

function pointwise(net: Model, x: Flow): Flow {
  const { tags, rng } = net;
  let y = x;
  if (tags.has('constants') && rng.chance(0.5)) y = binary(net, 'ADD', binary(net, 'MUL', y));
  if (tags.has('gate') && rng.chance(0.6)) y = binary(net, 'MUL', y, curve(net, rng.pick(['LOGISTIC', 'TANH']), y));
  if (tags.has('requantised') && rng.chance(0.6)) y = requantise(net, y);
  return y;
}

/** Adds a head, whose output is one row per step. */
function head(net: Model, x: Flow): Flow {
  const { rng, tags } = net;
  const joined = rng.chance(0.7) ? net.stream(x, rng.int(1, 12)) : x;
  const units = tags.has('softmax') ? rng.int(2, 5) : rng.pick([1, 1, 2]);
  switch (rng.int(0, 3)) {
    case 0:
      return dense(net, poolAll(net, rng.pick(['AVERAGE_POOL_2D', 'MAX_POOL_2D']), joined), units);
    case 1:
      return dense(net, poolAll(net, 'MEAN', joined), units);
    case 2:
      return dense(net, dense(net, joined, rng.int(2, 6), undefined, 1), units);
    default:
      return dense(net, joined, units);
  }
}

function finish(net: Model, x: Flow): number {
  const { rng, tags } = net;
  const shape = [1, x.c];
  let y = x;
  if (tags.has('softmax')) {
    y = net.flow('softmax', { ...x, scale: 1 / 256, zeroPoint: -128 }, shape);
    net.op('SOFTMAX', [x.id], [y.id], { beta: 1 });
  } else if (rng.chance(0.8)) y = curve(net, 'LOGISTIC', x, shape);
  if (tags.has('float border') && rng.chance(0.8)) {
    const outer = net.tensor('StatefulPartitionedCall:0', 'float32', shape);
    net.op('DEQUANTIZE', [y.id], [outer]);
    return outer;
  }
  if (rng.chance(0.6)) {
    const outer = net.tensor('StatefulPartitionedCall:0', 'uint8', shape, {
      quant: { scales: [y.scale], zeroPoints: [y.zeroPoint + 128], axis: 0 },
    });
    net.op('QUANTIZE', [y.id], [outer]);
    return outer;
  }
  return y.id;
}

/** Returns a random valid model. */
export function randomModel(seed: number): RandomModel {
  const rng = new Rng(seed);
  const net = new Model(rng);
  for (const [tag, chance] of Object.entries({ ...usual, ...rare })) if (rng.chance(chance)) net.tags.add(tag);
  if (rng.chance(0.4)) net.same = { channels: rng.int(3, 6), kernel: rng.int(2, 4) };
  net.order = rng.pick(['v1', 'v2', 'v2', undefined]);
  let x = first(net, input(net));
  for (let n = rng.int(0, 3); n > 0; n--) x = pointwise(net, layer(net, x));
  const outputs = [finish(net, head(net, x))];
  if (net.tags.has('second output')) outputs.push(finish(net, head(net, x)));
  if (net.states === 0) net.tags.add('no state');
  net.main.outputs.push(...outputs);
  return { file: net.file(), tags: net.tags, seed };
}
