/** Inconsistent .rnq files are refused with RN130, and a written file is read back unchanged. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { readGraph, writeGraph } from '../../models/graph/file.ts';
import { tinyStream } from '../stages/tiny-networks.ts';

type Fields = {
  tensors: { id: number; shape: { t: number; f: number; c: number } }[];
  nodes: { inputs: number[]; output: number }[];
};
const text = new TextDecoder().decode(writeGraph(tinyStream()));
const edited = (edit: (file: Fields) => void): Uint8Array => {
  const file = JSON.parse(text.slice(4)) as Fields;
  edit(file);
  return new TextEncoder().encode(`RNQ1${JSON.stringify(file)}`);
};
const codeOf = (bytes: Uint8Array): string => {
  try {
    readGraph(bytes);
  } catch (error) {
    if (isRunletError(error)) return error.code;
    throw error;
  }
  return 'none';
};

test('reading and writing a file again gives the same bytes', () => {
  const once = writeGraph(readGraph(edited(() => {})));
  assert.equal(writeGraph(readGraph(once)), once);
});

test('a tensor that is written twice, read before it is written, undefined or of another shape is refused', () => {
  const last = (file: Fields) => file.nodes.at(-1) as Fields['nodes'][number];
  assert.is(
    codeOf(edited((file) => file.nodes.splice(1, 0, structuredClone(file.nodes[0] as Fields['nodes'][number])))),
    'RN130',
  );
  assert.is(codeOf(edited((file) => { last(file).inputs = [last(file).output]; })), 'RN130'); // biome-ignore format: one line
  assert.is(codeOf(edited((file) => { last(file).output = file.tensors.length; })), 'RN130'); // biome-ignore format: one line
  for (const axis of ['t', 'f', 'c'] as const)
    assert.is(codeOf(edited((file) => { (file.tensors[1] as Fields['tensors'][number]).shape[axis]++; })), 'RN130', axis); // biome-ignore format: one line
});

test.run();
