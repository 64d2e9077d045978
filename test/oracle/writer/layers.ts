/**
 * The layers of random streaming models: random weights, and scales that keep the values within int8.
 *
 * In: a Net and a Flow.  Out: the next Flow. The real multiplier is chosen first (it gives the outputs a
 * standard deviation of about 50), and the scales of the weights follow from it.
 */
import { elementsOf, type OptionsOf } from '../file.ts';
import type { OperatorName } from '../schema.ts';
import { bytesOfInt32, type Flow, type Net } from './net.ts';

/** Returns `x` with a random scale and zero point; with a ReLU usually the smallest value. */
function outputLike(net: Net, x: Omit<Flow, 'id'>, activation: number): Omit<Flow, 'id'> {
  const { rng } = net;
  const scale = Math.fround(0.01 + rng.unit() * 0.2);
  const zeroPoint = activation === 1 || activation === 3 ? (rng.chance(0.85) ? -128 : rng.int(-128, -90)) : rng.int(-40, 40);
  return { ...x, scale, zeroPoint };
}

const activationOf = (net: Net): number => net.rng.pick([1, 1, 1, 0, 0, 3]);

/** Adds weights and bias for `channels` sums of `fanIn` products; scales are per channel along `axis`. */
function weights(net: Net, x: Flow, y: Omit<Flow, 'id'>, shape: number[], of: { channels: number; axis: number; fanIn: number }) {
  const { rng } = net;
  const deviation = Math.sqrt(of.fanIn) * 73 * 60;
  const perTensor = of.axis < 0 || rng.chance(0.1);
  const scales = Array.from({ length: perTensor ? 1 : of.channels }, () =>
    Math.fround((((0.6 + rng.unit()) * 50) / deviation) * (y.scale / x.scale)),
  );
  const quant = { scales, zeroPoints: scales.map(() => 0), axis: Math.max(0, of.axis) };
  const data = Uint8Array.from({ length: elementsOf(shape) }, () => rng.int(-127, 127));
  const w = net.tensor('weights', 'int8', shape, { quant, data });
  // The full interpreter requires a bias for convolutions.
  if (of.axis !== 0 && rng.chance(0.1)) return [x.id, w];
  const bias = Array.from({ length: of.channels }, () => Math.round((rng.unit() - 0.5) * deviation));
  const biasQuant = { scales: scales.map((s) => Math.fround(s * x.scale)), zeroPoints: scales.map(() => 0), axis: 0 };
  return [x.id, w, net.tensor('bias', 'int32', [of.channels], { quant: biasQuant, data: bytesOfInt32(bias) })];
}

export interface Sliding {
  kernel: number;
  stride: number;
  dilation: number;
}

const rowsAfter = (rows: number, s: Sliding): number => Math.floor((rows - (s.kernel - 1) * s.dilation - 1) / s.stride) + 1;

/** Adds a convolution, VALID along time. The number of features stays (kernel 1) or shrinks (`kernelF`). */
export function conv(net: Net, x: Flow, channels: number, s: Sliding, kernelF = 1, strideF = 1): Flow {
  const activation = activationOf(net);
  const f = Math.floor((x.f - kernelF) / strideF) + 1;
  const like = outputLike(net, { ...x, rows: rowsAfter(x.rows, s), f, c: channels }, activation);
  const shape = [channels, s.kernel, kernelF, x.c];
  const inputs = weights(net, x, like, shape, { channels, axis: 0, fanIn: s.kernel * kernelF * x.c });
  const y = net.flow('conv2d', like);
  // SAME equals VALID if nothing has to be padded. Converters write it for kernels of 1.
  const padding = s.kernel === 1 && kernelF === 1 && s.stride === 1 && strideF === 1 ? net.rng.int(0, 1) : 1;
  net.op('CONV_2D', inputs, [y.id], {
    padding,
    strideW: strideF,
    strideH: s.stride,
    activation,
    dilationW: 1,
    dilationH: s.dilation,
  });
  return y;
}

export function depthwise(net: Net, x: Flow, s: Sliding, multiplier = 1, like?: Flow): Flow {
  const activation = like ? 0 : activationOf(net);
  const channels = x.c * multiplier;
  const shape = { ...x, rows: rowsAfter(x.rows, s), c: channels };
  const out = like ? { ...shape, scale: like.scale, zeroPoint: like.zeroPoint } : outputLike(net, shape, activation);
  const inputs = weights(net, x, out, [1, s.kernel, 1, channels], { channels, axis: 3, fanIn: s.kernel });
  const y = net.flow('depthwise_conv2d', out);
  net.op('DEPTHWISE_CONV_2D', inputs, [y.id], {
    padding: 1,
    strideW: s.stride,
    strideH: s.stride,
    multiplier,
    activation,
    dilationW: 1,
    dilationH: s.dilation,
  });
  return y;
}

/** Adds FULLY_CONNECTED over all of `x`. The result is a flow with one row of `units`, 2-D in the file. */
export function dense(net: Net, x: Flow, units: number, scale = 0.02 + net.rng.unit() * 0.1, activation = 0): Flow {
  const { rng } = net;
  const depth = x.rows * x.f * x.c;
  let from = x;
  if (x.rows > 1 || rng.chance(0.5)) {
    from = net.flow('flatten', x, [1, depth]);
    const inputs = rng.chance(0.5) ? [x.id, net.constants('shape', [-1, depth])] : [x.id];
    net.op('RESHAPE', inputs, [from.id], { newShape: inputs.length === 1 ? [1, depth] : [] });
  }
  const zeroPoint = activation === 1 ? -128 : rng.int(-50, 50);
  const like = { rows: 1, f: 1, c: units, scale: Math.fround(scale), zeroPoint };
  const perChannel = net.tags.has('dense per channel');
  const inputs = weights(net, from, like, [units, depth], { channels: units, axis: perChannel ? 0 : -1, fanIn: depth });
  const y = net.flow('dense', like, [1, units]);
  net.op('FULLY_CONNECTED', inputs.length === 2 ? [...inputs, -1] : inputs, [y.id], {
    activation,
    weightsFormat: 0,
    keepDims: 0,
  });
  return y;
}

/** Adds ADD, SUB or MUL. Without `b`, the second operand is a constant with one value per channel. */
export function binary(net: Net, op: 'ADD' | 'SUB' | 'MUL', a: Flow, b?: Flow): Flow {
  const { rng } = net;
  const activation = activationOf(net);
  let second = b;
  if (!second) {
    const like = { rows: 1, f: 1, c: a.c, scale: Math.fround(a.scale * (0.5 + rng.unit())), zeroPoint: rng.int(-60, 60) };
    const data = Uint8Array.from({ length: a.c }, () => rng.int(-128, 127));
    second = net.flow('constant', like, rng.pick([[a.c], [1, 1, 1, a.c]]));
    (net.main.tensors[second.id] as { data?: Uint8Array }).data = data;
  }
  const scale = op !== 'MUL' ? a.scale + second.scale : a.scale * second.scale * 50;
  const y = net.flow(op.toLowerCase(), { ...outputLike(net, a, activation), scale });
  net.op(op, [a.id, second.id], [y.id], op !== 'MUL' ? { activation, potScale: 1 } : { activation });
  return y;
}

/** Adds LOGISTIC or TANH, with the output scale that the specification requires. */
export function curve(net: Net, op: 'LOGISTIC' | 'TANH', x: Flow, shape?: number[]): Flow {
  const limit = op === 'LOGISTIC' ? { scale: 1 / 256, zeroPoint: -128 } : { scale: 1 / 128, zeroPoint: 0 };
  const y = net.flow(op.toLowerCase(), { ...x, ...limit }, shape);
  net.op(op, [x.id], [y.id]);
  return y;
}

/** Adds a QUANTIZE to another scale. */
export function requantise(net: Net, x: Flow): Flow {
  const scale = x.scale * (0.7 + net.rng.unit());
  const y = net.flow('requantised', { ...x, scale, zeroPoint: net.rng.int(-100, 40) });
  net.op('QUANTIZE', [x.id], [y.id]);
  return y;
}

/** Adds a pool over all rows of `x`, or a MEAN over them. */
export function poolAll(net: Net, op: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D' | 'MEAN', x: Flow): Flow {
  const { rng } = net;
  if (op === 'MEAN') {
    const keepDims = rng.int(0, 1);
    const like = { ...x, rows: 1, f: 1, scale: x.scale * (0.5 + rng.unit()), zeroPoint: rng.int(-128, 20) };
    const y = net.flow('mean', like, keepDims ? [1, 1, 1, x.c] : [1, x.c]);
    net.op(
      'MEAN',
      [
        x.id,
        net.constants(
          'axes',
          rng.pick([
            [1, 2],
            [2, 1],
            [-3, -2],
          ]),
        ),
      ],
      [y.id],
      { keepDims },
    );
    return y;
  }
  return pool(net, op, x, { kernel: x.rows, stride: rng.chance(0.5) ? x.rows : 1, dilation: 1 }, x.f);
}

export function pool(net: Net, op: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D', x: Flow, s: Sliding, filterF = 1): Flow {
  const y = net.flow('pool', { ...x, rows: rowsAfter(x.rows, s), f: x.f - filterF + 1 });
  const options: OptionsOf = { padding: 1, strideW: 1, strideH: s.stride, filterW: filterF, filterH: s.kernel, activation: 0 };
  net.op(op, [x.id], [y.id], options);
  return y;
}

/** Reshapes `x` to [1][rows][f][c], with RESHAPE or an equivalent operator. */
export function reshaped(net: Net, x: Flow, f: number, c: number, op: OperatorName = 'RESHAPE'): Flow {
  const y = net.flow(op.toLowerCase(), { ...x, f, c });
  const second =
    op === 'EXPAND_DIMS' ? net.constants('axis', [net.rng.pick([2, -2])], []) : net.constants('shape', [1, x.rows, f, c]);
  net.op(op, [x.id, second], [y.id], op === 'RESHAPE' ? { newShape: [] } : {});
  return y;
}
