/** Faults in recurrences: cells, their integers and kernels, carried states, loops in files. */
import { inFolder } from '../mutant.ts';

const cases = 'ops/ops';
const reading = 'read/recurrent';

/** States that are inputs, and cells that run backwards. */
const states = inFolder('models', [
  {
    id: 'tflite-lstm-backwards',
    file: 'read/tflite/lower/lstm.ts',
    find: 'reverse: value.reversed === true',
    replace: 'reverse: false',
    tests: reading,
    why: 'a fused LSTM after REVERSE_V2 runs forwards',
  },
  {
    id: 'states-place',
    file: 'read/states.ts',
    find: 'ids[i] === from + i || !this.follows.has(from + i)',
    replace: 'ids[i] !== undefined',
    tests: 'read/states',
    why: 'any output of the right length becomes a state, in any order',
  },
  {
    id: 'states-rows',
    file: 'read/states.ts',
    find: 'at(o, r - fresh, i);',
    replace: 'at(o, Math.max(0, r - fresh - 1), i);',
    tests: 'read/states',
    why: 'the rows of a cache return one place off',
  },
  {
    id: 'states-restart',
    file: 'stream/execute.ts',
    find: 'plan.graph.stateful && head.some(carries)',
    replace: 'plan.graph.stateful === undefined && head.some(carries)',
    tests: 'read/states',
    why: 'a state of the head restarts at every step',
  },
  {
    id: 'execute-lengths',
    file: 'stream/execute.ts',
    find: "node.attrs, shapes).kind === 'whole'",
    replace: "node.attrs, shapes).kind === 'fold'",
    tests: cases,
    why: 'the reference cuts the longer input of an attention to the shorter length',
    env: { RUNLET_CASES: 'matmul, ', RUNLET_TARGETS: 'interp' },
  },
  {
    id: 'states-padding',
    file: 'graph/step-graph.ts',
    find: 'padded && streams.isStream(x)',
    replace: 'padded && x < 0',
    tests: 'read/states',
    why: 'padding of a step is taken as its past',
  },
]);

export const recurrent = [
  ...states,
  ...inFolder('quant', [
    {
      id: 'observe-states',
      file: 'observe.ts',
      find: 'hidden?.(xs, node.attrs, out)',
      replace: 'hidden?.(xs.map((x) => ({ ...x, shape: { ...x.shape, t: 1 } })), node.attrs, { ...out, t: 1 })',
      tests: 'quant/recurrent',
      why: 'only the cell of one step is observed for the largest value',
    },
  ]),
  ...inFolder('models/ops', [
    {
      id: 'gates-reach',
      file: 'recurrent.ts',
      find: 'Math.min(maxShift, shift)',
      replace: 'Math.min(0, shift)',
      tests: 'quant/recurrent',
      why: 'products of the input beyond 8 are clipped',
    },
  ]),
  ...inFolder('quant/ops', [
    {
      id: 'open-floor',
      file: 'recurrent.ts',
      find: "fn === 'relu' ? 0 : -32768",
      replace: '0',
      tests: 'ops/ops',
      env: { RUNLET_CASES: 'rnn, linear' },
      why: 'a cell without an activation gives no negative values',
    },
    {
      id: 'open-cell-scale',
      file: 'lstm.ts',
      find: 'node.attrs.fn ? cell : unit',
      replace: 'unit',
      tests: 'ops/ops',
      env: { RUNLET_CASES: 'lstm, relu' },
      why: 'a cell without a final activation gets the scale of its candidate',
    },
    {
      id: 'gates-table-bend',
      file: 'gates.ts',
      find: 'bend / (16 * 24 * 24)',
      replace: 'bend / (8 * 24 * 24)',
      tests: 'ops/gates',
      why: 'the correction of the logistic table is twice as large',
    },
  ]),
  ...inFolder('assembly/kernels', [
    {
      id: 'recurrent-rows-before',
      file: 'recurrent.ts',
      find: 'if (done >= p.skip) return false;',
      replace: 'if (done >= p.skip - 1) return false;',
      tests: 'property/recurrent',
      why: 'a row before the signal enters a carried state',
    },
    {
      id: 'recurrent-begin',
      file: 'recurrent.ts',
      find: 'fill_s8(block.cell, 0, block.y_c << 1);',
      replace: '',
      tests: cases,
      why: 'a cell starts with old memory contents',
      env: { RUNLET_CASES: 'lstm, ', RUNLET_TARGETS: 'interp' },
    },
  ]),
  ...inFolder('models', [
    {
      id: 'padded-before-states',
      file: 'stream/before.ts',
      find: 'found.set(id, padWith);',
      replace: '',
      tests: 'property/recurrent',
      why: 'a state includes rows that padding hides',
    },
    {
      id: 'least-before-states',
      file: 'stream/before.ts',
      find: "padding === 'minimum' ? -128 :",
      replace: "padding === 'minimum' ? 0 :",
      tests: 'property/recurrent',
      why: 'a maximum before a state includes zero points before the signal',
    },
    {
      id: 'averages-before-states',
      file: 'stream/before.ts',
      find: "if (padWith === 'exclude')",
      replace: "if (padWith === 'exclude' && rule.pad[0] > 99)",
      tests: 'property/recurrent',
      why: 'an average before a state counts positions before the signal',
    },
    {
      id: 'carried-is-exact',
      file: 'stream/steps.ts',
      find: 'exact: graph.stateful === true || (!carried.has(node.output) && timing',
      replace: 'exact: graph.stateful === true || (timing',
      tests: 'stages/crnn',
      why: 'a plan claims that a carried state equals the windowed model',
    },
    {
      id: 'last-row-backwards',
      file: 'read/recurrent.ts',
      find: 'reverse ? { before: 0, after: 1 - rows }',
      replace: 'reverse ? { before: 1 - rows, after: 0 }',
      tests: reading,
      why: 'a cell that runs backwards ends at the last frame',
    },
    {
      id: 'cell-unverified',
      file: 'read/cell.ts',
      find: 'Math.abs(a - b) <= 1e-5 *',
      replace: 'Math.abs(a - b) <= 1e-1 *',
      tests: reading,
      why: 'a body that is no gru is accepted as one',
    },
    {
      id: 'gru-bias-apart',
      file: 'read/onnx/lower/recurrent.ts',
      find: '(ofState[o] as number) - (resetBias?.[o] ?? 0)',
      replace: '(ofState[o] as number)',
      tests: reading,
      why: "the bias of the reset gate's operand is also added outside the gate",
    },
  ]),
];
