/**
 * A TensorFlow Lite file as plain data: the judge interprets it, the writer writes it and the mutations
 * change it.
 *
 * In: the file's bytes.  Out: subgraphs of tensors and operators, options by name. Errors: Invalid, Unjudged.
 * Source: schema.fbs.
 */
import { Invalid, Table, Unjudged } from './flat.ts';
import { bytesOf, nameOf, type OperatorName, operators, optionFields, type TypeName, typeNames } from './schema.ts';

export interface QuantOf {
  scales: number[];
  zeroPoints: number[];
  /** Dimension of `scales` if there are several. */
  axis: number;
}

export interface TensorOf {
  name: string;
  type: TypeName;
  shape: number[];
  /** Little-endian bytes of a constant. */
  data?: Uint8Array;
  quant?: QuantOf;
  isVariable?: boolean;
}

export type OptionsOf = Record<string, number | string | number[] | undefined>;

export interface OperatorOf {
  /** A name of `operators`, or `#code`. */
  op: OperatorName | `#${number}`;
  inputs: number[];
  outputs: number[];
  options: OptionsOf;
}

export interface SubgraphOf {
  name: string;
  tensors: TensorOf[];
  operators: OperatorOf[];
  inputs: number[];
  outputs: number[];
}

export interface FileOf {
  description?: string;
  subgraphs: SubgraphOf[];
}

export const elementsOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function parseOptions(op: Table, kind: number): OptionsOf {
  const fields = optionFields[kind] ?? [];
  // Without a table every field has its default.
  const empty = new Table(new DataView(new Uint8Array([4, 0, 4, 0, 4, 0, 0, 0]).buffer), 4);
  const from = op.uint8(3) === kind ? (op.table(4) ?? empty) : empty;
  return Object.fromEntries(
    fields.map(([name, type, byDefault], id) => {
      if (type === 'string') return [name, from.string(id)];
      if (type === 'int32s') return [name, from.int32s(id)];
      return [name, from[type](id, byDefault ?? 0)];
    }),
  );
}

function parseTensor(t: Table, buffers: (Uint8Array | undefined)[]): TensorOf {
  const type = (typeNames as Record<number, TypeName>)[t.int8(1)];
  const name = t.string(3) ?? '';
  if (!type) throw new Unjudged(`${name} has type ${t.int8(1)}`);
  const shape = t.int32s(0);
  if (shape.some((d) => d < 0)) throw new Invalid(`${name} has a negative dimension`);
  const index = t.uint32(2);
  if (index >= buffers.length) throw new Invalid(`${name} has buffer ${index} of ${buffers.length}`);
  if (t.table(6)) throw new Unjudged(`${name} is sparse`);
  const data = buffers[index];
  const quant = t.table(4);
  const scales = quant?.float32s(2) ?? [];
  const tensor: TensorOf = { name, type, shape };
  if (data && data.length > 0) tensor.data = data;
  if (quant && scales.length > 0) tensor.quant = { scales, zeroPoints: quant.int64s(3), axis: quant.int32(6) };
  if (t.int8(5) !== 0) tensor.isVariable = true;
  if (tensor.data && tensor.data.length !== elementsOf(shape) * bytesOf[type]) {
    throw new Invalid(`${name} has ${tensor.data.length} bytes for ${shape.join('x')} of ${type}`);
  }
  return tensor;
}

/** Reads a whole file. */
export function parseFile(bytes: Uint8Array): FileOf {
  const root = Table.root(bytes);
  const buffers = root.tables(4).map((b) => {
    if (b.uint32(1) > 1) throw new Unjudged('a buffer lies outside the tables');
    return b.bytes(0);
  });
  if (buffers[0] && buffers[0].length > 0) throw new Invalid('buffer 0 must be empty');
  const codes = root.tables(1).map((c) => Math.max(c.int8(0), c.int32(3)));
  const subgraphs = root.tables(2).map((g): SubgraphOf => {
    const ops = g.tables(3).map((o): OperatorOf => {
      const code = codes[o.uint32(0)];
      if (code === undefined) throw new Invalid('an operator without a code');
      const op = nameOf(code);
      const kind = op in operators ? operators[op as OperatorName][1] : 0;
      return { op, inputs: o.int32s(1), outputs: o.int32s(2), options: parseOptions(o, kind) };
    });
    return {
      name: g.string(4) ?? '',
      tensors: g.tables(0).map((t) => parseTensor(t, buffers)),
      operators: ops,
      inputs: g.int32s(1),
      outputs: g.int32s(2),
    };
  });
  const description = root.string(3);
  return description === undefined ? { subgraphs } : { description, subgraphs };
}
