/**
 * unary: the table of all functions of one value, one line each. Readers, writer, quantiser and .rnq files
 * use it.
 *
 * A line has the real function, the default of its parameter, its names in the formats, and properties that a
 * format fixes. A new function is a new line.
 * Source: ONNX operator specifications; TensorFlow Lite reference kernels; tfjs-layers activations.ts;
 * Klambauer et al. 2017 (selu), Barron 2017 (celu), Hendrycks and Gimpel 2016 (gelu), Misra 2019 (mish).
 * Exact to double precision, except for the accuracy of Math.exp and similar functions.
 */
import { type Clamp, noClamp, type QuantParams } from '../graph/stored.ts';

export interface Unary {
  /** The real function of x with parameter `a`. It is infinite at a pole, NaN outside its domain. */
  of: (x: number, a: number) => number;
  /** Default of the parameter `alpha`; absent: the function has no parameter. */
  alpha?: number;
  /**
   * Name of the ONNX operator, and the first opset that has it if that is above 17. `.tanh` means the
   * attribute approximate = tanh.
   */
  onnx?: string;
  since?: number;
  /** Name of the TensorFlow Lite operator. */
  tflite?: string;
  /** Names of the TensorFlow.js activation, separated by spaces. */
  tfjs?: string;
  /** Names of the TensorFlow operator in graph models of TensorFlow.js, separated by spaces. */
  graph?: string;
  /** Parameters of the output that the 8-bit specification fixes. */
  fixed?: QuantParams;
  /** Inputs with a finite result, as a formula in x; absent: all inputs. */
  domain?: string;
  /** Why an int8 TensorFlow Lite file must not contain the function. */
  noInt8?: string;
  /** True if the function is so steep near 0 that one int8 step of its input is too coarse. */
  steep?: true;
  /**
   * int16 form: multipliers above and below the zero point (`lines`), or interpolation in a table (`curve`);
   * absent: none.
   */
  int16?: 'lines' | 'curve';
  /** True if f(s x) = s f(x) for s > 0. */
  homogeneous?: true;
}

/**
 * The error function: 2 / sqrt(pi) exp(-x^2) times the sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)), whose terms
 * all have the same sign (Abramowitz and Stegun 7.1.6).
 */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [sum, term] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const elu = (x: number, a: number): number => (x < 0 ? a * Math.expm1(x) : x);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
/** Rounds halves to even. */
const toEven = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

const float = 'TensorFlow Lite has no int8 kernel for it';
const cut = 'LiteRT truncates its int8 result instead of rounding, and TensorFlow Lite Micro has no int8 kernel';

// biome-ignore format: a table
export const unary = {
  identity: { of: (x) => x, int16: 'lines', homogeneous: true }, // a standalone clamp, or a requantisation
  leakyrelu: { of: (x, a) => (x < 0 ? x * a : x), alpha: 0.01, onnx: 'LeakyRelu', tflite: 'LEAKY_RELU', graph: 'LeakyRelu', int16: 'lines', homogeneous: true },
  sigmoid: { of: sigmoid, onnx: 'Sigmoid', tflite: 'LOGISTIC', tfjs: 'sigmoid', graph: 'Sigmoid', int16: 'curve', fixed: { scale: 1 / 256, zeroPoint: -128 } },
  tanh: { of: Math.tanh, onnx: 'Tanh', tflite: 'TANH', tfjs: 'tanh', graph: 'Tanh', int16: 'curve', fixed: { scale: 1 / 128, zeroPoint: 0 } },
  hardswish: { of: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6, onnx: 'HardSwish', tflite: 'HARD_SWISH', tfjs: 'hard_swish hard_silu' },
  elu: { of: elu, alpha: 1, onnx: 'Elu', tflite: 'ELU', tfjs: 'elu', graph: 'Elu' },
  selu: { of: (x) => 1.0507009873554805 * elu(x, 1.6732632423543772), onnx: 'Selu', tfjs: 'selu', graph: 'Selu' },
  celu: { of: (x, a) => Math.max(0, x) + Math.min(0, a * Math.expm1(x / a)), alpha: 1, onnx: 'Celu', tfjs: 'celu' },
  silu: { of: (x, a) => x * sigmoid(a * x), alpha: 1, onnx: 'Swish', since: 24, tfjs: 'swish silu' },
  mish: { of: (x) => x * Math.tanh(softplus(x)), onnx: 'Mish', since: 18, tfjs: 'mish' },
  gelu: { of: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)), onnx: 'Gelu', since: 20, tflite: 'GELU', tfjs: 'gelu' },
  gelutanh: { of: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))), onnx: 'Gelu.tanh', since: 20, tflite: 'GELU.tanh', tfjs: 'gelu_new' },
  softplus: { of: softplus, onnx: 'Softplus', tfjs: 'softplus', graph: 'Softplus' },
  softsign: { of: (x) => x / (1 + Math.abs(x)), onnx: 'Softsign', tfjs: 'softsign', graph: 'Softsign' },
  thresholdedrelu: { of: (x, a) => (x > a ? x : 0), alpha: 1, onnx: 'ThresholdedRelu' },
  abs: { of: Math.abs, onnx: 'Abs', tflite: 'ABS', graph: 'Abs', homogeneous: true },
  sign: { of: Math.sign, onnx: 'Sign', tflite: 'SIGN', graph: 'Sign', noInt8: float },
  floor: { of: Math.floor, onnx: 'Floor', tflite: 'FLOOR', graph: 'Floor', noInt8: float },
  ceil: { of: Math.ceil, onnx: 'Ceil', tflite: 'CEIL', graph: 'Ceil', noInt8: float },
  round: { of: toEven, onnx: 'Round', tflite: 'ROUND', graph: 'Round', noInt8: float },
  square: { of: (x) => x * x, tflite: 'SQUARE', graph: 'Square', noInt8: float },
  sqrt: { of: Math.sqrt, onnx: 'Sqrt', tflite: 'SQRT', graph: 'Sqrt', domain: 'x >= 0', noInt8: cut },
  rsqrt: { of: (x) => 1 / Math.sqrt(x), tflite: 'RSQRT', graph: 'Rsqrt', domain: 'x > 0' },
  reciprocal: { of: (x) => 1 / x, onnx: 'Reciprocal', graph: 'Reciprocal Inv', domain: 'x other than 0' },
  inverse: { of: (x) => (x === 0 ? 0 : 1 / x) }, // TensorFlow's DivNoNan multiplies by it
  pow: { of: (x, a) => x ** a, alpha: 1, domain: 'x > 0 (also x = 0 if the exponent is positive, and x < 0 if it is an integer)' },
  exp: { of: Math.exp, onnx: 'Exp', tflite: 'EXP', tfjs: 'exponential', graph: 'Exp', domain: 'x < 88' },
  log: { of: Math.log, onnx: 'Log', tflite: 'LOG', graph: 'Log', domain: 'x > 0', steep: true },
  erf: { of: erf, onnx: 'Erf', graph: 'Erf' },
  sin: { of: Math.sin, onnx: 'Sin', tflite: 'SIN', graph: 'Sin', noInt8: float },
  cos: { of: Math.cos, onnx: 'Cos', tflite: 'COS', graph: 'Cos', noInt8: float },
  atan: { of: Math.atan, onnx: 'Atan', graph: 'Atan' },
  sinh: { of: Math.sinh, onnx: 'Sinh', graph: 'Sinh', domain: '-88 < x < 88' },
  cosh: { of: Math.cosh, onnx: 'Cosh', graph: 'Cosh', domain: '-88 < x < 88' },
  asinh: { of: Math.asinh, onnx: 'Asinh', graph: 'Asinh' },
} as const satisfies Record<string, Unary>;

const inf = Number.POSITIVE_INFINITY;
// biome-ignore format: a table
/** Clamps with names: `identity` with these bounds. */
const clamps: Record<string, Pick<Unary, UnaryFormat> & { clamp: Clamp }> = {
  relu: { clamp: [0, inf], onnx: 'Relu', tflite: 'RELU', tfjs: 'relu', graph: 'Relu' },
  relu6: { clamp: [0, 6], tflite: 'RELU6', tfjs: 'relu6', graph: 'Relu6' },
  reluBoth: { clamp: [-1, 1], tflite: 'RELU_N1_TO_1' },
  reluUnit: { clamp: [0, 1], tflite: 'RELU_0_TO_1' },
};

export type ActivationFn = keyof typeof unary;

/** Functions with special integer arithmetic in TensorFlow Lite. The others are rounded real functions. */
export const inIntegers = ['identity', 'leakyrelu', 'sigmoid', 'tanh', 'hardswish', 'abs', 'rsqrt'] as const;

export interface ActivationAttrs {
  fn: ActivationFn;
  /** The function's parameter, if it has one. */
  alpha?: number;
  clamp: Clamp;
}

export type UnaryFormat = 'onnx' | 'tflite' | 'tfjs' | 'graph';

export const unaryOf = (fn: ActivationFn): Unary => unary[fn];
export const unaryFns = Object.keys(unary) as ActivationFn[];

const attrsOf = (fn: ActivationFn): ActivationAttrs => {
  const { alpha } = unaryOf(fn);
  return alpha === undefined ? { fn, clamp: noClamp } : { fn, alpha, clamp: noClamp };
};

function namesOf(format: UnaryFormat): Map<string, ActivationAttrs> {
  const names = (row: Pick<Unary, UnaryFormat>, attrs: ActivationAttrs) =>
    (row[format]?.split(' ') ?? []).map((name): [string, ActivationAttrs] => [name, attrs]);
  return new Map([
    ...unaryFns.flatMap((fn) => names(unaryOf(fn), attrsOf(fn))),
    ...Object.values(clamps).flatMap((row) => names(row, { fn: 'identity', clamp: row.clamp })),
  ]);
}

/** For each format: the attributes of each name, with the default of the parameter. */
export const unaryNames: Record<UnaryFormat, ReadonlyMap<string, ActivationAttrs>> = {
  onnx: namesOf('onnx'),
  tflite: namesOf('tflite'),
  tfjs: namesOf('tfjs'),
  graph: namesOf('graph'),
};
/** Returns the names that are whole operators (without an attribute). */
export const unaryOperators = (format: UnaryFormat): string[] =>
  [...unaryNames[format].keys()].filter((name) => !name.includes('.'));

const powers = new Map<number, ActivationFn>([[1, 'identity'], [2, 'square'], [0.5, 'sqrt'], [-0.5, 'rsqrt'], [-1, 'reciprocal']]); // biome-ignore format: a table

/** Returns the activation that computes x to a constant power. */
export const powerOf = (exponent: number): ActivationAttrs => {
  const known = powers.get(exponent);
  return known ? { fn: known, clamp: noClamp } : { fn: 'pow', alpha: exponent, clamp: noClamp };
};

/** Returns the exponent of an activation that computes a power; undefined for others. */
export const exponentOf = ({ fn, alpha }: ActivationAttrs): number | undefined =>
  fn === 'pow' ? alpha : [...powers].find(([, known]) => known === fn)?.[0];
