/**
 * The part of TensorFlow Lite's schema that the judge reads and the writer writes: types, operators, and the
 * fields of their options.
 *
 * In: nothing.  Out: tables. Source: schema.fbs of TensorFlow Lite (field numbers count from 0 in the order
 * of the table).
 */
export const typeNames = {
  0: 'float32',
  1: 'float16',
  2: 'int32',
  3: 'uint8',
  4: 'int64',
  6: 'bool',
  7: 'int16',
  9: 'int8',
  13: 'resource',
} as const;
export type TypeName = (typeof typeNames)[keyof typeof typeNames];
export const typeCodes = Object.fromEntries(Object.entries(typeNames).map(([code, name]) => [name, Number(code)])) as Record<
  TypeName,
  number
>;
export const bytesOf: Record<TypeName, number> = {
  float32: 4,
  float16: 2,
  int32: 4,
  uint8: 1,
  int64: 8,
  bool: 1,
  int16: 2,
  int8: 1,
  resource: 4,
};

export type FieldType = 'int8' | 'int32' | 'float32' | 'string' | 'int32s';
/** Name, type and default of a field. */
export type FieldOf = readonly [name: string, type: FieldType, byDefault?: number];

const padding: FieldOf = ['padding', 'int8'];
const strides: FieldOf[] = [
  ['strideW', 'int32'],
  ['strideH', 'int32'],
];
const activation: FieldOf = ['activation', 'int8'];
const dilations: FieldOf[] = [
  ['dilationW', 'int32', 1],
  ['dilationH', 'int32', 1],
];
const pool: FieldOf[] = [padding, ...strides, ['filterW', 'int32'], ['filterH', 'int32'], activation];

/** Fields of each kind of options table, by its number in the union BuiltinOptions. */
export const optionFields: Record<number, readonly FieldOf[]> = {
  1: [padding, ...strides, activation, ...dilations],
  2: [padding, ...strides, ['multiplier', 'int32'], activation, ...dilations],
  5: pool,
  6: [['rank', 'int32'], activation],
  8: [activation, ['weightsFormat', 'int8'], ['keepDims', 'int8']],
  9: [['beta', 'float32']],
  10: [['axis', 'int32'], activation],
  11: [activation, ['potScale', 'int8', 1]],
  17: [['newShape', 'int32s']],
  21: [activation],
  22: [],
  24: [],
  25: [],
  26: [],
  27: [['keepDims', 'int8']],
  30: [['squeezeDims', 'int32s']],
  32: [
    ['beginMask', 'int32'],
    ['endMask', 'int32'],
    ['ellipsisMask', 'int32'],
    ['newAxisMask', 'int32'],
    ['shrinkAxisMask', 'int32'],
    ['offset', 'int8'],
  ],
  35: [['splits', 'int32']],
  38: [],
  48: [],
  52: [],
  59: [
    ['count', 'int32'],
    ['axis', 'int32'],
  ],
  79: [['splits', 'int32']],
  28: [activation, ['potScale', 'int8', 1]],
  89: [],
  103: [['subgraph', 'int32']],
  111: [
    ['container', 'string'],
    ['sharedName', 'string'],
  ],
  112: [],
  113: [],
};

/** Builtin operators by name: their number, and the kind of their options (0 for none). */
export const operators = {
  ADD: [0, 11],
  AVERAGE_POOL_2D: [1, 5],
  CONCATENATION: [2, 10],
  CONV_2D: [3, 1],
  DEPTHWISE_CONV_2D: [4, 2],
  DEQUANTIZE: [6, 38],
  FULLY_CONNECTED: [9, 8],
  LOGISTIC: [14, 0],
  MAX_POOL_2D: [17, 5],
  MUL: [18, 21],
  RELU: [19, 0],
  RELU6: [21, 0],
  RESHAPE: [22, 17],
  SOFTMAX: [25, 9],
  SVDF: [27, 6],
  TANH: [28, 0],
  PAD: [34, 22],
  BATCH_TO_SPACE_ND: [37, 24],
  SPACE_TO_BATCH_ND: [38, 25],
  TRANSPOSE: [39, 26],
  MEAN: [40, 27],
  SUB: [41, 28],
  SQUEEZE: [43, 30],
  STRIDED_SLICE: [45, 32],
  SPLIT: [49, 35],
  SLICE: [65, 48],
  EXPAND_DIMS: [70, 52],
  PACK: [83, 59],
  SPLIT_V: [102, 79],
  QUANTIZE: [114, 89],
  CALL_ONCE: [129, 103],
  VAR_HANDLE: [142, 111],
  READ_VARIABLE: [143, 112],
  ASSIGN_VARIABLE: [144, 113],
} as const satisfies Record<string, readonly [code: number, options: number]>;
export type OperatorName = keyof typeof operators;

const names = new Map<number, OperatorName>(Object.entries(operators).map(([name, [code]]) => [code, name as OperatorName]));
/** Returns the operator's name, or `#code` if the judge has no rule for it. */
export const nameOf = (code: number): OperatorName | `#${number}` => names.get(code) ?? `#${code}`;
