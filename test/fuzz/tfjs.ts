/**
 * Damages TensorFlow.js models: changes model.json as text and as a tree; truncates, removes or changes
 * weights.
 *
 * In: the files of valid models and a generator.  Out: files. It checks nothing: that is the reader's task.
 */
import { type GraphModel, graphFiles } from '../read/tfjs-graphs.ts';
import { type Files, filesOf, randomModel } from '../read/tfjs-models.ts';

type Below = (n: number) => number;

/** Returns the files of `count` random models. */
export async function tfjsFiles(count: number): Promise<Files[]> {
  const made: Files[] = [];
  for (let seed = 1; made.length < count; seed++) {
    const model = randomModel(seed);
    made.push(await filesOf(model, 1 + (seed % 3)));
    model.dispose();
  }
  return made;
}

const window = { strides: { ints: [1, 1, 1, 1] }, dilations: { ints: [1, 1, 1, 1] }, padding: 'VALID', data_format: 'NHWC' };
const fused = { fused_ops: { texts: ['BiasAdd', 'Relu6'] }, num_args: 1 };
const whole = (values: number[], dims = [values.length]) => ({ dims, values, whole: true });

/** Graph models: a convolution with dilations, a pooling, computed shapes, and a fused dense layer. */
const graphs: readonly GraphModel[] = [
  {
    input: [null, null, 3],
    nodes: [
      { name: 'split', op: 'SpaceToBatchND', inputs: ['x', 'block', 'pads'] },
      { name: 'wide', op: 'ExpandDims', inputs: ['split', 'axis'] },
      { name: 'conv', op: '_FusedConv2D', inputs: ['wide', 'kernel', 'bias'], attributes: { ...window, ...fused } },
      { name: 'narrow', op: 'Squeeze', inputs: ['conv'], attributes: { squeeze_dims: { ints: [-3] } } },
      { name: 'woven', op: 'BatchToSpaceND', inputs: ['narrow', 'block', 'crops'] },
      { name: 'y', op: 'Mean', inputs: ['woven', 'time'], attributes: { keep_dims: false } },
    ],
    constants: {
      block: whole([2]),
      pads: whole([4, 0], [1, 2]),
      crops: whole([0, 0], [1, 2]),
      axis: whole([-3], []),
      kernel: { dims: [1, 3, 3, 4] },
      bias: { dims: [4] },
      time: whole([1]),
    },
    outputs: ['y'],
  },
  {
    input: [null, 12, 5, 1],
    nodes: [
      { name: 'pad', op: 'Pad', inputs: ['x', 'pads'] },
      { name: 'each', op: 'DepthwiseConv2dNative', inputs: ['pad', 'kernel'], attributes: window },
      { name: 'pool', op: 'MaxPool', inputs: ['each'], attributes: { ...window, ksize: { ints: [1, 2, 2, 1] } } },
      { name: 'shape', op: 'Shape', inputs: ['pool'] },
      { name: 'batch', op: 'StridedSlice', inputs: ['shape', 'from', 'to', 'to'], attributes: { shrink_axis_mask: 1 } },
      { name: 'flat', op: 'Pack', inputs: ['batch', 'rest'], attributes: { axis: 0 } },
      { name: 'row', op: 'Reshape', inputs: ['pool', 'flat'] },
      { name: 'dense', op: '_FusedMatMul', inputs: ['row', 'weights', 'bias'], attributes: fused },
      { name: 'y', op: 'Softmax', inputs: ['dense'] },
    ],
    constants: {
      pads: whole([0, 0, 1, 0, 1, 1, 0, 0], [4, 2]),
      kernel: { dims: [2, 2, 1, 2] },
      from: whole([0]),
      to: whole([1]),
      rest: whole([-1], []),
      weights: { dims: [110, 3] },
      bias: { dims: [3] },
    },
    outputs: ['y'],
  },
];

/** Returns the files of the graph models. */
export const graphModels = (): Files[] => graphs.map((model, i) => graphFiles(model, i + 1));

const values: readonly unknown[] = [
  null,
  0,
  1,
  2,
  3,
  -1,
  0.5,
  1e9,
  2 ** 31,
  true,
  false,
  '',
  '..',
  'same',
  'valid',
  [],
  {},
  [1],
  [3, 3],
  [null, 8, 2],
];

/** Returns every position in a tree: the object or list that holds a value, and its key. */
function placesIn(tree: unknown): [holder: Record<string, unknown>, key: string][] {
  const found: [Record<string, unknown>, string][] = [];
  const walk = (x: unknown): void => {
    if (typeof x !== 'object' || x === null) return;
    for (const key of Object.keys(x)) {
      found.push([x as Record<string, unknown>, key]);
      walk((x as Record<string, unknown>)[key]);
    }
  };
  walk(tree);
  return found;
}

export function changeTree(json: Uint8Array, below: Below): Uint8Array {
  const tree = JSON.parse(new TextDecoder().decode(json));
  for (let n = 1 + below(2); n > 0; n--) {
    const places = placesIn(tree);
    const [holder, key] = places[below(places.length)] as (typeof places)[number];
    const [other, from] = places[below(places.length)] as (typeof places)[number];
    const kind = below(6);
    const own = holder[key];
    if (kind === 0) delete holder[key];
    else if (kind === 1) holder[key] = structuredClone(other[from]);
    else if (kind === 2 && typeof own === 'number') holder[key] = own + below(5) - 2;
    else if (kind === 3 && Array.isArray(own)) below(2) ? own.push(structuredClone(own[0])) : own.pop();
    else holder[key] = structuredClone(values[below(values.length)]);
  }
  return new TextEncoder().encode(JSON.stringify(tree));
}

function changeText(json: Uint8Array, below: Below): Uint8Array {
  const at = below(json.length);
  if (below(3) === 0) return json.slice(0, at);
  const bytes = json.slice();
  bytes[at] = (bytes[at] as number) ^ (1 << below(8));
  return bytes;
}

function changeFiles(given: Files['files'], below: Below): Files['files'] {
  const files = { ...given };
  const names = Object.keys(files);
  const name = names[below(names.length)] as string;
  const own = files[name] as Uint8Array;
  if (below(4) === 0) delete files[name];
  else if (below(3) === 0) files[name] = own.slice(0, below(own.length));
  else {
    const bytes = own.slice();
    for (let n = 0; n < 4; n++) bytes[below(bytes.length)] = below(256);
    files[name] = bytes;
  }
  return files;
}

export function mutateTfjs({ json, files }: Files, below: Below): Files {
  const kind = below(8);
  if (kind === 0) return { json: changeText(json, below), files };
  if (kind === 1) return { json, files: changeFiles(files, below) };
  return { json: changeTree(json, below), files };
}
