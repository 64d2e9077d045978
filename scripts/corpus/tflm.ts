/**
 * Runs windows in TensorFlow Lite Micro, the reference of int8 TensorFlow Lite files (docs/adr/0023, 0030).
 *
 * In: a model file, its graph, rows of windows.  Out: rows of each output, or the reason why there are none.
 * For a model with its own state the windows are steps of one stream; other models restart at each window.
 * RUNLET_PYTHON (default python3) needs the package tflite_micro.
 */
import { readFileSync } from 'node:fs';
import { elementsOf, type Graph, type Port } from '../../models/graph/types.ts';
import { runInterpreter } from '../../test/references/interpreters.ts';
import { type Rows, shapeAt, toFile, toGraph, toInts } from './rows.ts';

const types = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, float32: Float32Array };

/**
 * Returns the bytes of all inputs at row `r`. Float values are quantised if the file's input is not float.
 */
function inputBytes(graph: Graph, rows: readonly Rows[], r: number): Buffer {
  const given = rows.map(({ row }) => row(r));
  const windows = graph.inputs.map((port, i) => toGraph(graph, port, given[i] as ArrayLike<number>));
  const ints = toInts(graph, windows, new Array(rows.length).fill('f4'));
  return Buffer.concat(
    graph.inputs.map((port, i) => {
      const stored = port.hostType === 'float32' || !rows[i]?.type.includes('f');
      const values = stored ? (given[i] as ArrayLike<number>) : toFile(graph, port, ints[i] as ArrayLike<number>);
      return Buffer.from(new types[port.hostType](Array.from(values)).buffer);
    }),
  );
}

/** @param count number of rows to run */
export function tflmAnswers(file: string, graph: Graph, rows: readonly Rows[], count: number): Rows[] | string {
  const model = readFileSync(file);
  const inputs = Array.from({ length: count }, (_, r) => inputBytes(graph, rows, r));
  const ports: [number, number] = [graph.inputs.length, graph.outputs.length];
  const jobs = (graph.stateful ? [Buffer.concat(inputs)] : inputs).map((input) => ({ model, input, ports }));
  let answers: (Uint8Array | string)[];
  try {
    answers = runInterpreter('tflm', jobs);
  } catch {
    return 'RUNLET_PYTHON has no package tflite_micro';
  }
  const refused = answers.find((answer) => typeof answer === 'string');
  if (refused !== undefined) return `TensorFlow Lite Micro does not run it (${refused})`;
  const bytes = Buffer.concat(answers as Uint8Array[]);
  const width = (port: Port): number => elementsOf(shapeAt(graph, port.tensor)) * types[port.hostType].BYTES_PER_ELEMENT;
  const step = graph.outputs.reduce((sum, port) => sum + width(port), 0);
  if (bytes.length !== step * count) return 'TensorFlow Lite Micro sees other inputs or outputs in it';
  return graph.outputs.map((port, o) => {
    const before = graph.outputs.slice(0, o).reduce((sum, one) => sum + width(one), 0);
    const row = (r: number) => {
      const from = r * step + before;
      return new types[port.hostType](bytes.buffer.slice(bytes.byteOffset + from, bytes.byteOffset + from + width(port)));
    };
    return { count, row, type: port.hostType };
  });
}
