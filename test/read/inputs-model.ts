/**
 * ONNX files with two inputs of different rates: an accelerometer, and a PPG sensor at twice its rate.
 *
 * In: the padding of the branches along time.  Out: the file's bytes. The PPG's first layer has stride 2, so
 * that both branches have the same rows.
 */
import { type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { seededNormal } from './onnx-oracle.ts';

/** Number of ticks in a window. `rates` is the number of frames per tick. */
export const ticks = 64;
export const rates = [1, 2] as const;

export function wristModel(
  padding: 'valid' | 'same' = 'valid',
  lengths: readonly (number | string)[] = [ticks, 2 * ticks],
): Uint8Array {
  const next = seededNormal(9);
  const random = (...dims: number[]): TensorOf => {
    const size = dims.reduce((a, b) => a * b, 1);
    return { dims, floats: Array.from({ length: size }, () => next() / Math.sqrt(size / (dims[0] ?? 1))) };
  };
  const same = padding === 'same';
  return writeModel({
    nodes: [
      {
        op: 'Conv',
        name: 'accel_conv',
        inputs: ['accel', 'wa', 'ba'],
        outputs: ['a'],
        attributes: { pads: same ? [1, 1] : [0, 0] },
      },
      { op: 'Relu', inputs: ['a'], outputs: ['ar'] },
      {
        op: 'Conv',
        name: 'ppg_conv',
        inputs: ['ppg', 'wp', 'bp'],
        outputs: ['p'],
        attributes: { pads: same ? [2, 2] : [0, 0], strides: [2] },
      },
      { op: 'Relu', inputs: ['p'], outputs: ['pr'] },
      { op: 'Concat', inputs: ['ar', 'pr'], outputs: ['c'], attributes: { axis: 1 } },
      { op: 'Conv', name: 'joint', inputs: ['c', 'wj', 'bj'], outputs: ['j'], attributes: { pads: same ? [2, 2] : [0, 0] } },
      { op: 'Relu', inputs: ['j'], outputs: ['jr'] },
      { op: 'GlobalAveragePool', inputs: ['jr'], outputs: ['g'] },
      { op: 'Flatten', inputs: ['g'], outputs: ['f'] },
      { op: 'Gemm', inputs: ['f', 'wg', 'bg'], outputs: ['y'] },
    ],
    inputs: { accel: [1, 3, lengths[0] as number], ppg: [1, 1, lengths[1] as number] },
    outputs: ['y'],
    tensors: {
      wa: random(5, 3, 3),
      ba: random(5),
      wp: random(4, 1, 6),
      bp: random(4),
      wj: random(8, 9, 5),
      bj: random(8),
      wg: random(8, 2),
      bg: random(2),
    },
  });
}

/** Returns a signal of `count` ticks for each input, [frames][values]: sines and noise. */
export function wristSignals(count: number, seed = 3): Float32Array[] {
  const next = seededNormal(seed);
  return [3, 1].map((values, i) => {
    const rate = rates[i] as number;
    return Float32Array.from({ length: count * rate * values }, (_, n) => Math.sin(n / values / rate / 3 + i) + 0.3 * next());
  });
}
