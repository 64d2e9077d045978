/** Faults in generalised means, from the reader to the kernel. */
import { inFolder } from '../mutant.ts';

/** Chooses one case of test/ops on one target. */
const only = (name: string) => ({ RUNLET_CASES: name, RUNLET_TARGETS: 'interp' });

const models = inFolder('models', [
  {
    id: 'gem-inverse-root',
    file: 'graph/fold-powers.ts',
    find: ' || Math.abs(p * (roots.powers[c] as number) - 1) > 1e-6',
    replace: '',
    tests: 'read/gem',
    why: 'a root that does not undo the power counts as a generalised mean',
  },
  {
    id: 'gem-signs',
    file: 'graph/fold-powers.ts',
    find: '!isPositive(graph, raised.input)',
    replace: 'false',
    tests: 'read/gem',
    why: 'an odd power of a negative value becomes that of its magnitude',
  },
  {
    id: 'gem-readers',
    file: 'graph/fold-powers.ts',
    find: 'if (!inner.every(isApart)) return undefined;',
    replace: '',
    tests: 'read/gem',
    why: 'a mean disappears that another operator reads',
  },
  {
    id: 'gem-order-of-slices',
    file: 'graph/fold-powers.ts',
    find: ' || slice.attrs.from !== powers.length',
    replace: '',
    tests: 'read/gem',
    why: 'slices in another order count as the tensor that they cut',
  },
  {
    id: 'gem-exponents',
    file: 'read/onnx/lower/activation.ts',
    find: 'starts[i + 1] ?? channels',
    replace: 'starts[1] ?? channels',
    tests: 'read/gem',
    why: 'the slices of exponents have wrong ends',
  },
  {
    id: 'edge-phases-share',
    file: 'stream/edge/folds.ts',
    find: 'const slots = stream.rows * stream.phases;',
    replace: 'const slots = stream.rows * stream.phases + 1;',
    tests: 'property/pooling',
    env: { RUNLET_POOLS: '2' },
    why: 'a row leaves the sum of its phase one row late',
  },
  {
    id: 'edge-phases-edges',
    file: 'stream/edge/folds.ts',
    find: 'if (stream.left + stream.right > 0 || sums',
    replace: 'if (sums',
    tests: 'property/pooling',
    env: { RUNLET_POOLS: '10' },
    why: 'rows that touch an edge count as rows of the stream',
  },
  {
    id: 'stream-partial-bytes',
    file: 'stream/fold.ts',
    find: "(rule.kind === 'fold' ? rule.bytes : 4)",
    replace: '4',
    tests: 'property/pooling',
    env: { RUNLET_POOLS: '2' },
    why: 'int64 sums have room for int32',
  },
]);

const quant = inFolder('quant/ops', [
  {
    id: 'gem-half-step',
    file: 'gem.ts',
    find: 'k - y.zeroPoint - 0.5',
    replace: 'k - y.zeroPoint',
    tests: 'ops/ops',
    env: only('gem, power 3'),
    why: 'the root is rounded down',
  },
  {
    id: 'gem-base',
    file: 'gem.ts',
    find: 'BigInt(Math.ceil(sum)) - BigInt(places) * base',
    replace: 'BigInt(Math.ceil(sum))',
    tests: 'ops/ops',
    env: only('gem, power 3'),
    why: 'bounds are not of the same origin as the table',
  },
]);

const kernels = inFolder('assembly/kernels', [
  {
    id: 'kernel-gem-leaves',
    file: 'gem.ts',
    find: 'add_powers(p, total, old, 1, 0, row, -1);',
    replace: '',
    tests: 'property/pooling',
    env: { RUNLET_POOLS: '2' },
    why: 'rows that leave the window stay in its sum',
  },
  {
    id: 'kernel-gem-group',
    file: 'gem.ts',
    find: '((<i32>load<u8>(p.groups + c)) << 11)',
    replace: '0',
    tests: 'ops/ops',
    env: only('gem, three groups'),
    why: 'all channels have the power of the first group',
  },
  {
    id: 'kernel-gem-search',
    file: 'gem.ts',
    find: 'step: i32 = 128; step > 0',
    replace: 'step: i32 = 64; step > 0',
    tests: 'ops/ops',
    env: only('gem, hop 5 does not divide 12'),
    why: 'outputs above -1 are never found',
  },
]);

export const pooling = [...models, ...quant, ...kernels];
