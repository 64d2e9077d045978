/**
 * Builds a float Graph as a function of TensorFlow.js tensors, for its WebAssembly backend.
 *
 * In: the module @tensorflow/tfjs-core, a Graph as for onnx-of.ts.  Out: x [1, t, f, c] -> the graph's
 * output. Weights are made once.
 */
import { frameOf, type Graph, type Node, type Shape, type Tensor } from '../../models/graph/types.ts';

// biome-ignore lint/suspicious/noExplicitAny: the package is installed apart, so its types are not here
type Tf = any;
// biome-ignore lint/suspicious/noExplicitAny: as above
type Value = any;

const pad = (tf: Tf, x: Value, t: readonly [number, number], f: readonly [number, number]): Value =>
  [...t, ...f].some((n) => n > 0) ? tf.pad(x, [[0, 0], t, f, [0, 0]]) : x;

/** Returns a node as a function of its input. */
function layer(tf: Tf, node: Node, input: Shape): (x: Value) => Value {
  const relu = (y: Value) => ('clamp' in node.attrs && node.attrs.clamp[0] === 0 ? tf.relu(y) : y);
  if (node.op === 'conv' || node.op === 'depthwise') {
    const { attrs: a } = node;
    const out = node.op === 'conv' ? node.attrs.outChannels : input.c;
    const per = node.op === 'conv' ? input.c : 1;
    const data = a.weights.data as Float32Array;
    // [kt][kf][in][out]; depthwise [kt][kf][in][1], which is the graph's order
    const values = Float32Array.from(data, (_, i) =>
      node.op === 'conv'
        ? (data[((i % out) * a.kernelT * a.kernelF + Math.floor(i / out / per)) * per + (Math.floor(i / out) % per)] as number)
        : (data[i] as number),
    );
    const dims = [a.kernelT, a.kernelF, input.c, node.op === 'conv' ? out : 1];
    const kernel = tf.tensor4d(values, dims);
    const bias = tf.tensor1d(a.bias ? Array.from(a.bias) : new Array(out).fill(0));
    const fn = node.op === 'conv' ? tf.conv2d : tf.depthwiseConv2d;
    return (x) =>
      relu(
        tf.add(fn(pad(tf, x, a.padT, a.padF), kernel, [a.strideT, a.strideF], 'valid', 'NHWC', [a.dilationT, a.dilationF]), bias),
      );
  }
  if (node.op === 'maxpool') {
    const { attrs: a } = node;
    return (x) => tf.maxPool(x, [a.kernelT, a.kernelF], [a.strideT, a.strideF], 'valid');
  }
  if (node.op === 'globalavg') return (x) => tf.mean(x, [1, 2], true);
  if (node.op === 'dense') {
    const { units, weights, bias } = node.attrs;
    const taps = input.t * frameOf(input);
    const kernel = tf.tensor2d(weights.data as Float32Array, [units, taps]);
    const offset = tf.tensor1d(bias ? Array.from(bias) : new Array(units).fill(0));
    return (x) => tf.reshape(relu(tf.add(tf.matMul(tf.reshape(x, [1, taps]), kernel, false, true), offset)), [1, 1, 1, units]);
  }
  if (node.op === 'softmax') return (x) => tf.softmax(x, 3);
  throw new Error(`no TensorFlow.js here for ${node.op}`);
}

export function tfjsOf(tf: Tf, graph: Graph): (x: Value) => Value {
  const layers = graph.nodes.map((node) => layer(tf, node, (graph.tensors[node.inputs[0] as number] as Tensor).shape));
  return (x) => layers.reduce((value, run) => run(value), x);
}
