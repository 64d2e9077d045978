/**
 * Models inside TensorFlow.js models, against TensorFlow.js: heads on bases, models that are called twice,
 * two levels of nesting, and the indices of calls.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { readModel } from '../../models/read/index.ts';
import { readTfjs } from '../../models/read/tfjs/index.ts';
import { normalForm, ownOutputs, randomInputs, relativeError } from './onnx-oracle.ts';
import { answer, type Files, filesOf, layers } from './tfjs-models.ts';

const L = layers.layers;
type Value = layers.SymbolicTensor;
// biome-ignore lint/suspicious/noExplicitAny: the package's factories, and a tree that is changed at will
type Any = any;

const treeOf = ({ json }: Files): Any => JSON.parse(new TextDecoder().decode(json));
const withTree = (files: Files, tree: Any): Files => ({ ...files, json: new TextEncoder().encode(JSON.stringify(tree)) });

async function agree(model: layers.LayersModel, { json, files }: Files, what: string): Promise<void> {
  const graph = await readTfjs(json, { files });
  const [x] = randomInputs(graph, 7) as [Float32Array];
  const theirs = answer(model, x);
  for (const [i, port] of graph.outputs.entries()) {
    const wanted = normalForm(graph, port, Array.isArray(theirs) ? theirs[i] : theirs);
    assert.ok(new Set(wanted).size > 1, what);
    const error = relativeError(ownOutputs(graph, [x])[i] as Float32Array, wanted);
    assert.ok(error <= 1e-5, `${what}: output ${i} is off by ${error}`);
  }
}

async function refusal({ json, files }: Files): Promise<string> {
  try {
    await readTfjs(json, { files });
  } catch (error) {
    if (isRunletError(error)) return error.message;
    throw error;
  }
  return 'read';
}

let count = 0;
const conv = (filters: number, more = {}): Any =>
  L.conv1d({ filters, kernelSize: 3, padding: 'same', activation: 'tanh', name: `conv_${count++}`, ...more });
const dense = (units: number, more = {}): Any => L.dense({ units, activation: 'tanh', name: `dense_${count++}`, ...more });

/** A model from [16, 2] to 6 values. */
function base(name: string): layers.LayersModel {
  const input = layers.input({ shape: [16, 2], name: `${name}_in` });
  const pooled = L.globalAveragePooling1d({ name: `${name}_mean` }).apply(conv(6).apply(input)) as Value;
  return layers.model({ inputs: input, outputs: pooled, name });
}
function head(name: string, units = 3): layers.Sequential {
  const model = layers.sequential({ name });
  model.add(dense(5, { inputShape: [6] }));
  model.add(dense(units));
  return model;
}
const apply = (layer: Any, x: Any): Value => layer.apply(x) as Value;

test('a head on a base agrees with TensorFlow.js, in the form of Teachable Machine', async () => {
  const model = layers.sequential({ name: 'whole' });
  model.add(base('base_a'));
  model.add(head('head_a'));
  await agree(model, await filesOf(model), 'sequential of both');
  const own = base('base_b');
  const functional = layers.model({ inputs: own.inputs, outputs: apply(head('head_b'), own.outputs[0]), name: 'functional' });
  const files = await filesOf(functional);
  assert.equal(treeOf(files).modelTopology.config.output_layers, [['head_b', 1, 0]]);
  await agree(functional, files, 'its output is call 1');
  const tree = treeOf(files);
  tree.modelTopology.config.output_layers = [['head_b', 0, 0]];
  await agree(functional, withTree(files, tree), 'its output is call 0');
});

test('an audio model of Teachable Machine has 43 frames of 232 values', async () => {
  const model = layers.sequential({ name: 'sound' });
  model.add(L.conv2d({ inputShape: [43, 232, 1], filters: 2, kernelSize: [2, 8], name: 'sound_conv' }));
  const { json, files } = await filesOf(model);
  const graph = await readModel(json, { files });
  assert.is(graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape.t, 43);
});

/** A model that is called twice, in sequence and in parallel, with the results added. */
function twice(): layers.LayersModel {
  const input = layers.input({ shape: [16, 6], name: 'in_c' });
  const block = layers.sequential({ name: 'block' });
  block.add(conv(6, { inputShape: [16, 6] }));
  block.add(conv(6, { dilationRate: 2 }));
  const outer = layers.input({ shape: [16, 6], name: 'in_d' });
  const deeper = layers.model({ inputs: outer, outputs: apply(block, apply(conv(6), apply(block, outer))), name: 'deeper' });
  const once = apply(deeper, input);
  const again = apply(deeper, apply(conv(6), once));
  const sum = apply(L.add({ name: `sum_${count++}` }), [once, again, input]);
  return layers.model({ inputs: input, outputs: sum, name: 'twice' });
}

test('a model that is called twice inside another agrees with TensorFlow.js', async () => {
  const model = twice();
  await agree(model, await filesOf(model), 'twice');
});

test('inner models with several inputs and outputs agree with TensorFlow.js', async () => {
  const [a, b] = ['in_e', 'in_f'].map((name) => layers.input({ shape: [16, 3], name })) as [Any, Any];
  const [left, right] = [apply(conv(4), a), apply(conv(4), b)];
  const pair = layers.model({
    inputs: [a, b],
    outputs: [right, apply(L.add({ name: 'sum_e' }), [left, right])] as Any,
    name: 'pair',
  });
  const input = layers.input({ shape: [16, 3], name: 'in_g' });
  const turned = apply(conv(3), input);
  const [first, second] = pair.apply([turned, input]) as [Value, Value];
  const model = layers.model({
    inputs: input,
    outputs: apply(L.concatenate({ name: 'both' }), [second, first]),
    name: 'uses_pair',
  });
  await agree(model, await filesOf(model), 'two inputs, two outputs');
});

test('layers with the same name in two models take only the weights of their own path', async () => {
  const model = layers.sequential({ name: 'paths' });
  model.add(head('one', 6));
  model.add(head('two', 6));
  const files = await filesOf(model);
  const tree = treeOf(files);
  const inner = tree.modelTopology.config.layers as Any[];
  const old = inner.map((layer) => layer.config.layers.map((l: Any) => l.config.name as string));
  const rename = (name: string): string => {
    const at = old.findIndex((names) => names.includes(name.split('/')[0]));
    const layer = old[at]?.indexOf(name.split('/')[0] as string);
    return `${['one', 'two'][at]}/d${layer}/${name.split('/')[1]}`;
  };
  for (const layer of inner) for (const [i, l] of layer.config.layers.entries()) l.config.name = `d${i}`;
  for (const spec of tree.weightsManifest[0].weights) spec.name = rename(spec.name);
  await agree(model, withTree(files, tree), 'paths');
  for (const spec of tree.weightsManifest[0].weights) spec.name = spec.name.replace(/^two\//, 'three/').replace(/^one\//, '');
  assert.match(await refusal(withTree(files, tree)), /RN160.*also belongs to layer (one|two)\/d\d/);
});

test('gaps in the call indices, calls with another number of values, and cycles are refused', async () => {
  const files = await filesOf(twice());
  const changed = async (change: (config: Any) => void): Promise<string> => {
    const tree = treeOf(files);
    change(tree.modelTopology.config);
    return refusal(withTree(files, tree));
  };
  const layerOf = (config: Any, name: string): Any => config.layers.find((l: Any) => l.name === name);
  assert.is(await changed(() => {}), 'read');
  assert.match(
    await changed((config) => layerOf(config, 'deeper').inbound_nodes.push([['in_c', 0, 0, {}]])),
    /RN161.*its 3 calls are read as 1, 2/,
  );
  assert.match(
    await changed((config) => layerOf(config, 'deeper').inbound_nodes[0].push(['in_c', 0, 0, {}])),
    /RN161.*a call gives 2 values to 1 inputs/,
  );
  assert.match(
    await changed((config) => {
      layerOf(config, 'deeper').inbound_nodes[0] = [['deeper', 2, 0, {}]];
    }),
    /RN161.*circle/,
  );
  assert.match(
    await changed((config) => {
      const { config: deeper } = layerOf(config, 'deeper');
      deeper.output_layers = [['in_d', 0, 0]];
      deeper.layers = deeper.layers.slice(0, 1);
      layerOf(config, 'deeper').inbound_nodes = [[['deeper', 1, 0, {}]], [['deeper', 2, 0, {}]]];
    }),
    /RN161.*circle/,
  );
  assert.match(
    await changed((config) => {
      for (let depth = 0; depth < 12; depth++) {
        const { name } = config;
        const own = structuredClone(config);
        config.layers = [
          config.layers[0],
          { name, class_name: 'Functional', config: own, inbound_nodes: [[['in_c', 0, 0, {}]]] },
        ];
        config.output_layers = [[name, 1, 0]];
      }
    }),
    /RN165.*deep/,
  );
});

test.run();
