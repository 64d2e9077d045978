/**
 * .rnq files: a Graph as a file, written by `runlet quantize`.
 *
 * In: a Graph.  Out: bytes, and back.  Layout: `RNQ1`, then UTF-8 JSON. Typed arrays are `{ "$": "i8" | "i16"
 * | "i32" | "f32" | "f64", "base64": ... }`, an infinite clamp is the string "Infinity" or "-Infinity". The
 * reader checks types and ranges field by field, and builds the graph again, so that every shape follows from
 * its operator's rule.
 */

import * as v from 'valibot';
import { RunletError } from '../error.ts';
import { boundedJson } from '../json.ts';
import { append } from '../lists.ts';
import { toBase64 } from './base64.ts';
import { GraphBuilder } from './builder.ts';
import { array, graphSchema } from './file-schema.ts';
import { elementsOf, type Graph } from './types.ts';

const magic = 'RNQ1';

/** Largest file that is read: 256 MiB, the largest length of one array (file-schema.ts). */
const fileLimitBytes = 2 ** 28;

/** Largest number of elements of a tensor, as in the readers of other formats. */
const elementLimit = 2 ** 24;

export function writeGraph(graph: Graph): Uint8Array {
  const replace = (_key: string, value: unknown): unknown => {
    if (value === Number.POSITIVE_INFINITY) return 'Infinity';
    if (value === Number.NEGATIVE_INFINITY) return '-Infinity';
    for (const [name, type] of Object.entries(array)) {
      if (value instanceof type) return { $: name, base64: toBase64(value) };
    }
    return value;
  };
  return new TextEncoder().encode(magic + JSON.stringify(graph, replace));
}

const broken = (where: string, why: string) =>
  new RunletError('RN130', {
    what: 'this quantised model file is damaged',
    where,
    why,
    tryThis: 'write it again with runlet quantize',
  });

/** @throws RunletError RN130 (damaged), RN301 (shapes do not fit) */
export function readGraph(bytes: Uint8Array): Graph {
  let parsed: unknown;
  try {
    parsed = boundedJson(bytes.subarray(magic.length), fileLimitBytes);
  } catch (error) {
    throw broken('JSON', (error as Error).message);
  }
  const checked = v.safeParse(graphSchema, parsed);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw broken(v.getDotPath(issue) ?? 'the graph', issue.message);
  }
  const file = checked.output;
  const builder = new GraphBuilder(file.name, file.format, file.sourceDigest);
  /** Tensor ids in the file to ids in the new graph: inputs first, then node outputs in order. */
  const ids = new Map<number, number>();
  const tensorAt = (id: number) => {
    const t = file.tensors[id];
    if (!t || t.id !== id) throw broken(`tensor ${id}`, 'it does not exist');
    if (elementsOf(t.shape) > elementLimit)
      throw broken(`tensor ${id}`, `it has ${elementsOf(t.shape)} elements, at most ${elementLimit} are read`);
    return t;
  };
  const known = (id: number) => {
    const at = ids.get(id);
    if (at === undefined) throw broken(`tensor ${id}`, 'it is read before it is written');
    return at;
  };
  const define = (id: number, at: number) => {
    if (ids.has(id)) throw broken(`tensor ${id}`, 'it is written twice');
    ids.set(id, at);
  };
  for (const { tensor, ...port } of file.inputs) {
    const t = tensorAt(tensor);
    define(tensor, builder.input(t.name, t.shape, { ...port, ...(t.quant && { quant: t.quant }) }));
  }
  for (const node of file.nodes) {
    const t = tensorAt(node.output);
    const output = builder.node(node.op, node.inputs.map(known), node.attrs as never, node.name, t.quant);
    const made = builder.shape(output);
    if (made.t !== t.shape.t || made.f !== t.shape.f || made.c !== t.shape.c)
      throw broken(node.name, 'its output shape does not follow from its operator');
    (builder.tensors[output] as { name: string }).name = t.name;
    define(node.output, output);
  }
  for (const { tensor, ...port } of file.outputs) builder.output(known(tensor), port.name, port);
  builder.stateful = file.stateful ?? false;
  Object.assign(builder.metadata, file.metadata);
  append(builder.notes, file.notes);
  return builder.build();
}
