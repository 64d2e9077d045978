/**
 * Writes small TensorFlow Lite files for tests: files that no available converter writes, and files that the
 * reader must refuse.
 *
 * In: a description of a graph.  Out: the bytes. Source: tensorflow/lite/schema/schema.fbs field numbers.
 */
import { Builder } from 'flatbuffers';

export interface TfTensorOf {
  shape: number[];
  /** Shape with -1 for each open dimension. Default: no dimension is open. */
  signature?: number[];
  /** Values of a constant. */
  floats?: number[];
  ints?: number[];
  int64s?: number[];
  int16s?: ArrayLike<number>;
  int8s?: ArrayLike<number>;
  /** TensorType number. Default: the type of the constant (int64, int32, int16, int8), or float32. */
  type?: number;
  /** Scales and zero points: one for the tensor, or one per index of dimension `axis`. */
  quant?: { scales: ArrayLike<number>; zeroPoints: ArrayLike<number>; axis?: number };
  /** Sparsity of a constant that stores some elements. A level has a dense size, or lists its indices. */
  sparse?: { order: number[]; blocks?: number[]; levels: (number | { segments: number[]; indices: number[] })[] };
}

export interface TfOperatorOf {
  /** BuiltinOperator number. */
  code: number;
  /** Custom operators (code 32): name and options. */
  custom?: { name: string; options: Uint8Array };
  inputs: string[];
  outputs: string[];
  /** BuiltinOptions number (`kind`), and its int8 (or bool), int32 and float32 fields by field number. */
  options?: {
    kind: number;
    int8?: Record<number, number>;
    int32?: Record<number, number>;
    float32?: Record<number, number>;
    /** int32 vector fields by field number. */
    vectors?: Record<number, number[]>;
  };
}

interface TfGraphOf {
  operators: TfOperatorOf[];
  inputs: string[];
  outputs: string[];
}

export interface TfModelOf extends TfGraphOf {
  tensors: Record<string, TfTensorOf>;
  /** Further subgraphs. Every subgraph has all tensors. */
  others?: TfGraphOf[];
}

type Fields = [field: number, add: (b: Builder, field: number) => void][];

function table(b: Builder, fields: Fields): number {
  b.startObject(12);
  for (const [field, add] of fields) add(b, field);
  return b.endObject();
}

const offset =
  (to: number) =>
  (b: Builder, field: number): void =>
    b.addFieldOffset(field, to, 0);

function offsets(b: Builder, all: number[]): number {
  b.startVector(4, all.length, 4);
  for (const one of [...all].reverse()) b.addOffset(one);
  return b.endVector();
}

function int32s(b: Builder, all: number[]): number {
  b.startVector(4, all.length, 4);
  for (const one of [...all].reverse()) b.addInt32(one);
  return b.endVector();
}

function dataOf({ floats, ints, int64s, int16s, int8s }: TfTensorOf): Uint8Array | undefined {
  if (int64s) return new Uint8Array(BigInt64Array.from(int64s, BigInt).buffer);
  const small = int16s ? Int16Array.from(int16s) : int8s && Int8Array.from(int8s);
  const data = floats ? new Float32Array(floats) : ints ? new Int32Array(ints) : small;
  return data && new Uint8Array(data.buffer);
}

/** Writes a constant's bytes, aligned to 16 as the schema requires. */
function constant(b: Builder, data: Uint8Array): number {
  b.startVector(1, data.length, 16);
  for (let i = data.length - 1; i >= 0; i--) b.addInt8(((data[i] as number) << 24) >> 24);
  return b.endVector();
}

/** Writes a QuantizationParameters table. */
function quantisation(b: Builder, { scales, zeroPoints, axis = 0 }: NonNullable<TfTensorOf['quant']>): number {
  b.startVector(4, scales.length, 4);
  for (const scale of Array.from(scales).reverse()) b.addFloat32(scale);
  const first = b.endVector();
  b.startVector(8, zeroPoints.length, 8);
  for (const zero of Array.from(zeroPoints).reverse()) b.addInt64(BigInt(zero));
  const second = b.endVector();
  return table(b, [
    [2, offset(first)],
    [3, offset(second)],
    [6, (w, field) => w.addFieldInt32(field, axis, 0)],
  ]);
}

/** Writes a SparsityParameters table with Int32Vector indices. */
function sparsity(b: Builder, { order, blocks = [], levels }: NonNullable<TfTensorOf['sparse']>): number {
  const listed = (values: number[]) => table(b, [[0, offset(int32s(b, values))]]);
  const metadata = levels.map((level) => {
    if (typeof level === 'number') return table(b, [[1, (w, field) => w.addFieldInt32(field, level, 0)]]);
    const vectors = [listed(level.segments), listed(level.indices)] as const;
    return table(b, [
      [0, (w, field) => w.addFieldInt8(field, 1, 0)],
      ...vectors.flatMap(
        (vector, i): Fields => [
          [2 + 2 * i, (w, field) => w.addFieldInt8(field, 1, 0)],
          [3 + 2 * i, offset(vector)],
        ],
      ),
    ]);
  });
  const vectors = [int32s(b, order), int32s(b, blocks), offsets(b, metadata)];
  return table(b, vectors.map((vector, i): Fields[number] => [i, offset(vector)])); // biome-ignore format: one line
}

const typeOf = ({ type, ints, int64s, int16s, int8s }: TfTensorOf): number =>
  type ?? (ints ? 2 : int64s ? 4 : int16s ? 7 : int8s ? 9 : 0);

/** Constants after the FlatBuffer: their bytes, one after another from byte `from` of the file. */
interface Behind {
  from: number;
  data: Uint8Array[];
}

/** Places a constant after the FlatBuffer, and writes its position and size in the file. */
function placeBehind(b: Builder, behind: Behind, data: Uint8Array): number {
  const at = behind.data.reduce((sum, { length }) => sum + length, behind.from);
  behind.data.push(data);
  return table(b, [
    [1, (w, field) => w.addFieldInt64(field, BigInt(at), 0n)],
    [2, (w, field) => w.addFieldInt64(field, BigInt(data.length), 0n)],
  ]);
}

/** Writes the file with its constants after the FlatBuffer, as converters do for large ones. */
export function writeTfliteBehind(model: TfModelOf): Uint8Array {
  const from = write(model, { from: 2, data: [] }).length;
  const behind = { from, data: [] as Uint8Array[] };
  const flat = write(model, behind);
  return Uint8Array.from([...flat, ...behind.data.flatMap((data) => [...data])]);
}

/** Writes the file with its constants in the FlatBuffer. */
export const writeTflite = (model: TfModelOf): Uint8Array => write(model);

/** Returns a field only if it has a value. */
const optional = (field: number, to: number | undefined): Fields => (to === undefined ? [] : [[field, offset(to)]]);

/** Writes the tables of the tensors and of their constants. The first of `buffers` is empty. */
function tensorTables(b: Builder, all: Record<string, TfTensorOf>, behind?: Behind): { tensors: number[]; buffers: number[] } {
  const buffers = [table(b, [])];
  const tensors = Object.entries(all).map(([name, tensor]) => {
    const data = dataOf(tensor);
    if (data) buffers.push(behind ? placeBehind(b, behind, data) : table(b, [[0, offset(constant(b, data))]]));
    const index = data ? buffers.length - 1 : 0;
    const shape = int32s(b, tensor.shape);
    const signature = tensor.signature && int32s(b, tensor.signature);
    const label = b.createString(name);
    const quant = tensor.quant && quantisation(b, tensor.quant);
    const sparse = tensor.sparse && sparsity(b, tensor.sparse);
    return table(b, [
      [0, offset(shape)],
      [1, (w, field) => w.addFieldInt8(field, typeOf(tensor), 0)],
      [2, (w, field) => w.addFieldInt32(field, index, 0)],
      [3, offset(label)],
      ...optional(7, signature),
      ...optional(4, quant),
      ...optional(6, sparse),
    ]);
  });
  return { tensors, buffers };
}

/** Writes an OperatorCode table. */
function operatorCode(b: Builder, { code, custom }: TfOperatorOf): number {
  const name = custom && b.createString(custom.name);
  return table(b, [
    [0, (w, field) => w.addFieldInt8(field, Math.min(code, 127), 0)],
    ...optional(1, name),
    [3, (w, field) => w.addFieldInt32(field, code, 0)],
  ]);
}

/** Writes a BuiltinOptions table. */
function optionsTable(b: Builder, { vectors = {}, int8 = {}, int32 = {}, float32 = {} }: Partial<TfOperatorOf['options']> = {}) {
  const made = Object.entries(vectors).map(([field, values]): Fields[number] => [Number(field), offset(int32s(b, values))]);
  const scalars = (all: Record<number, number>, add: (w: Builder, at: number, value: number) => void): Fields =>
    Object.entries(all).map(([field, value]) => [Number(field), (w, at) => add(w, at, value)]);
  return table(b, [
    ...made,
    ...scalars(int8, (w, at, value) => w.addFieldInt8(at, value, 0)),
    ...scalars(int32, (w, at, value) => w.addFieldInt32(at, value, 0)),
    ...scalars(float32, (w, at, value) => w.addFieldFloat32(at, value, 0)),
  ]);
}

/** Writes an Operator table. @param code index of its operator code. @param ids tensor names to indexes. */
function operatorTable(b: Builder, of: TfOperatorOf, code: number, ids: (names: string[]) => number[]): number {
  const { inputs, outputs, options, custom } = of;
  const customBytes = custom && b.createByteVector(custom.options);
  const reads = int32s(b, ids(inputs));
  const writes = int32s(b, ids(outputs));
  const own = optionsTable(b, options);
  return table(b, [
    [0, (w, field) => w.addFieldInt32(field, code, 0)],
    [1, offset(reads)],
    [2, offset(writes)],
    ...(options
      ? ([
          [3, (w, field) => w.addFieldInt8(field, options.kind, 0)],
          [4, offset(own)],
        ] as Fields)
      : []),
    ...optional(5, customBytes),
  ]);
}

function write(model: TfModelOf, behind?: Behind): Uint8Array {
  const b = new Builder(1024);
  const names = Object.keys(model.tensors);
  const ids = (list: string[]) => list.map((name) => names.indexOf(name));
  const { tensors, buffers } = tensorTables(b, model.tensors, behind);
  const graphs = [model, ...(model.others ?? [])];
  const codes = graphs.flatMap(({ operators }) => operators).map((operator) => operatorCode(b, operator));
  let code = 0;
  const all = offsets(b, tensors);
  const made = graphs.map(({ operators, inputs, outputs }) => {
    const ends = [int32s(b, ids(inputs)), int32s(b, ids(outputs))];
    const tables = operators.map((operator) => operatorTable(b, operator, code++, ids));
    const parts = [all, ...ends, offsets(b, tables)];
    return table(
      b,
      parts.map((part, field): Fields[number] => [field, offset(part)]),
    );
  });
  const top = [offsets(b, codes), offsets(b, made), offsets(b, buffers)] as const;
  const root = table(b, [
    [0, (w, field) => w.addFieldInt32(field, 3, 0)],
    [1, offset(top[0])],
    [2, offset(top[1])],
    [4, offset(top[2])],
  ]);
  b.finish(root, 'TFL3');
  return b.asUint8Array();
}
