/**
 * writeModel: encodes the description of an ONNX graph as the bytes of a file.
 *
 * In: nodes, tensors, inputs and outputs, written as given. Nothing is checked, so that tests can write files
 * that the reader has to refuse.  Out: bytes.  Typed arrays go into raw_data, lists of numbers into the typed
 * fields. Source: onnx.proto field numbers.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire';

export type AttributeOf = number | string | number[] | { float: number } | { graph: GraphOf } | { strings: string[] };

/** A branch, or the body of a loop. */
export type GraphOf = Pick<ModelOf, 'nodes' | 'outputs' | 'tensors'> & { inputs?: ValueOf[] };

export interface NodeOf {
  op: string;
  inputs: string[];
  outputs: string[];
  name?: string;
  domain?: string;
  attributes?: Record<string, AttributeOf>;
}

export interface TensorOf {
  dims: number[];
  floats?: number[] | Float32Array;
  ints?: number[];
  int8?: number[] | Int8Array;
  uint8?: number[];
  int32?: number[] | Int32Array;
  /** The data is in another file: entries of external_data, or `true` for none. */
  external?: true | Record<string, string>;
}

export interface ValueOf {
  name: string;
  type: keyof typeof types;
  /** Dimensions; left out, the reader infers them. */
  dims?: (number | string)[];
}

export interface ModelOf {
  nodes: NodeOf[];
  /** Inputs, or only their dimensions by name if all are float32. */
  inputs: Record<string, (number | string)[]> | ValueOf[];
  /** Outputs, or only their names: the reader infers type and shape. */
  outputs: (string | ValueOf)[];
  tensors?: Record<string, TensorOf>;
  opset?: number;
  metadata?: Record<string, string>;
  name?: string;
  producer?: string;
}

/** TensorProto.DataType. */
const types = { float32: 1, uint8: 2, int8: 3, int16: 5, int32: 6, int64: 7, bool: 9 } as const;

const message = (w: BinaryWriter, field: number, body: (w: BinaryWriter) => void): void => {
  w.tag(field, 2).fork();
  body(w);
  w.join();
};
const text = (w: BinaryWriter, field: number, value: string): BinaryWriter => w.tag(field, 2).string(value);

/**
 * Returns the file's bytes. With `graph`, they extend the graph of the file that they are appended to, since
 * protobuf merges messages.
 */
export function writeModel(model: ModelOf, part: 'model' | 'graph' = 'model'): Uint8Array {
  const w = new BinaryWriter();
  if (part === 'model') {
    w.tag(1, 0).int64(8);
    if (model.producer) text(w, 2, model.producer);
    message(w, 8, (o) => o.tag(2, 0).int64(model.opset ?? 17));
    for (const [key, value] of Object.entries(model.metadata ?? {})) message(w, 14, (m) => text(text(m, 1, key), 2, value));
  }
  const inputs = Array.isArray(model.inputs)
    ? model.inputs
    : Object.entries(model.inputs).map(([name, dims]): ValueOf => ({ name, type: 'float32', dims }));
  message(w, 7, (g) => writeGraph(g, model, inputs, part === 'model' ? (model.name ?? 'test') : undefined));
  return w.finish();
}

function writeGraph(
  w: BinaryWriter,
  { nodes, outputs, tensors = {} }: Omit<GraphOf, 'inputs'>,
  inputs: ValueOf[],
  name?: string,
): void {
  for (const node of nodes) message(w, 1, (n) => writeNode(n, node));
  if (name !== undefined) text(w, 2, name);
  for (const [key, tensor] of Object.entries(tensors)) message(w, 5, (t) => writeTensor(t, key, tensor));
  for (const value of inputs) message(w, 11, (v) => writeValue(v, value));
  for (const value of outputs) message(w, 12, (v) => (typeof value === 'string' ? text(v, 1, value) : writeValue(v, value)));
}

function writeNode(w: BinaryWriter, node: NodeOf): void {
  for (const name of node.inputs) text(w, 1, name);
  for (const name of node.outputs) text(w, 2, name);
  if (node.name) text(w, 3, node.name);
  text(w, 4, node.op);
  for (const [name, value] of Object.entries(node.attributes ?? {})) message(w, 5, (a) => writeAttribute(a, name, value));
  if (node.domain) text(w, 7, node.domain);
}

function writeAttribute(w: BinaryWriter, name: string, value: AttributeOf): void {
  text(w, 1, name);
  if (typeof value === 'number') w.tag(3, 0).int64(value).tag(20, 0).int32(2);
  else if (typeof value === 'string') text(w, 4, value).tag(20, 0).int32(3);
  else if (Array.isArray(value)) {
    for (const v of value) w.tag(8, 0).int64(v);
    w.tag(20, 0).int32(7);
  } else if ('graph' in value) {
    message(w, 6, (g) => writeGraph(g, value.graph, value.graph.inputs ?? [], name));
    w.tag(20, 0).int32(5);
  } else if ('strings' in value) {
    for (const v of value.strings) text(w, 9, v);
    w.tag(20, 0).int32(8);
  } else w.tag(2, 5).float(value.float).tag(20, 0).int32(1);
}

/** Encodes little endian, as in raw_data. */
const littleEndian = (data: Float32Array | Int32Array): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4 * data.length));
  for (const [i, v] of data.entries())
    data instanceof Int32Array ? view.setInt32(4 * i, v, true) : view.setFloat32(4 * i, v, true);
  return new Uint8Array(view.buffer);
};

function writeTensor(w: BinaryWriter, name: string, tensor: TensorOf): void {
  for (const d of tensor.dims) w.tag(1, 0).int64(d);
  const { floats, ints, int8, int32 } = tensor;
  const raw = (type: number, bytes: Uint8Array): BinaryWriter => w.tag(2, 0).int32(type).tag(9, 2).bytes(bytes);
  if (floats) raw(types.float32, littleEndian(Float32Array.from(floats)));
  else if (ints) {
    w.tag(2, 0).int32(types.int64);
    for (const v of ints) w.tag(7, 0).int64(v);
  } else if (int8 instanceof Int8Array) raw(types.int8, new Uint8Array(int8.buffer, int8.byteOffset, int8.length));
  else if (int32 instanceof Int32Array) raw(types.int32, littleEndian(int32));
  else {
    for (const [type, values] of [
      [types.int8, int8] as const,
      [types.uint8, tensor.uint8] as const,
      [types.int32, int32] as const,
    ]) {
      if (!values) continue;
      w.tag(2, 0).int32(type);
      for (const v of values) w.tag(5, 0).int32(v);
    }
  }
  text(w, 8, name);
  if (!tensor.external) return;
  for (const [key, value] of Object.entries(tensor.external)) message(w, 13, (e) => text(text(e, 1, key), 2, value));
  w.tag(14, 0).int32(1);
}

function writeValue(w: BinaryWriter, { name, type: elementType, dims }: ValueOf): void {
  text(w, 1, name);
  message(w, 2, (type) =>
    message(type, 1, (tensor) => {
      tensor.tag(1, 0).int32(types[elementType]);
      if (dims)
        message(tensor, 2, (shape) => {
          for (const d of dims) {
            message(shape, 1, (dim) => {
              if (typeof d === 'number') dim.tag(1, 0).int64(d);
              else text(dim, 2, d);
            });
          }
        });
    }),
  );
}
