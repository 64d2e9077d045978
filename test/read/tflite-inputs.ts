/**
 * Writes small TensorFlow Lite files for tests: what no converter at hand writes.
 *
 * In: tensors and operators.  Out: the bytes of a Model, float32. Source: tensorflow/lite/schema/schema.fbs, field numbers as there.
 */
import { Builder } from 'flatbuffers';

export interface TfTensorOf {
  name: string;
  shape: number[];
  /** Constants only. */
  floats?: number[];
  ints?: number[];
}

export interface TfOperatorOf {
  /** BuiltinOperator. */
  code: number;
  inputs: number[];
  outputs: number[];
  /** BuiltinOptions type, and the option table's fields: [field, byte or int, value]. */
  options: number;
  fields: [field: number, kind: 'byte' | 'int', value: number][];
}

export interface TfModelOf {
  tensors: TfTensorOf[];
  operators: TfOperatorOf[];
  inputs: number[];
  outputs: number[];
}

type Slot = (b: Builder, field: number) => void;

function table(b: Builder, slots: (Slot | undefined)[]): number {
  b.startObject(slots.length);
  for (const [field, slot] of slots.entries()) slot?.(b, field);
  return b.endObject();
}

const offset =
  (at: number): Slot =>
  (b, field) =>
    b.addFieldOffset(field, at, 0);
const int =
  (value: number): Slot =>
  (b, field) =>
    b.addFieldInt32(field, value, 0);
const byte =
  (value: number): Slot =>
  (b, field) =>
    b.addFieldInt8(field, value, 0);

function vector(b: Builder, values: number[], add: (value: number) => void, size = 4): number {
  b.startVector(size, values.length, 4);
  for (const value of [...values].reverse()) add(value);
  return b.endVector();
}

const ints = (b: Builder, values: number[]) => vector(b, values, (v) => b.addInt32(v));
const offsets = (b: Builder, values: number[]) => vector(b, values, (v) => b.addOffset(v));

/** The file's bytes. */
export function writeTflite(model: TfModelOf): Uint8Array {
  const b = new Builder(1024);
  const buffers = [table(b, [undefined])];
  const tensors = model.tensors.map((t) => {
    let buffer = 0;
    const data = t.floats ? new Float32Array(t.floats) : t.ints && new Int32Array(t.ints);
    if (data) {
      const bytes = vector(b, [...new Uint8Array(data.buffer)], (v) => b.addInt8(v), 1);
      buffer = buffers.push(table(b, [offset(bytes)])) - 1;
    }
    return table(b, [offset(ints(b, t.shape)), byte(t.ints ? 2 : 0), int(buffer), offset(b.createString(t.name))]);
  });
  const codes = [...new Set(model.operators.map((o) => o.code))];
  const operators = model.operators.map((o) => {
    const width = 1 + Math.max(-1, ...o.fields.map(([field]) => field));
    const slots = Array.from({ length: width }, (): Slot | undefined => undefined);
    for (const [field, kind, value] of o.fields) slots[field] = kind === 'byte' ? byte(value) : int(value);
    const [inputs, outputs, options] = [ints(b, o.inputs), ints(b, o.outputs), table(b, slots)];
    return table(b, [int(codes.indexOf(o.code)), offset(inputs), offset(outputs), byte(o.options), offset(options)]);
  });
  const subgraph = table(b, [
    offset(offsets(b, tensors)),
    offset(ints(b, model.inputs)),
    offset(ints(b, model.outputs)),
    offset(offsets(b, operators)),
    undefined,
  ]);
  const operatorCodes = codes.map((code) => table(b, [byte(code), undefined, int(1), int(code)]));
  const root = [offsets(b, operatorCodes), offsets(b, [subgraph]), offsets(b, buffers)] as const;
  b.finish(table(b, [int(3), offset(root[0]), offset(root[1]), undefined, offset(root[2])]), 'TFL3');
  return b.asUint8Array().slice();
}
