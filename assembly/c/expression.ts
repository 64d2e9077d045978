/**
 * Integer operations of WebAssembly as expressions in C99.
 *
 * In: an operation and its operands as text.  Out: text.  Numbers are unsigned in C, where overflow is
 * defined; signed operations cast. Right shifts of negative numbers and casts to signed types are those of
 * two's complement, as in every compiler for these cores.
 */

/** Text of an expression and its precedence. An operand of lower precedence gets brackets. */
export interface Text {
  text: string;
  binds: number;
  /** Value of a 32-bit constant. */
  value?: number;
  /** True if its C type is int and it is not below 0: comparisons (0 or 1), sums and products of them. */
  int?: boolean;
}

const binding = { atom: 9, unary: 8, mul: 7, add: 6, shift: 5, order: 4, equal: 3, bits: 2, choice: 1 } as const;
export const atom = (text: string): Text => ({ text, binds: binding.atom });
export const choice = (text: string): Text => ({ text, binds: binding.choice });
const unary = (text: string): Text => ({ text, binds: binding.unary });
export const inside = (x: Text, binds: number): string => (x.binds < binds ? `(${x.text})` : x.text);
export const cast = (type: string, x: Text): Text => unary(`(${type})${inside(x, binding.unary)}`);

/** Prints an expression as a signed number. */
const signedText = (type: string, x: Text): Text => {
  if (x.value === undefined || x.value === -0x80000000) return cast(type, x);
  return x.value < 0 ? unary(`${x.value}`) : atom(`${x.value}`);
};

interface Operator {
  sign: string;
  binds: number;
  /** True if the operands are signed. Default: unsigned. */
  signed?: boolean;
  /** True if the result is 0 or 1. */
  test?: boolean;
}

const operators: Record<string, Operator> = {
  Add: { sign: '+', binds: binding.add },
  Sub: { sign: '-', binds: binding.add },
  Mul: { sign: '*', binds: binding.mul },
  DivS: { sign: '/', binds: binding.mul, signed: true },
  DivU: { sign: '/', binds: binding.mul },
  RemS: { sign: '%', binds: binding.mul, signed: true },
  RemU: { sign: '%', binds: binding.mul },
  And: { sign: '&', binds: binding.bits },
  Or: { sign: '|', binds: binding.bits },
  Xor: { sign: '^', binds: binding.bits },
  Eq: { sign: '==', binds: binding.equal, test: true },
  Ne: { sign: '!=', binds: binding.equal, test: true },
};
for (const [name, sign] of Object.entries({ Lt: '<', Le: '<=', Gt: '>', Ge: '>=' })) {
  operators[`${name}S`] = { sign, binds: binding.order, signed: true, test: true };
  operators[`${name}U`] = { sign, binds: binding.order, test: true };
}

/** Splits AddInt32 into Add and 32. */
const split = (op: string): { name: string; bits: number } | undefined => {
  const found = /^(\w+?)Int(32|64)$/.exec(op);
  return found ? { name: found[1] as string, bits: Number(found[2]) } : undefined;
};

/** Joins two operands, in brackets unless they bind tighter: compilers warn of & by == and + by <<. */
function joined(sign: string, binds: number, left: Text, right: Text): Text {
  const associative = sign === '+' || sign === '*' || sign === '&' || sign === '|';
  const mixed = (x: Text) =>
    binds === binding.bits || binds === binding.shift ? binding.unary : x === right ? binds + 1 : binds;
  const same = (x: Text) => (associative && binds !== binding.bits && x === left ? binds : mixed(x));
  return { text: `${inside(left, same(left))} ${sign} ${inside(right, mixed(right))}`, binds };
}

/** Prints a binary operation; undefined if unknown. `amount`: the right operand, if it is constant. */
export function binaryText(op: string, left: Text, right: Text, amount?: number): Text | undefined {
  const { name, bits } = split(op) ?? { name: '', bits: 0 };
  const unsignedType = `uint${bits}_t`;
  const signedType = `int${bits}_t`;
  const shift = /^Sh(l|rS|rU)$/.exec(name)?.[1];
  if (shift) {
    const mask = bits - 1;
    const by = amount === undefined ? joined('&', binding.bits, right, atom(`${mask}`)) : atom(`${amount & mask}`);
    // 1 << 31 of an int is not defined
    if (shift === 'l') return joined('<<', binding.shift, left.int ? cast(unsignedType, left) : left, by);
    if (shift === 'rU') return joined('>>', binding.shift, left, by);
    return cast(unsignedType, joined('>>', binding.shift, cast(signedType, left), by));
  }
  const operator = operators[name];
  if (!operator) return undefined;
  const { sign, binds, signed, test } = operator;
  // compilers warn of unsigned comparisons with 0
  if (right.value === 0 && /^(Lt|Ge)U$/.test(name)) return constantText(name === 'GeU' ? 1 : 0);
  if (!signed) {
    const less = name === 'Add' && right.value !== undefined && right.value < 0 && right.value > -0x80000000;
    const int = left.int && right.int;
    // 0 - 1 of two ints is below 0, but must be 2^32 - 1
    if (int && name === 'Sub') return joined(sign, binds, cast(unsignedType, left), right);
    const plain = less ? joined('-', binds, left, constantText(-(right.value as number))) : joined(sign, binds, left, right);
    return test || int ? { ...plain, int: true } : plain;
  }
  const text = joined(sign, binds, signedText(signedType, left), signedText(signedType, right));
  return test ? { ...text, int: true } : cast(unsignedType, text);
}

/** Prints a unary operation; undefined if it is not known. */
export function unaryText(op: string, x: Text): Text | undefined {
  switch (op) {
    case 'EqZInt32':
    case 'EqZInt64':
      return { ...joined('==', binding.equal, x, atom('0')), int: true };
    case 'ClzInt32':
      return atom(`leading_zeros(${x.text})`);
    case 'ClzInt64':
      return atom(`leading_zeros64(${x.text})`);
    case 'CtzInt32':
      return atom(`trailing_zeros(${x.text})`);
    case 'WrapInt64':
      return cast('uint32_t', x);
    case 'ExtendSInt32':
      return cast('uint64_t', cast('int64_t', cast('int32_t', x)));
    case 'ExtendUInt32':
      return cast('uint64_t', x);
    case 'ExtendS8Int32':
      return cast('uint32_t', cast('int32_t', cast('int8_t', x)));
    case 'ExtendS16Int32':
      return cast('uint32_t', cast('int32_t', cast('int16_t', x)));
    default:
      return undefined;
  }
}

/** Prints a constant as a number of its type. */
export function constantText(value: number | bigint): Text {
  if (typeof value === 'bigint')
    return value < 0n ? atom(`UINT64_C(0x${BigInt.asUintN(64, value).toString(16)})`) : atom(`UINT64_C(${value})`);
  return { ...(value < 0 && value > -4096 ? unary(`(uint32_t)${value}`) : atom(`${value >>> 0}u`)), value };
}
