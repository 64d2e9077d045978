/**
 * Writes small ONNX files for tests: what no exporter at hand writes, and what the reader has to refuse.
 *
 * In: a description of a graph.  Out: the bytes of a ModelProto. Source: onnx.proto field numbers.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire';

export type AttributeOf = number | string | number[] | { float: number };

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
  floats?: number[];
  ints?: number[];
  int8?: number[];
  uint8?: number[];
  int32?: number[];
  external?: boolean;
}

export interface ModelOf {
  nodes: NodeOf[];
  inputs: Record<string, (number | string)[]>;
  outputs: string[];
  tensors?: Record<string, TensorOf>;
  opset?: number;
  metadata?: Record<string, string>;
}

const message = (w: BinaryWriter, field: number, body: (w: BinaryWriter) => void): void => {
  w.tag(field, 2).fork();
  body(w);
  w.join();
};
const text = (w: BinaryWriter, field: number, value: string): BinaryWriter => w.tag(field, 2).string(value);

/** The file's bytes. */
export function writeModel(model: ModelOf): Uint8Array {
  const w = new BinaryWriter();
  w.tag(1, 0).int64(8);
  message(w, 8, (o) => o.tag(2, 0).int64(model.opset ?? 17));
  for (const [key, value] of Object.entries(model.metadata ?? {})) message(w, 14, (m) => text(text(m, 1, key), 2, value));
  message(w, 7, (g) => {
    for (const node of model.nodes) message(g, 1, (n) => writeNode(n, node));
    text(g, 2, 'test');
    for (const [name, tensor] of Object.entries(model.tensors ?? {})) message(g, 5, (t) => writeTensor(t, name, tensor));
    for (const [name, dims] of Object.entries(model.inputs)) message(g, 11, (v) => writeValue(v, name, dims));
    for (const name of model.outputs) message(g, 12, (v) => text(v, 1, name));
  });
  return w.finish();
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
  } else w.tag(2, 5).float(value.float).tag(20, 0).int32(1);
}

function writeTensor(w: BinaryWriter, name: string, tensor: TensorOf): void {
  for (const d of tensor.dims) w.tag(1, 0).int64(d);
  const narrow: [number, number[] | undefined][] = [
    [3, tensor.int8],
    [2, tensor.uint8],
    [6, tensor.int32],
  ];
  if (tensor.floats) {
    w.tag(2, 0)
      .int32(1)
      .tag(9, 2)
      .bytes(new Uint8Array(new Float32Array(tensor.floats).buffer));
  } else if (tensor.ints) {
    w.tag(2, 0).int32(7);
    for (const v of tensor.ints) w.tag(7, 0).int64(v);
  } else {
    for (const [type, values] of narrow) {
      if (!values) continue;
      w.tag(2, 0).int32(type);
      for (const v of values) w.tag(5, 0).int32(v);
    }
  }
  text(w, 8, name);
  if (tensor.external) w.tag(14, 0).int32(1);
}

function writeValue(w: BinaryWriter, name: string, dims: (number | string)[]): void {
  text(w, 1, name);
  message(w, 2, (type) =>
    message(type, 1, (tensor) => {
      tensor.tag(1, 0).int32(1);
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
