/**
 * Adaptive average pooling as PyTorch's exporter writes it: a gather of all places of all bins, then a mean,
 * or zeros, sums and a division. The graph computes the mean of each bin. A file that only looks like it is
 * refused. test/property/pooling.test.ts compares files of the exporter with onnxruntime.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Port } from '../../models/graph/types.ts';
import { maxOf } from '../../models/lists.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type ModelOf, type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { uniform } from '../../models/xorshift.ts';
import { normalForm, ownOutputs } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';
import { ints, node } from './step-models.ts';

const channels = 2;

interface Bins {
  from: number[];
  length: number[];
  /** Gathered places of a bin. Those after its end repeat the last element. */
  places: number;
}

/** Bins [floor(i n / b), ceil((i + 1) n / b)) of n elements. */
function binsOf(n: number, bins: number): Bins {
  const from = Array.from({ length: bins }, (_, i) => Math.floor((i * n) / bins));
  const length = from.map((start, i) => Math.ceil(((i + 1) * n) / bins) - start);
  return { from, length, places: maxOf(length) };
}

interface Spec {
  rows: [elements: number, bins: number];
  columns: [elements: number, bins: number];
}

/** Returns the exporter's nodes for a value `a` [1, channels, rows, columns]. */
function adaptive({ rows: [h, hBins], columns: [w, wBins] }: Spec): ModelOf {
  const [rows, columns] = [binsOf(h, hBins), binsOf(w, wBins)];
  const index: number[] = [];
  for (const r of rows.from)
    for (let i = 0; i < rows.places; i++)
      for (const c of columns.from)
        for (let j = 0; j < columns.places; j++) index.push(Math.min(r + i, h - 1), Math.min(c + j, w - 1));
  const tensors: Record<string, TensorOf> = {
    identity: { dims: [channels, channels, 1, 1], floats: [1, 0, 0, 1] },
    index: { dims: [hBins, rows.places, wBins, columns.places, 2], ints: index },
    axes: ints(-3, -1),
    zero: { dims: [], floats: [0] },
    flat: ints(1, -1),
  };
  const nodes: NodeOf[] = [
    node('Conv', 'x identity', 'a'),
    node('Transpose', 'a', 'b', { perm: [2, 3, 0, 1] }),
    node('GatherND', 'b index', 'c'),
    node('Transpose', 'c', 'd', { perm: [4, 5, 0, 1, 2, 3] }),
  ];
  let gathered = 'd';
  for (const [name, bins, ones] of [
    ['rowMask', rows, [1, 1]],
    ['columnMask', columns, []],
  ] as [string, Bins, number[]][]) {
    if (bins.length.every((n) => n === bins.places)) continue;
    const uint8 = bins.length.flatMap((n) => Array.from({ length: bins.places }, (_, i) => (i >= n ? 1 : 0)));
    tensors[name] = { dims: [bins.length.length, bins.places, ...ones], uint8 };
    nodes.push(node('Cast', name, `${name}Bool`, { to: 9 }), node('Where', `${name}Bool zero ${gathered}`, `${name}d`));
    gathered = `${name}d`;
  }
  if (gathered === 'd') nodes.push(node('ReduceMean', 'd axes', 'mean', { keepdims: 0 }));
  else nodes.push(...sums(gathered, rows, columns, tensors));
  nodes.push(node('Reshape', 'mean flat', 'y'));
  return { nodes, tensors, inputs: { x: [1, channels, h, w] }, outputs: ['y'], opset: 18 };
}

function sums(gathered: string, rows: Bins, columns: Bins, tensors: Record<string, TensorOf>): NodeOf[] {
  const nodes: NodeOf[] = [];
  const pick = (i: number) => {
    tensors[`at${i}`] = { dims: [], ints: [i] };
    return `at${i}`;
  };
  let sum = '';
  for (let i = 0; i < rows.places; i++)
    for (let j = 0; j < columns.places; j++) {
      const own = `${i}_${j}`;
      nodes.push(node('Gather', `${gathered} ${pick(i)}`, `r${own}`, { axis: 3 }));
      nodes.push(node('Gather', `r${own} ${pick(j)}`, `p${own}`, { axis: 4 }));
      if (sum !== '') nodes.push(node('Add', `${sum} p${own}`, `s${own}`));
      sum = sum === '' ? `p${own}` : `s${own}`;
    }
  const floats = rows.length.flatMap((a) => columns.length.map((b) => a * b));
  tensors.lengths = { dims: [rows.length.length, columns.length.length], floats };
  return [...nodes, node('Div', `${sum} lengths`, 'mean')];
}

const evenRows: Spec = { rows: [12, 3], columns: [1, 1] };
const overlapping: Spec = { rows: [10, 3], columns: [1, 1] };
const uneven: Spec = { rows: [11, 4], columns: [1, 1] };
const lyingUneven: Spec = { rows: [1, 1], columns: [11, 4] };
const image: Spec = { rows: [11, 4], columns: [7, 3] };
const unevenColumns: Spec = { rows: [8, 2], columns: [7, 5] };

for (const [name, spec] of Object.entries({ evenRows, overlapping, uneven, lyingUneven, image, unevenColumns }))
  test(`${name}: each bin's mean`, () => {
    const { rows, columns } = spec;
    const graph = readOnnx(writeModel(adaptive(spec)), { timeAxis: rows[0] > 1 ? 2 : 3 });
    const [h, w] = [rows[0], columns[0]];
    const draw = uniform(7);
    const x = Float32Array.from({ length: channels * h * w }, () => 2 * draw() - 1); // [channels][h][w]
    const [found = new Float32Array()] = ownOutputs(graph, [x]);
    const [port] = graph.outputs;
    const [r, c] = [binsOf(...rows), binsOf(...columns)];
    const expected = Array.from({ length: channels }, (_, channel) =>
      r.from.flatMap((top, i) =>
        c.from.map((left, j) => {
          let sum = 0;
          for (let row = top; row < top + (r.length[i] as number); row++)
            for (let at = left; at < left + (c.length[j] as number); at++) sum += x[(channel * h + row) * w + at] as number;
          return sum / ((r.length[i] as number) * (c.length[j] as number));
        }),
      ),
    ).flat();
    const inOrder = normalForm(graph, port as Port, Float32Array.from(expected));
    assert.is(found.length, expected.length);
    for (const [i, value] of inOrder.entries()) assert.ok(Math.abs((found[i] as number) - value) < 1e-6, `${name} ${i}`);
    assert.not.ok(graph.nodes.some(({ op }) => op === 'add'));
  });

/** Returns the model after a change of one tensor. */
function changed(spec: Spec, name: string, change: (values: number[]) => void): ModelOf {
  const model = adaptive(spec);
  const tensor = model.tensors?.[name] as TensorOf;
  change((tensor.floats ?? tensor.ints ?? tensor.uint8) as number[]);
  return model;
}

const withTensor = (model: ModelOf, name: string, tensor: TensorOf): ModelOf => ({
  ...model,
  tensors: { ...model.tensors, [name]: tensor },
});

const without = (model: ModelOf, output: string): ModelOf => ({
  ...model,
  nodes: model.nodes
    .filter((one) => one.outputs[0] !== output)
    .map((one) => ({ ...one, inputs: one.inputs.map((name) => (name === output ? 's1_0' : name)) })),
});

for (const [name, model] of [
  ['a sum that is divided by another number', changed(uneven, 'lengths', (v) => v.splice(1, 1, 5))],
  ['a mask over the middle of a bin', changed(uneven, 'rowMask', (v) => v.splice(1, 1, 1))],
  ['a mask that leaves a place after the end', changed(uneven, 'rowMask', (v) => v.fill(0))],
  ['values other than 0 outside the bins', changed(uneven, 'zero', (v) => v.fill(1))],
  ['rows that do not follow one another', changed(overlapping, 'index', (v) => v.splice(2, 1, 7))],
  ['places that are no grid', changed(image, 'index', (v) => v.splice(2, 1, 3))],
  ['a place that is left out', without(adaptive(uneven), 's2_0')],
  ['a place that is no whole number', withTensor(adaptive(uneven), 'at2', { dims: [], floats: [1.5] })],
  ['a place that is taken twice', changed(uneven, 'at2', (v) => v.fill(1))],
] as [string, ModelOf][])
  test(`refused: ${name}`, async () => {
    const error = await refusalOf(() => readOnnx(writeModel(model), { timeAxis: 2 }));
    assert.is(error.code, 'RN150');
    assert.match(error.message, /GatherND/);
  });

test.run();
