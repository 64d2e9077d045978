/** Faults in how TensorFlow Lite files are made plain before they are lowered. */
import { inFolder } from '../mutant.ts';

export const modelsReadTflite = inFolder('models/read/tflite', [
  {
    id: 'read-piece-offset',
    file: 'pieces.ts',
    find: 'if (slope !== 0 || !near(c, -k)) return undefined;',
    replace: 'if (slope !== 0) return undefined;',
    tests: 'read/tflite-pieces',
    why: 'an exponential branch that is not 0 at 0 is read as one that is',
  },
  {
    id: 'read-piece-fused',
    file: 'pieces.ts',
    find: '&& inputs.length === 2 && !options?.int8(0);',
    replace: '&& inputs.length === 2;',
    tests: 'read/tflite-pieces',
    why: 'a clamp within a branch is lost',
  },
  {
    id: 'read-batch-softmax',
    file: 'batch.ts',
    find: '(at < net.shape(op.inputs[0]).length - 1 ? at : undefined)',
    replace: '(net ? at : undefined)',
    tests: 'read/tflite-batch',
    why: 'a softmax over the signals of a batch is read as one over one signal',
  },
  {
    id: 'read-batch-constant',
    file: 'batch.ts',
    find: 'if (constant.some((byte, i) => byte !== constant[first(i)])) return undefined;',
    replace: 'if (first(0) < 0) return undefined;',
    tests: 'read/tflite-batch',
    why: 'the constant of the first signal stands for that of the others',
  },
  {
    id: 'read-sparse-block-step',
    file: 'sparse.ts',
    find: '{ step: stride * block, size: length / block }',
    replace: '{ step: stride, size: length / block }',
    tests: 'read/tflite-sparse',
    why: 'blocks of a sparse constant overlap',
  },
  {
    id: 'read-sparse-index',
    file: 'sparse.ts',
    find: 'indices.find((i) => !(i >= 0 && i < size))',
    replace: 'indices.find((i) => !(i < size))',
    tests: 'read/tflite-sparse',
    why: 'an index below 0 goes before the constant',
  },
  {
    id: 'read-slice-of-shape',
    file: 'integers.ts',
    find: 'const to = length === -1 ? values.length : from + length;',
    replace: 'const to = values.length;',
    tests: 'read/tflite-shapes',
    why: 'a part of a shape goes to its end',
  },
  {
    id: 'read-dead-assign',
    file: 'live.ts',
    find: 'for (const assign of variable?.assigns ?? []) keep(assign);',
    replace: '',
    tests: 'read/tflite-dead',
    why: 'what is assigned to a variable that an output reads is left out',
  },
]);
