/**
 * ModelProto: the messages of an ONNX file that the reader needs.
 *
 * In: the file's bytes.  Out: an OnnxModel, as the file says it and not yet checked for meaning.
 * Source: onnx.proto (messages ModelProto, GraphProto, NodeProto, AttributeProto, ValueInfoProto), mapped by hand.
 */
import type { WireType } from '@bufbuild/protobuf/wire';
import { damaged, tooLarge } from './refuse.ts';
import { type Const, readTensor } from './tensor.ts';
import { skip, Wire } from './wire.ts';

export type AttributeValue =
  | { kind: 'float'; value: number }
  | { kind: 'int'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'tensor'; value: Const }
  | { kind: 'floats'; value: number[] }
  | { kind: 'ints'; value: number[] }
  /** Graphs, types, sparse tensors, lists of strings: no operator of ours has them. */
  | { kind: 'other' };

export interface OnnxNode {
  /** The file's name, or made from the operator and its index. */
  name: string;
  op: string;
  domain: string;
  /** '' is an absent optional input. */
  inputs: string[];
  outputs: string[];
  attributes: Map<string, AttributeValue>;
}

export interface OnnxValue {
  name: string;
  /** onnx.proto TensorProto.DataType; 0 where the file does not say. */
  elementType: number;
  /** A number, or the name of a symbolic dimension ('' where unnamed); undefined where the rank is unknown. */
  dims: (number | string)[] | undefined;
}

export interface OnnxModel {
  irVersion: number;
  producer: string;
  /** Domain -> version; '' is the ONNX domain. */
  opsets: Map<string, number>;
  functions: number;
  metadata: Record<string, string>;
  graphName: string;
  nodes: OnnxNode[];
  initializers: { name: string; value: Const }[];
  /** Names of initializers whose data lie in another file. */
  external: string[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

/** Decodes a whole file. Throws RN151 and RN152. */
export function readModel(bytes: Uint8Array): OnnxModel {
  const model: OnnxModel = {
    irVersion: 0,
    producer: '',
    opsets: new Map(),
    functions: 0,
    metadata: {},
    graphName: '',
    nodes: [],
    initializers: [],
    external: [],
    inputs: [],
    outputs: [],
  };
  let graphs = 0;
  const wire = new Wire(bytes);
  wire.fields('ModelProto', {
    1: (w, t) => {
      model.irVersion = w.int(t);
    },
    2: (w, t) => {
      model.producer = w.text(t);
    },
    3: skip,
    4: skip,
    5: skip,
    6: skip,
    7: (w, t) => {
      if (graphs++) throw damaged('a second graph', w.offset);
      readGraph(w, t, model);
    },
    8: readOpset(model),
    14: (w, t) => readEntry(w, t, model.metadata),
    20: skip,
    25: (w, t) => {
      model.functions++;
      w.skip(t);
    },
    26: skip,
  });
  if (graphs === 0) throw damaged('there is no graph in the file', bytes.length, 'it is not an ONNX model');
  return model;
}

const readOpset = (model: OnnxModel) => (wire: Wire, type: WireType) => {
  let domain = '';
  let version = 0;
  wire.message(type, 'OperatorSetIdProto', {
    1: (w, t) => {
      domain = w.text(t);
    },
    2: (w, t) => {
      version = w.int(t);
    },
  });
  model.opsets.set(domain === 'ai.onnx' ? '' : domain, version);
};

function readEntry(wire: Wire, type: WireType, into: Record<string, string>): void {
  let key = '';
  let value = '';
  wire.message(type, 'StringStringEntryProto', {
    1: (w, t) => {
      key = w.text(t);
    },
    2: (w, t) => {
      value = w.text(t);
    },
  });
  // defineProperty: a key named __proto__ is a key like any other
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Most entries of a graph that are read, by field of GraphProto. A choice: real time-series networks have some hundred. */
const mostOf: Readonly<Record<number, [name: string, most: number]>> = {
  1: ['nodes', 10_000],
  5: ['initializers', 20_000],
  11: ['inputs', 20_000],
  12: ['outputs', 256],
};

function readGraph(wire: Wire, type: WireType, model: OnnxModel): void {
  // counted before an object is made of any: a file of two bytes a node could ask for a hundred times its size
  for (const [field, count] of wire.counts(type)) {
    const [name, most] = mostOf[field] ?? ['', Number.POSITIVE_INFINITY];
    if (count > most) throw tooLarge(`${count} ${name}`, 'graph', `at most ${most} are read`);
  }
  wire.message(type, 'GraphProto', {
    1: (w, t) => {
      model.nodes.push(readNode(w, t, model.nodes.length));
    },
    2: (w, t) => {
      model.graphName = w.text(t);
    },
    5: (w, t) => {
      const { name, value } = readTensor(w, t);
      if (value) model.initializers.push({ name, value });
      else model.external.push(name);
    },
    10: skip,
    11: (w, t) => {
      model.inputs.push(readValue(w, t));
    },
    12: (w, t) => {
      model.outputs.push(readValue(w, t));
    },
    13: skip,
    14: skip,
    15: (w) => {
      throw damaged('sparse initializers are not supported', w.offset);
    },
    16: skip,
  });
}

function readNode(wire: Wire, type: WireType, index: number): OnnxNode {
  const node: OnnxNode = { name: '', op: '', domain: '', inputs: [], outputs: [], attributes: new Map() };
  wire.message(type, 'NodeProto', {
    1: (w, t) => {
      node.inputs.push(w.text(t));
    },
    2: (w, t) => {
      node.outputs.push(w.text(t));
    },
    3: (w, t) => {
      node.name = w.text(t);
    },
    4: (w, t) => {
      node.op = w.text(t);
    },
    5: (w, t) => {
      const at = w.offset;
      const { name, value } = readAttribute(w, t);
      if (node.attributes.has(name)) throw damaged(`attribute ${name} is there twice`, at);
      node.attributes.set(name, value);
    },
    6: skip,
    7: (w, t) => {
      node.domain = w.text(t);
    },
    8: skip,
    9: skip,
    10: skip,
  });
  node.name ||= `${node.op}_${index}`;
  if (node.domain === 'ai.onnx') node.domain = '';
  return node;
}

function readAttribute(wire: Wire, type: WireType): { name: string; value: AttributeValue } {
  const at = wire.offset;
  let name = '';
  let kind = 0;
  let float: number | undefined;
  let int: number | undefined;
  let string: string | undefined;
  let tensor: Const | undefined;
  const floats: number[] = [];
  const ints: number[] = [];
  /** onnx.proto AttributeProto.AttributeType of the fields that are there. */
  const present = new Set<number>();
  wire.message(type, 'AttributeProto', {
    1: (w, t) => {
      name = w.text(t);
    },
    2: (w, t) => {
      float = w.float(t);
      present.add(1);
    },
    3: (w, t) => {
      int = w.int(t);
      present.add(2);
    },
    4: (w, t) => {
      string = new TextDecoder().decode(w.blob(t));
      present.add(3);
    },
    5: (w, t) => {
      tensor = readTensor(w, t).value;
      if (!tensor) throw damaged('an attribute whose data lie in another file', w.offset);
      present.add(4);
    },
    6: (w, t) => {
      w.skip(t);
      present.add(5);
    },
    7: (w, t) => {
      w.floats(t, floats);
      present.add(6);
    },
    8: (w, t) => {
      w.ints(t, ints);
      present.add(7);
    },
    9: skip,
    10: skip,
    11: skip,
    13: skip,
    14: skip,
    15: skip,
    20: (w, t) => {
      kind = w.int(t);
    },
    21: skip,
    22: skip,
    23: skip,
  });
  if (kind === 0) kind = [...present][0] ?? 0;
  if ([...present].some((p) => p !== kind)) throw damaged(`attribute ${name} holds another type than it says`, at);
  const missing = () => damaged(`attribute ${name} has no value`, at);
  switch (kind) {
    case 1:
      if (float === undefined) throw missing();
      return { name, value: { kind: 'float', value: float } };
    case 2:
      if (int === undefined) throw missing();
      return { name, value: { kind: 'int', value: int } };
    case 3:
      if (string === undefined) throw missing();
      return { name, value: { kind: 'string', value: string } };
    case 4:
      if (!tensor) throw missing();
      return { name, value: { kind: 'tensor', value: tensor } };
    case 6:
      return { name, value: { kind: 'floats', value: floats } };
    case 7:
      return { name, value: { kind: 'ints', value: ints } };
    default:
      return { name, value: { kind: 'other' } };
  }
}

function readValue(wire: Wire, type: WireType): OnnxValue {
  const value: OnnxValue = { name: '', elementType: 0, dims: undefined };
  const dimension = (w: Wire, t: WireType): void => {
    let dim: number | string = '';
    w.message(t, 'TensorShapeProto.Dimension', {
      1: (v, u) => {
        dim = v.int(u);
      },
      2: (v, u) => {
        dim = v.text(u);
      },
      3: skip,
    });
    value.dims?.push(dim);
  };
  const tensorType = (w: Wire, t: WireType): void =>
    w.message(t, 'TypeProto.Tensor', {
      1: (v, u) => {
        value.elementType = v.int(u);
      },
      2: (v, u) => {
        value.dims = [];
        v.message(u, 'TensorShapeProto', { 1: dimension });
      },
    });
  wire.message(type, 'ValueInfoProto', {
    1: (w, t) => {
      value.name = w.text(t);
    },
    2: (w, t) => w.message(t, 'TypeProto', { 1: tensorType, 4: skip, 5: skip, 6: skip, 8: skip, 9: skip }),
    3: skip,
    4: skip,
  });
  return value;
}
