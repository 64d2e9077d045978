/** Faults in target relaxed: the tests of the engine, and the choice of a form by their results. */
import { inFolder } from '../mutant.ts';

const tests = 'relaxed/relaxed';

const kernels = inFolder('assembly/kernels', [
  {
    id: 'relaxed-probe-small',
    file: 'mac-relaxed.ts',
    find: 'is_exact(LOWEST_WEIGHT ? -128 : -127, signed) && is_exact(127, signed) && is_exact(1, signed)',
    replace: 'is_exact(1, signed)',
    tests,
    why: 'saturating pairs of products are not noticed',
  },
  {
    id: 'relaxed-probe-lowest',
    file: 'mac-relaxed.ts',
    find: 'LOWEST_WEIGHT ? -128 : -127',
    replace: '-127',
    tests,
    why: 'the test does not cover -128 in weights and inputs, whose sums exceed 16 bits',
  },
  {
    id: 'relaxed-one-bias',
    file: 'mac-relaxed.ts',
    find: '!RELAXED || form == FORM_UNSIGNED ? p.bias : p.signed_bias',
    replace: 'p.bias',
    tests,
    why: 'sums of signed bytes start with the bias for unsigned ones',
  },
  {
    id: 'relaxed-padding',
    file: 'conv-simd.ts',
    find: 'fill_s8(to, p.x_zero ^ flip_byte(), n)',
    replace: 'fill_s8(to, p.x_zero, n)',
    tests,
    why: 'padding has another form than the inputs',
  },
  {
    id: 'relaxed-second-places',
    file: 'conv-tiles-relaxed.ts',
    find: 'b3 = dot(b3, u, weights);',
    replace: 'b3 = dot(b3, v, weights);',
    tests,
    why: 'the second of two places gets outputs of the first',
  },
]);

const runtime = inFolder('assembly/runtime', [
  {
    id: 'relaxed-push-anyway',
    file: 'push.ts',
    find: 'if (RELAXED && form == FORM_NONE) return -3;',
    replace: '',
    tests,
    why: 'a module runs on an engine that is not exact',
  },
]);

const session = inFolder('host/session', [
  {
    id: 'relaxed-no-next',
    file: 'open-session.ts',
    find: "error.code !== 'RN700'",
    replace: "error.code === 'RN700'",
    tests,
    why: 'the search ends at the first module that the engine cannot run',
  },
]);

export const relaxed = [...kernels, ...runtime, ...session];
