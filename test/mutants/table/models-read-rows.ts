/** Faults in the common handling of rows: weights over time, and rows on an unusual axis of a file. */
import { inFolder } from '../mutant.ts';

export const modelsReadRows = inFolder('models/read', [
  {
    id: 'weights-rows-order',
    file: 'over-time.ts',
    find: "order: ['t', 'c', 'f'], t, f: 1 }",
    replace: "order: ['t', 'f', 'c'], t, f: 1 }",
    tests: 'read/onnx-composed',
    why: 'weights of several channels over time are applied to the wrong rows',
  },
  {
    id: 'rows-inner-part',
    file: 'rows.ts',
    find: 'if (shared && (at > others',
    replace: 'if (shared && (at < 0',
    tests: 'read/onnx-composed',
    why: 'channels that are the inner part of rows are read as the outer part',
  },
  {
    id: 'weights-lie-otherwise',
    file: 'over-time.ts',
    find: 'sameTime && sameHeads && liesAs(a, b)',
    replace: 'sameTime && sameHeads',
    tests: 'read/onnx-composed',
    why: 'weights over time, stored by channel, are applied to a window that is flat by frame',
  },
  {
    id: 'line-of-frames',
    file: 'rows.ts',
    find: "const order = [...held.map(({ axis }) => axis), 'c' as const];",
    replace: "const order = [...held.map(({ axis }) => axis).sort().reverse(), 'c' as const];",
    tests: 'read/onnx-composed',
    why: 'bins of a spectrogram are ordered by frame although the file has them by feature',
  },
  {
    id: 'weighted-one-head',
    file: 'over-time.ts',
    find: 'weights: w.tensor, heads: f }',
    replace: 'weights: w.tensor, heads: 1 }',
    tests: 'read/onnx-composed',
    why: 'attentive statistics use the weights of the first channel for all',
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
    tests: 'read/rows',
    why: 'a vector does not match the rows of a layer along time',
  },
  {
    id: 'picks-frames-behind-channels',
    file: 'picks.ts',
    find: 'return row * c + channel;',
    replace: 'return o;',
    tests: 'read/onnx-composed',
    why: 'frames with channels before time get the order of channels after time',
  },
]);
