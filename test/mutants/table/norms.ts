/** Faults in recent operators, from the readers to the kernels, and in the class of an output. */
import { inFolder } from '../mutant.ts';

/** Chooses one case of test/ops on one target. */
const only = (name: string) => ({ RUNLET_CASES: name, RUNLET_TARGETS: 'interp' });

const read = inFolder('models/read', [
  {
    id: 'tflite-norm-of-means',
    file: 'tflite/norms.ts',
    find: "reader.op === 'MEAN'",
    replace: "reader.op === ''",
    tests: 'read/tensorflow',
    why: "a mean of a normalisation's input is not recognised",
  },
  {
    id: 'norm-mean-factor',
    file: 'norm/form.ts',
    find: 'if (!zeros(rest)) return undefined;',
    replace: '',
    tests: 'read/norms',
    why: 'a mean with another factor than its value is taken as a normalisation',
  },
  {
    id: 'norm-fork',
    file: 'norm/find.ts',
    find: 'for (const id of norm ? [norm.input] : node.inputs) wanted.add(id);',
    replace: 'for (const id of norm ? [norm.input, ...node.inputs] : node.inputs) wanted.add(id);',
    tests: 'read/norms',
    why: 'parts of a normalisation are also lowered separately',
  },
  {
    id: 'norm-clamped',
    file: 'norm/find.ts',
    find: 'if (!step?.clamped) finder.keep(result, form);',
    replace: 'finder.keep(result, form);',
    tests: 'read/norms',
    why: 'a clamp between gamma and beta is lost',
  },
]);

const ops = inFolder('quant/ops', [
  {
    id: 'layernorm-half',
    file: 'layernorm.ts',
    find: 'b / yq.scale + yq.zeroPoint + 0.5',
    replace: 'b / yq.scale + yq.zeroPoint',
    tests: 'ops/ops',
    env: only('layernorm, 8 channels'),
    why: 'outputs are truncated, not rounded',
  },
]);

const kernels = inFolder('assembly/kernels', [
  {
    id: 'kernel-add-minus',
    file: 'add.ts',
    find: 'return multiplier < 0 ? -y : y;',
    replace: 'return y;',
    tests: 'ops/ops',
    env: only('add, less a constant'),
    why: 'a difference becomes a sum',
  },
  {
    id: 'kernel-layernorm-epsilon',
    file: 'layernorm.ts',
    find: 'p.square_shift)) + epsilon;',
    replace: 'p.square_shift));',
    tests: 'ops/ops',
    env: only('layernorm, epsilon as large as the variance'),
    why: 'epsilon is not added to the variance',
  },
  {
    id: 'kernel-layernorm-wide-difference',
    file: 'layernorm-s16.ts',
    find: 'const d = <i64>n * (<i64>load<TX>',
    replace: 'const d = <i64>(<i16>n) * (<i64>load<i8>',
    tests: 'ops/int16',
    env: only('layernorm'),
    why: 'only the lower byte of an int16 is normalised',
  },
  {
    id: 'kernel-layernorm-half',
    file: 'layernorm.ts',
    find: 'const z = clz(e) & 62;',
    replace: 'const z = clz(e);',
    tests: 'ops/ops',
    env: only('layernorm, 8 channels'),
    why: 'an odd shift of the square is halved for its root',
  },
  {
    id: 'kernel-hypot-root',
    file: 'hypot.ts',
    find: 'r = (r >> 1) + bit;',
    replace: 'r = r + bit;',
    tests: 'ops/ops',
    env: only('hypot, one scale'),
    why: 'the square root sets bits at the wrong place',
  },
  {
    id: 'kernel-argmax-ties',
    file: 'argmax.ts',
    find: 'if (value + last > top) {',
    replace: 'if (value + 1 > top) {',
    tests: 'ops/ops',
    env: only('argmax, all values equal: the first'),
    why: 'of equal values the last one counts, which the model did not ask for',
  },
  {
    id: 'kernel-pad-apart',
    file: 'history-pad.ts',
    find: 'from = from < 0 ? -from - apart : 2 * last + apart - from;',
    replace: 'from = from < 0 ? -from : 2 * last - from;',
    tests: 'ops/ops',
    env: only('history, symmetric'),
    why: 'the outermost row is mirrored once instead of twice',
  },
  {
    id: 'kernel-matmul-head',
    file: 'matmul.ts',
    find: '(row % p.heads) * p.head_step',
    replace: '(row % p.heads) * terms',
    tests: 'ops/ops',
    env: only('matmul, three heads over rows'),
    why: 'heads of values have a wrong stride',
  },
  {
    id: 'kernel-matmul-zero',
    file: 'matmul.ts',
    find: 'let acc = -sum * p.zero2;',
    replace: 'let acc: i32 = 0;',
    tests: 'ops/ops',
    env: only('matmul, one head'),
    why: 'the zero point of the second input is not subtracted',
  },
  {
    id: 'kernel-upsample-between',
    file: 'upsample.ts',
    find: 'const isRow = p.repeat || i == t * p.step_t;',
    replace: 'const isRow = true;',
    tests: 'ops/ops',
    env: only('upsample, rows three apart'),
    why: 'rows are repeated where there should be zeros between them',
  },
]);

const answers = inFolder('models', [
  {
    id: 'answer-threshold',
    file: 'class-index.ts',
    find: 'Math.ceil((values[0] as number) - 0.5)',
    replace: 'Math.ceil(values[0] as number)',
    tests: 'quant/ends',
    why: 'one output above 0 is the second class',
  },
  {
    id: 'answer-ties',
    file: 'class-index.ts',
    find: '(values[i] as number) > (values[best] as number)) best = i;',
    replace: '(values[i] as number) >= (values[best] as number)) best = i;',
    tests: 'quant/ends',
    why: 'the last of equal outputs is the answer',
  },
  {
    id: 'argmax-axis',
    file: 'read/onnx/lower/argmax.ts',
    find: "if (axisOfDim(x.layout, at) !== 'c')",
    replace: "if (axisOfDim(x.layout, at) === 'f')",
    tests: 'read/argmax',
    why: 'an index along time is read as one of channels',
  },
]);

export const norms = [...read, ...ops, ...kernels, ...answers];
