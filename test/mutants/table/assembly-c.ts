/** Faults in the output as C. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of source files
import { inFolder } from '../mutant.ts';

export const assemblyC = inFolder('assembly/c', [
  {
    id: 'c-fields-apart',
    file: 'regions.ts',
    find: 'of loadedFields(fn).get(i) ?? [])',
    replace: 'of [] as number[])',
    tests: 'bare/networks',
    env: { RUNLET_BARE: '1' },
    why: 'a kernel that adds rows in one layer and constants in another cannot be written as C',
  },
  {
    id: 'c-shift-mask',
    file: 'expression.ts',
    find: 'const mask = bits - 1;',
    replace: 'const mask = bits;',
    tests: 'bare/expressions',
    why: 'a shift by 32 of 32 bits is not 0',
  },
  {
    id: 'c-signed-shift',
    file: 'expression.ts',
    find: "return cast(unsignedType, joined('>>', binding.shift, cast(signedType, left), by));",
    replace: "return joined('>>', binding.shift, left, by);",
    tests: 'bare/expressions',
    why: 'a signed right shift is emitted as an unsigned one',
  },
  {
    id: 'c-signed-order',
    file: 'expression.ts',
    find: 'operators[`${name}S`] = { sign, binds: binding.order, signed: true, test: true };',
    replace: 'operators[`${name}S`] = { sign, binds: binding.order, test: true };',
    tests: 'bare/expressions',
    why: 'comparisons of signed numbers are unsigned',
  },
  {
    id: 'c-extend-8',
    file: 'expression.ts',
    find: "return cast('uint32_t', cast('int32_t', cast('int8_t', x)));",
    replace: "return cast('uint32_t', cast('int32_t', cast('uint8_t', x)));",
    tests: 'bare/expressions',
    why: 'int8 is extended without its sign',
  },
  {
    id: 'c-brackets',
    file: 'expression.ts',
    find: 'x.binds < binds ? `(${x.text})` : x.text',
    replace: 'x.binds < binds - 1 ? `(${x.text})` : x.text',
    tests: 'bare/expressions',
    why: 'necessary brackets are omitted',
  },
  {
    id: 'c-constant-64',
    file: 'expression.ts',
    find: 'BigInt.asUintN(64, value)',
    replace: 'BigInt.asUintN(32, value)',
    tests: 'bare/expressions',
    why: '64-bit constants lose their upper half',
  },
  {
    id: 'c-moves-tail',
    file: 'moves.ts',
    find: '(const void *)from;\n  }\n  for (; n > 0; n--) *to++ = *from++;',
    replace: '(const void *)from;\n  }\n  for (; n > 1; n--) *to++ = *from++;',
    tests: 'bare/expressions',
    why: 'the last byte of a move is not copied',
  },
  {
    id: 'c-moved-pairs',
    file: 'moves.ts',
    find: '__attribute__((__may_alias__, __aligned__(1))) moved32;',
    replace: '__attribute__((__may_alias__)) moved32;',
    tests: 'bare/expressions',
    why: 'a Cortex-M loads a pair of words from an address that is not aligned, and faults',
  },
]);
