/**
 * writeFile: converts a FileOf to the bytes of a TensorFlow Lite file.
 *
 * In: subgraphs of tensors and operators.  Out: bytes. Source: schema.fbs. It checks nothing, because
 * mutations write broken files with it.
 */
import { Builder } from 'flatbuffers';
import type { FileOf, OperatorOf, SubgraphOf, TensorOf } from '../file.ts';
import { type OperatorName, operators, optionFields, typeCodes } from '../schema.ts';

type Add = (b: Builder) => void;

function table(b: Builder, fields: number, adds: readonly (Add | undefined)[]): number {
  b.startObject(fields);
  for (const add of adds) add?.(b);
  return b.endObject();
}

const offset =
  (field: number, to: number): Add =>
  (b) =>
    b.addFieldOffset(field, to, 0);
const int32 =
  (field: number, value: number): Add =>
  (b) => {
    b.forceDefaults(true);
    b.addFieldInt32(field, value, 0);
    b.forceDefaults(false);
  };
const int8 =
  (field: number, value: number): Add =>
  (b) => {
    b.forceDefaults(true);
    b.addFieldInt8(field, value, 0);
    b.forceDefaults(false);
  };

function vector<T>(b: Builder, bytesEach: number, all: readonly T[], add: (one: T) => void): number {
  b.startVector(bytesEach, all.length, bytesEach);
  for (const one of [...all].reverse()) add(one);
  return b.endVector();
}

const offsets = (b: Builder, all: readonly number[]) => vector(b, 4, all, (x) => b.addOffset(x));
const int32s = (b: Builder, all: readonly number[]) => vector(b, 4, all, (x) => b.addInt32(x));

function bytes16(b: Builder, data: Uint8Array): number {
  b.startVector(1, data.length, 16);
  for (let i = data.length - 1; i >= 0; i--) b.addInt8(data[i] as number);
  return b.endVector();
}

function writeTensor(b: Builder, tensor: TensorOf, buffer: number): number {
  const shape = int32s(b, tensor.shape);
  const name = b.createString(tensor.name);
  let quant = 0;
  if (tensor.quant) {
    const { scales, zeroPoints, axis } = tensor.quant;
    const scale = vector(b, 4, scales, (x) => b.addFloat32(x));
    const zero = vector(b, 8, zeroPoints, (x) => b.addInt64(BigInt(x)));
    quant = table(b, 7, [offset(2, scale), offset(3, zero), int32(6, axis)]);
  }
  return table(b, 11, [
    offset(0, shape),
    int8(1, typeCodes[tensor.type]),
    int32(2, buffer),
    offset(3, name),
    quant === 0 ? undefined : offset(4, quant),
    tensor.isVariable ? int8(5, 1) : undefined,
  ]);
}

function writeOptions(b: Builder, kind: number, op: OperatorOf): number {
  const adds = (optionFields[kind] ?? []).map(([name, type], field): Add | undefined => {
    const value = op.options[name];
    if (value === undefined) return undefined;
    if (type === 'string') return offset(field, b.createString(String(value)));
    if (type === 'int32s') {
      const list = value as number[];
      return list.length === 0 ? undefined : offset(field, int32s(b, list));
    }
    if (type === 'int32') return int32(field, Number(value));
    if (type === 'int8') return int8(field, Number(value));
    return (w) => w.addFieldFloat32(field, Number(value), 0);
  });
  return table(b, 12, adds);
}

const codeOf = (op: OperatorOf['op']): number => (op in operators ? operators[op as OperatorName][0] : Number(op.slice(1)));

function writeSubgraph(b: Builder, graph: SubgraphOf, codes: number[], buffers: number[]): number {
  const tensors = graph.tensors.map((tensor) => {
    let buffer = 0;
    if (tensor.data) {
      const data = bytes16(b, tensor.data);
      buffers.push(table(b, 3, [offset(0, data)]));
      buffer = buffers.length - 1;
    }
    return writeTensor(b, tensor, buffer);
  });
  const ops = graph.operators.map((op) => {
    const code = codeOf(op.op);
    if (!codes.includes(code)) codes.push(code);
    const kind = op.op in operators ? operators[op.op as OperatorName][1] : 0;
    const [inputs, outputs] = [int32s(b, op.inputs), int32s(b, op.outputs)];
    const options = kind === 0 ? 0 : writeOptions(b, kind, op);
    return table(b, 9, [
      int32(0, codes.indexOf(code)),
      offset(1, inputs),
      offset(2, outputs),
      options === 0 ? undefined : int8(3, kind),
      options === 0 ? undefined : offset(4, options),
    ]);
  });
  const parts = [
    offsets(b, tensors),
    int32s(b, graph.inputs),
    int32s(b, graph.outputs),
    offsets(b, ops),
    b.createString(graph.name),
  ];
  return table(
    b,
    5,
    parts.map((part, field) => offset(field, part)),
  );
}

/** Returns the file's bytes. */
export function writeFile(file: FileOf): Uint8Array {
  const b = new Builder(4096);
  const buffers = [table(b, 3, [])];
  const codes: number[] = [];
  const graphs = file.subgraphs.map((graph) => writeSubgraph(b, graph, codes, buffers));
  const operatorCodes = codes.map((code) => table(b, 4, [int8(0, Math.min(code, 127)), int32(2, 1), int32(3, code)]));
  const lists = [offsets(b, operatorCodes), offsets(b, graphs), offsets(b, buffers)] as const;
  const description = b.createString(file.description ?? '');
  const root = table(b, 8, [int32(0, 3), offset(1, lists[0]), offset(2, lists[1]), offset(3, description), offset(4, lists[2])]);
  b.finish(root, 'TFL3');
  return b.asUint8Array();
}
