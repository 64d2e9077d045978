/**
 * Model: reads a TensorFlow Lite file into plain values and checks their consistency.
 *
 * In: the file's bytes.
 * Out: tensors, operators, inputs, outputs and metadata of the first subgraph, in file order.
 * Errors: RN101 / RN102 (damaged, too large), RN103 (indexes, order of operators), RN104 (shapes and
 * buffers), RN105 (quantisation).
 * Source: tensorflow/lite/schema/schema.fbs version 3.
 */

import { RunletError } from '../../error.ts';
import { printable } from '../../printable.ts';
import { type Quantisation, type QuantisedTensor, readQuantisation } from './quantisation.ts';
import { customOperator, operatorName, tensorTypes } from './schema.ts';
import { expanded } from './sparse.ts';
import { type Table, View } from './view.ts';

export interface TfTensor extends QuantisedTensor {
  shape: number[];
  /** The shape with -1 for dynamic dimensions; empty if the file has no signature. */
  signature: number[];
  /** Bytes of a constant (little-endian, row-major), exactly as many as its shape and type need. */
  constant: Uint8Array | undefined;
  /** Largest |value| that the file can store here, for a file that is read as float. */
  reach?: number;
  isVariable: boolean;
}

/** The function scale * fn(x). */
export interface Piece {
  fn: 'selu' | 'elu' | 'leakyrelu';
  alpha?: number;
  scale: number;
}

export interface TfOperator {
  index: number;
  /** `CONV_2D#3`: the operator and its index in the file. */
  name: string;
  /** BuiltinOperator's name; `CUSTOM name` for custom operators. */
  op: string;
  /** Tensor indexes; -1 for an optional input that is absent. */
  inputs: number[];
  outputs: number[];
  optionsType: number;
  /** Options of a custom operator; empty if it has none. */
  custom: Uint8Array;
  options: Table | undefined;
  /** For a SELECT between two branches: their function of the one input (pieces.ts). */
  piece?: Piece;
  /** True if it computes the real function between integers and rounds (tables.ts). */
  isReal?: boolean;
}

export interface TfGraph {
  tensors: TfTensor[];
  operators: TfOperator[];
  inputs: number[];
  outputs: number[];
}

/** Returns the operator that writes each tensor, by tensor index. */
export const makersOf = ({ operators }: TfGraph): Map<number, TfOperator> =>
  new Map(operators.flatMap((op) => op.outputs.map((index): [number, TfOperator] => [index, op])));

export interface TfModel extends TfGraph {
  name: string;
  description: string;
  metadata: Record<string, string>;
  /** Number of subgraphs. Only the first is a network; the others belong to control flow and state. */
  subgraphs: number;
  /** All subgraphs, including the first. In the others only indexes and shapes are checked. */
  graphs: TfGraph[];
  /** RN105 for each tensor whose quantisation parameters cannot be used. */
  bad: RunletError[];
  view: View;
  /**
   * For a file with a batch (batch.ts): the number of signals that it computes at a time, of which one is
   * read; or `joined`, the operator or output that mixes them.
   */
  signals?: number;
  joined?: string;
  /** True for an int8 file that is read as float (as-float.ts). */
  fromInt8?: boolean;
}

const borders = new Set(['QUANTIZE', 'DEQUANTIZE', 'RESHAPE', 'SQUEEZE', 'EXPAND_DIMS', 'TRANSPOSE', 'PAD', 'PADV2']);

/**
 * Checks for an integer model: an operator other than a border conversion or a reshape has an int8 or int16
 * result, or an input has such a type.
 */
export function isInt8Model({ operators, tensors, inputs }: TfModel): boolean {
  const isInt8 = (index: number) => ['int8', 'int16'].includes(tensors[index]?.type ?? '');
  return operators.some((op) => !borders.has(op.op) && op.outputs.some(isInt8)) || inputs.some(isInt8);
}

const limits = {
  ports: 256,
  operands: 256,
  tensors: 65536,
  operators: 32768,
  codes: 4096,
  buffers: 131072,
  rank: 8,
  elements: 2 ** 28,
} as const;
const textMetadataBytes = 4096;

/** Reads and checks a file; see the header for the errors. */
export function readModelFile(bytes: Uint8Array): TfModel {
  const view = new View(bytes);
  const root = view.root();
  const version = root.uint32(0);
  if (version !== 3) {
    throw new RunletError('RN101', { what: `schema version ${version} is unknown`, where: 'Model', why: 'version 3 is read' });
  }
  const buffers = root.tables(4, 'Buffer', limits.buffers).map((table, i) => readBuffer(table, i));
  const codes = root.tables(1, 'OperatorCode', limits.codes).map(readCode);
  const graphs = root.tables(2, 'SubGraph', 256);
  const graph = graphs[0];
  if (!graph) throw inconsistent('the file holds no subgraph', 'Model');
  // limits on all subgraphs together: they may share vectors, so a small file could list the same tensors 256
  // times
  const remaining = { tensors: limits.tensors as number, operators: limits.operators as number };
  const bad: RunletError[] = [];
  const read = graphs.map((table): TfGraph => {
    const tensors = table.tables(0, 'Tensor', remaining.tensors);
    const operators = table.tables(3, 'Operator', remaining.operators);
    remaining.tensors -= tensors.length;
    remaining.operators -= operators.length;
    return {
      tensors: tensors.map((t, i) => readTensor(t, i, buffers, bad)),
      operators: operators.map((t, i) => readOperator(t, i, codes)),
      inputs: table.int32s(1),
      outputs: table.int32s(2),
    };
  });
  const model: TfModel = {
    ...(read[0] as TfGraph),
    name: graph.string(4),
    description: root.string(3),
    metadata: readMetadata(root.tables(6, 'Metadata', 256), buffers),
    subgraphs: graphs.length,
    graphs: read,
    bad,
    view,
  };
  checkOrder(model);
  return model;
}

/** Returns a buffer's bytes, from a vector in the FlatBuffer or from the part of the file after it. */
function readBuffer(table: Table, index: number): Uint8Array {
  const inside = table.byteVector(0);
  return inside.length > 0 ? inside : table.behind(1, 2, `buffer ${index}`);
}

function readCode(table: Table): string {
  const code = Math.max(table.int8(0), table.int32(3));
  if (code === customOperator) return `CUSTOM ${table.string(1, '?').slice(0, 64)}`;
  if (code < 0) throw table.view.damaged(table.at, `operator code ${code} is negative`);
  return operatorName(code);
}

/** Reads a tensor's parameters and collects RN105, so that it does not hide other errors. */
function collected(bad: RunletError[], read: () => Quantisation | undefined): Quantisation | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RunletError) || error.code !== 'RN105') throw error;
    bad.push(error);
    return undefined;
  }
}

function readTensor(table: Table, index: number, buffers: Uint8Array[], bad: RunletError[]): TfTensor {
  const name = table.string(3).slice(0, 1024) || `tensor ${index}`;
  const where = `tensor ${index} '${name.slice(0, 96)}'`;
  const [type, width] = tensorTypes[table.int8(1)] ?? [];
  if (!type || width === undefined) throw table.view.damaged(table.at, `tensor type ${table.int8(1)} is unknown`);
  const shape = table.int32s(0);
  const elements = shape.reduce((product, n) => product * n, 1);
  if (shape.length > limits.rank || shape.some((n) => n < 0) || elements > limits.elements) {
    throw new RunletError('RN104', {
      what: `shape [${shape.slice(0, 16).join(', ')}] is out of range`,
      where,
      why: `ranks to ${limits.rank} and ${limits.elements} elements are read, no negative dimensions`,
    });
  }
  const held = buffers[table.uint32(2)];
  if (!held) throw inconsistent(`buffer ${table.uint32(2)} does not exist`, where);
  const sparsity = width > 0 && held.length > 0 ? table.table(6, 'SparsityParameters') : undefined;
  const buffer = sparsity ? expanded(sparsity, shape, held, width, where) : held;
  const hasWidth = width > 0 && buffer.length > 0;
  if (hasWidth && buffer.length !== elements * width) {
    throw new RunletError('RN104', {
      what: `a constant holds ${buffer.length} bytes`,
      where,
      why: `its shape [${shape.join(', ')}] of ${type} needs ${elements * width}`,
      tryThis: 'export the model again',
    });
  }
  if (table.uint32(10) !== 0) throw inconsistent('its data lies in another file', where, 'a model in one file');
  const quant = collected(bad, () => readQuantisation(table.table(4, 'QuantizationParameters'), type, shape, where));
  return {
    index,
    name,
    type,
    shape,
    signature: table.int32s(7),
    quant,
    constant: hasWidth ? buffer : undefined,
    isVariable: table.bool(5),
  };
}

function readOperator(table: Table, index: number, codes: string[]): TfOperator {
  const op = codes[table.uint32(0)];
  if (op === undefined) throw inconsistent(`operator code ${table.uint32(0)} does not exist`, `operator ${index}`);
  const inputs = table.int32s(1);
  const outputs = table.int32s(2);
  if (Math.max(inputs.length, outputs.length) > limits.operands)
    throw inconsistent(`more than ${limits.operands} operands`, `${op}#${index}`);
  return {
    index,
    name: `${op}#${index}`,
    op,
    inputs,
    outputs,
    optionsType: table.uint8(3),
    custom: customOptions(table, `options of ${op}#${index}`),
    options: table.table(4, `options of ${op}#${index}`),
  };
}

function customOptions(table: Table, name: string): Uint8Array {
  const inside = table.byteVector(5);
  return inside.length > 0 ? inside : table.behind(9, 10, name);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Returns a line of UTF-8 text without zeros at its end; undefined for anything else. */
function lineOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > textMetadataBytes) return undefined;
  try {
    const text = utf8.decode(bytes.subarray(0, bytes.findLastIndex((b) => b !== 0) + 1));
    return printable(text) === text ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Returns text metadata as it is, and any other metadata as its number of bytes. */
function readMetadata(tables: Table[], buffers: Uint8Array[]): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const table of tables) {
    const bytes = buffers[table.uint32(1)];
    if (!bytes) throw inconsistent(`buffer ${table.uint32(1)} does not exist`, `byte ${table.at}`);
    metadata[table.string(0).slice(0, 256)] = lineOf(bytes) ?? `${bytes.length} bytes`;
  }
  return metadata;
}

/** Checks that every index exists, and that every tensor is written at most once and before it is read. */
function checkOrder(model: TfModel): void {
  const { tensors, operators, inputs, outputs } = model;
  const written = new Set<number>();
  if (Math.max(inputs.length, outputs.length) > limits.ports)
    throw inconsistent(`more than ${limits.ports} inputs or outputs`, 'subgraph 0');
  const known = (index: number, where: string): void => {
    if (!tensors[index]) throw inconsistent(`tensor ${index} does not exist`, where);
  };
  for (const index of inputs) {
    known(index, 'graph inputs');
    if (tensors[index]?.constant || written.has(index))
      throw inconsistent(`tensor ${index} is constant or listed twice`, 'graph inputs');
    written.add(index);
  }
  for (const { name, inputs: reads, outputs: writes } of operators) {
    for (const index of reads) {
      if (index === -1) continue;
      known(index, name);
      const { constant, isVariable, shape } = tensors[index] as TfTensor;
      if (!constant && !isVariable && !written.has(index) && !shape.includes(0)) {
        throw inconsistent(`tensor ${index} is read before it is written`, name);
      }
    }
    for (const index of writes) {
      known(index, name);
      if (tensors[index]?.constant || written.has(index))
        throw inconsistent(`tensor ${index} is written twice or constant`, name);
      written.add(index);
    }
  }
  if (inputs.length === 0 || outputs.length === 0) throw inconsistent('the graph has no input or no output', 'subgraph 0');
  for (const index of outputs) {
    known(index, 'graph outputs');
    if (!written.has(index)) throw inconsistent(`tensor ${index} is never written`, 'graph outputs');
  }
}

export const inconsistent = (what: string, where: string, tryThis = 'export the model again'): RunletError =>
  new RunletError('RN103', { what: `the TensorFlow Lite graph is inconsistent: ${what}`, where, tryThis });
