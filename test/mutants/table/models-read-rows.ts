/** Faults in what all readers make of rows: weights over time, rows that a file has elsewhere. */
import { inFolder } from '../mutant.ts';

export const modelsReadRows = inFolder('models/read', [
  {
    id: 'weights-rows-order',
    file: 'over-time.ts',
    find: "order: ['t', 'c', 'f'], t, f: 1 }",
    replace: "order: ['t', 'f', 'c'], t, f: 1 }",
    tests: 'read/onnx-composed',
    why: 'weights of several channels over time go to the wrong rows',
  },
  {
    id: 'rows-inner-part',
    file: 'rows.ts',
    find: 'if (shared && (at > others',
    replace: 'if (shared && (at < 0',
    tests: 'read/onnx-composed',
    why: 'channels are rows, whose inner part they are, as if they were the outer one',
  },
  {
    id: 'weights-lie-otherwise',
    file: 'over-time.ts',
    find: 'sameTime && sameHeads && liesAs(a, b)',
    replace: 'sameTime && sameHeads',
    tests: 'read/onnx-composed',
    why: 'weights over time, channel by channel, meet a flat window frame by frame',
  },
  {
    id: 'line-of-frames',
    file: 'rows.ts',
    find: "const order = [...held.map(({ axis }) => axis), 'c' as const];",
    replace: "const order = [...held.map(({ axis }) => axis).sort().reverse(), 'c' as const];",
    tests: 'read/onnx-composed',
    why: 'places of a spectrogram are rows frame by frame where the file has them feature by feature',
  },
  {
    id: 'weighted-one-head',
    file: 'over-time.ts',
    find: 'weights: w.tensor, heads: f }',
    replace: 'weights: w.tensor, heads: 1 }',
    tests: 'read/onnx-composed',
    why: 'attentive statistics take the weights of the first channel',
  },
  {
    id: 'rows-steps-of-channels',
    file: 'rows.ts',
    find: 'holdsTime(x.layout.length - 1) && !holdsTime(at)',
    replace: 'false',
    tests: 'read/onnx-composed',
    why: 'a recurrence over the channels is refused',
  },
  {
    id: 'rows-beside-vector',
    file: 'rows.ts',
    find: 'return isVector ? shape.findIndex((n, d) => n > 1 && otherShape[d] === 1) : -1;',
    replace: 'return -1;',
    tests: 'read/onnx-composed',
    why: 'a vector does not meet the rows that a layer along time gave',
  },
  {
    id: 'picks-frames-behind-channels',
    file: 'picks.ts',
    find: 'return row * c + channel;',
    replace: 'return o;',
    tests: 'read/onnx-composed',
    why: 'frames of channels in front of time have the order of those behind it',
  },
]);
