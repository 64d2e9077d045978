/**
 * ModelProto: the messages of an ONNX file that the reader needs.
 *
 * In: the file's bytes.  Out: an OnnxModel as in the file, not yet checked for meaning.
 * Source: onnx.proto (messages ModelProto, GraphProto, NodeProto, AttributeProto, ValueInfoProto), mapped by
 * hand.
 */
import type { WireType } from '@bufbuild/protobuf/wire';
import { damaged, tooLarge } from './refuse.ts';
import { type Const, type External, readTensor } from './tensor.ts';
import { each, int, into, skip, skipped, text, Wire } from './wire.ts';

export type AttributeValue =
  | { kind: 'float'; value: number }
  | { kind: 'int'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'tensor'; value: Const }
  | { kind: 'floats'; value: number[] }
  | { kind: 'ints'; value: number[] }
  | { kind: 'strings'; value: string[] }
  | { kind: 'graph'; value: OnnxGraph }
  /** Types, sparse tensors, lists of graphs: no supported operator has them. */
  | { kind: 'other' };

/** Returns a node that is not in the file, without attributes. */
export const madeNode = (name: string, op: string, inputs: string[], outputs: string[]): OnnxNode => ({
  name,
  op,
  domain: '',
  inputs,
  outputs,
  attributes: new Map(),
});

export interface OnnxNode {
  /** The name in the file, or a name made from the operator and its index. */
  name: string;
  op: string;
  domain: string;
  /** '' is an absent optional input. */
  inputs: string[];
  outputs: string[];
  attributes: Map<string, AttributeValue>;
  /** The original operator that this node replaces, for messages. */
  from?: string;
  /** The reason why it is refused, if that is already known. */
  refused?: string;
  /** The nodes that a `Cell` replaces (cells.ts). */
  body?: OnnxNode[];
}

export interface OnnxValue {
  name: string;
  /** TensorProto.DataType of onnx.proto; 0 if the file does not give it. */
  elementType: number;
  /** Numbers, or names of symbolic dimensions ('' if unnamed); undefined if the rank is unknown. */
  dims: (number | string)[] | undefined;
}

/** A graph, or a branch of an If, which may read values of the enclosing graph. */
export interface OnnxGraph {
  graphName: string;
  nodes: OnnxNode[];
  initializers: { name: string; value: Const }[];
  /** Initializers whose data are in another file. */
  external: External[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

export interface OnnxModel extends OnnxGraph {
  irVersion: number;
  producer: string;
  /** Domain -> version; '' is the ONNX domain. */
  opsets: Map<string, number>;
  functions: number;
  metadata: Record<string, string>;
}

const emptyGraph = (): OnnxGraph => ({ graphName: '', nodes: [], initializers: [], external: [], inputs: [], outputs: [] });

/** Decodes a whole file. Throws RN151 and RN152. */
export function readModel(bytes: Uint8Array): OnnxModel {
  const model: OnnxModel = {
    irVersion: 0,
    producer: '',
    opsets: new Map(),
    functions: 0,
    metadata: {},
    ...emptyGraph(),
  };
  let graphs = 0;
  const wire = new Wire(bytes);
  wire.fields('ModelProto', {
    1: into(model, 'irVersion', int),
    2: into(model, 'producer', text),
    7: (w, t) => {
      if (graphs++) throw damaged('a second graph', w.offset);
      readGraph(w, t, model);
    },
    8: (w, t) => readOpset(w, t, model),
    14: (w, t) => readEntry(w, t, model.metadata),
    25: (w, t) => {
      model.functions++;
      w.skip(t);
    },
    ...skipped(3, 4, 5, 6, 20, 26),
  });
  if (graphs === 0) throw damaged('there is no graph in the file', bytes.length, 'it is not an ONNX model');
  return model;
}

function readOpset(wire: Wire, type: WireType, model: OnnxModel): void {
  const opset = { domain: '', version: 0 };
  wire.message(type, 'OperatorSetIdProto', { 1: into(opset, 'domain', text), 2: into(opset, 'version', int) });
  model.opsets.set(opset.domain === 'ai.onnx' ? '' : opset.domain, opset.version);
}

function readEntry(wire: Wire, type: WireType, entries: Record<string, string>): void {
  const entry = { key: '', value: '' };
  wire.message(type, 'StringStringEntryProto', { 1: into(entry, 'key', text), 2: into(entry, 'value', text) });
  // defineProperty: a key named __proto__ is a key like any other
  const { key, value } = entry;
  Object.defineProperty(entries, key, { value, enumerable: true, configurable: true, writable: true });
}

/**
 * Largest number of entries in all graphs of a file, by field of GraphProto. A choice: real time-series
 * networks have a few hundred.
 */
const maxEntries: Readonly<Record<number, [name: string, max: number]>> = {
  1: ['nodes', 10_000],
  5: ['initializers', 20_000],
  11: ['inputs', 20_000],
  12: ['outputs', 256],
};

function readGraph(wire: Wire, type: WireType, model: OnnxGraph): void {
  // count before any object is made: a file with two bytes per node could allocate a hundred times its size
  for (const [field, here] of wire.counts(type)) {
    const [name, max] = maxEntries[field] ?? ['', Number.POSITIVE_INFINITY];
    const count = wire.total(name, here);
    if (count > max) throw tooLarge(`${count} ${name}`, 'graph', `at most ${max} are read`);
  }
  wire.message(type, 'GraphProto', {
    1: (w, t) => {
      model.nodes.push(readNode(w, t, model.nodes.length));
    },
    2: into(model, 'graphName', text),
    5: (w, t) => {
      const { name, value } = readTensor(w, t);
      if ('kind' in value) model.initializers.push({ name, value });
      else model.external.push(value);
    },
    11: each(model.inputs, readValue),
    12: each(model.outputs, readValue),
    15: (w) => {
      throw damaged('sparse initializers are not supported', w.offset);
    },
    ...skipped(10, 13, 14, 16),
  });
}

function readNode(wire: Wire, type: WireType, index: number): OnnxNode {
  const node: OnnxNode = { name: '', op: '', domain: '', inputs: [], outputs: [], attributes: new Map() };
  wire.message(type, 'NodeProto', {
    1: each(node.inputs, text),
    2: each(node.outputs, text),
    3: into(node, 'name', text),
    4: into(node, 'op', text),
    5: (w, t) => {
      const at = w.offset;
      const { name, value } = readAttribute(w, t);
      if (node.attributes.has(name)) throw damaged(`attribute ${name} is defined twice`, at);
      node.attributes.set(name, value);
    },
    7: into(node, 'domain', text),
    ...skipped(6, 8, 9, 10),
  });
  node.name ||= `${node.op}_${index}`;
  if (node.domain === 'ai.onnx') node.domain = '';
  return node;
}

/** The kinds that are read, by AttributeProto.AttributeType of onnx.proto. */
type Kind = Exclude<AttributeValue['kind'], 'other'>;
const kinds: Readonly<Record<number, Kind>> = {
  1: 'float',
  2: 'int',
  3: 'string',
  4: 'tensor',
  5: 'graph',
  6: 'floats',
  7: 'ints',
  8: 'strings',
};

function readAttribute(wire: Wire, type: WireType): { name: string; value: AttributeValue } {
  const at = wire.offset;
  const head = { name: '', kind: 0 };
  const floats: number[] = [];
  const ints: number[] = [];
  const strings: string[] = [];
  /** The fields that are present, by AttributeType. */
  const values = new Map<number, unknown>();
  const found = (kind: number, read: (w: Wire, t: WireType) => unknown) => (w: Wire, t: WireType) => {
    values.set(kind, read(w, t));
  };
  wire.message(type, 'AttributeProto', {
    1: into(head, 'name', text),
    2: found(1, (w, t) => w.float(t)),
    3: found(2, int),
    4: found(3, (w, t) => new TextDecoder().decode(w.blob(t))),
    5: found(4, (w, t) => {
      const tensor = readTensor(w, t).value;
      if (!('kind' in tensor)) throw damaged('an attribute whose data are in another file', w.offset);
      return tensor;
    }),
    6: found(5, (w, t) => {
      const graph = emptyGraph();
      readGraph(w, t, graph);
      return graph;
    }),
    7: found(6, (w, t) => {
      w.floats(t, floats);
      return floats;
    }),
    8: found(7, (w, t) => {
      w.ints(t, ints);
      return ints;
    }),
    9: found(8, (w, t) => {
      strings.push(new TextDecoder().decode(w.blob(t)));
      return strings;
    }),
    20: into(head, 'kind', int),
    ...skipped(10, 11, 13, 14, 15, 21, 22, 23),
  });
  const { name, kind: declared } = head;
  const kind = declared === 0 ? ([...values.keys()][0] ?? 0) : declared;
  if ([...values.keys()].some((k) => k !== kind)) throw damaged(`attribute ${name} does not hold the type that it declares`, at);
  const known = kinds[kind];
  if (!known) return { name, value: { kind: 'other' } };
  const value = values.get(kind) ?? { floats, ints, strings }[known as 'floats' | 'ints' | 'strings'];
  if (value === undefined) throw damaged(`attribute ${name} has no value`, at);
  return { name, value: { kind: known, value } as AttributeValue };
}

function readValue(wire: Wire, type: WireType): OnnxValue {
  const value: OnnxValue = { name: '', elementType: 0, dims: undefined };
  const dimension = (w: Wire, t: WireType): void => {
    const dim: { length: number | string } = { length: '' };
    w.message(t, 'TensorShapeProto.Dimension', { 1: into(dim, 'length', int), 2: into(dim, 'length', text), 3: skip });
    value.dims?.push(dim.length);
  };
  const tensorType = (w: Wire, t: WireType): void =>
    w.message(t, 'TypeProto.Tensor', {
      1: into(value, 'elementType', int),
      2: (v, u) => {
        value.dims = [];
        v.message(u, 'TensorShapeProto', { 1: dimension });
      },
    });
  wire.message(type, 'ValueInfoProto', {
    1: into(value, 'name', text),
    2: (w, t) => w.message(t, 'TypeProto', { 1: tensorType, ...skipped(4, 5, 6, 8, 9) }),
    ...skipped(3, 4),
  });
  return value;
}
