/** Faults in target relaxed: what a module asks of its engine, and what follows from the answer. */
import { inFolder } from '../mutant.ts';

const tests = 'relaxed/relaxed';

const kernels = inFolder('assembly/kernels', [
  {
    id: 'relaxed-probe-small',
    file: 'mac-relaxed.ts',
    find: 'is_exact(LOWEST_WEIGHT ? -128 : -127, signed) && is_exact(127, signed) && is_exact(1, signed)',
    replace: 'is_exact(1, signed)',
    tests,
    why: 'pairs of products that saturate are not noticed',
  },
  {
    id: 'relaxed-probe-lowest',
    file: 'mac-relaxed.ts',
    find: 'LOWEST_WEIGHT ? -128 : -127',
    replace: '-127',
    tests,
    why: 'four weights of -128 beside four inputs of -128 exceed 16 bits',
  },
  {
    id: 'relaxed-one-bias',
    file: 'mac-relaxed.ts',
    find: '!RELAXED || form == FORM_UNSIGNED ? p.bias : p.signed_bias',
    replace: 'p.bias',
    tests,
    why: 'sums of signed bytes start where those of unsigned ones do',
  },
  {
    id: 'relaxed-padding',
    file: 'conv-simd.ts',
    find: 'fill_s8(to, p.x_zero ^ flip_byte(), n)',
    replace: 'fill_s8(to, p.x_zero, n)',
    tests,
    why: 'padding has another form than inputs',
  },
  {
    id: 'relaxed-second-places',
    file: 'conv-tiles-relaxed.ts',
    find: 'b3 = dot(b3, u, weights);',
    replace: 'b3 = dot(b3, v, weights);',
    tests,
    why: 'of two places the second gets outputs of the first',
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
    why: 'a list ends at the first module that the engine does not run',
  },
]);

export const relaxed = [...kernels, ...runtime, ...session];
