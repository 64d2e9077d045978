/** Names of layers: short wherever people read them; the file's names on request and in JSON. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchNetworks } from '../../host/bench/networks.ts';
import { writeNpy } from '../../host/sources/npy.ts';
import { shortener, shortNames, withShortNames } from '../../models/graph/names.ts';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import { maxOf } from '../../models/lists.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { onnxOf } from '../bench/onnx-of.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-names-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Returns a long name, as converters of Keras models make them. */
const long = (name: string) => `model/${'functional_1/block/'.repeat(25)}${name}/BiasAdd;model/${name}/Conv2D`;

function withLongNames(graph: Graph): Graph {
  const nodes = graph.nodes.map((node, i) => ({ ...node, name: long(`layer_${i}`) }));
  const inside = new Set(graph.nodes.map((node) => node.output));
  const tensors = graph.tensors.map((t) => (inside.has(t.id) ? { ...t, name: long(`tensor_${t.id}`) } : t));
  return { ...graph, nodes, tensors };
}

const { graph } = (benchNetworks.N1 as NonNullable<(typeof benchNetworks)['N1']>)();
const file = onnxOf(withLongNames(graph));
const read = await readModel(file, { name: 'long' });

test('a short name is the operator and a number, in the order of the graph, and unique', () => {
  assert.equal(shortNames([{ op: 'conv' }, { op: 'dense' }, { op: 'conv' }]), ['conv#1', 'dense#1', 'conv#2']);
  const short = withShortNames(read);
  const names = short.nodes.map((node) => node.name);
  assert.is(new Set(names).size, names.length);
  assert.ok(
    names.every((name) => /^[a-z0-9-]+#\d+$/.test(name)),
    names.join(),
  );
  const named = shortener(read);
  for (const [i, node] of read.nodes.entries()) {
    assert.ok(node.name.length > 400, node.name);
    assert.is(named(node.name), names[i]);
    assert.is(named(read.tensors[node.output]?.name ?? ''), names[i]);
  }
  assert.is(named('no such layer'), 'no such layer');
  // the plan is the same apart from the names
  const [a, b] = [planStream(read, { hop: 1 }), planStream(short, { hop: 1 })];
  assert.equal([a.macsPerHop, a.stateBytes, a.mode], [b.macsPerHop, b.stateBytes, b.mode]);
});

test('plan, quantize and its page have no long name except in JSON and with --names file', async () => {
  writeFileSync(join(folder, 'long.onnx'), file);
  const shape = read.tensors[read.inputs[0]?.tensor ?? -1]?.shape ?? { t: 1, f: 1, c: 1 };
  const frames = 40 * shape.t;
  const values = Float32Array.from({ length: frames * shape.f * shape.c }, (_, i) => Math.sin(i / 7));
  writeFileSync(join(folder, 'calib.npy'), writeNpy([frames, shape.f * shape.c], values));
  const runlet = async (...args: string[]) => {
    const result = await runCli(folder, args);
    assert.is(result.code, 0, result.stderr);
    return result;
  };
  const longest = (text: string) => maxOf(text.split(/\s+/).map((word) => word.length));
  const plan = await runlet('plan', 'long.onnx', '--hop', '1', '--explain', '--rules');
  assert.ok(longest(plan.stdout) < 40, plan.stdout);
  assert.match(plan.stdout, /^conv#1: /m);
  assert.ok(longest((await runlet('plan', 'long.onnx', '--names', 'file')).stdout) > 400);
  const { layers } = JSON.parse((await runlet('plan', 'long.onnx', '--json')).stdout);
  assert.is(layers[0].short, 'conv#1');
  assert.ok(layers[0].layer.length > 400);
  const made = await runlet(
    'quantize',
    'long.onnx',
    '--calib',
    'calib.npy',
    '--preset',
    'fast',
    '--report',
    'page.html',
    '-o',
    'long.rnq',
  );
  assert.ok(longest(made.stdout) < 40 && longest(made.stderr) < 40, made.stdout + made.stderr);
  assert.not.match(readFileSync(join(folder, 'page.html'), 'utf8'), 'functional_1');
  // the int8 model keeps the file's names
  const int8 = await readModel(readFileSync(join(folder, 'long.rnq')));
  assert.ok(isQuantised(int8) && int8.nodes.some((node) => node.name.includes('functional_1')));
  const built = await runlet('build', 'long.rnq', '--hop', '1', '--verbose', '-o', 'long.wasm');
  assert.ok(longest(built.stdout) < 60, built.stdout);
  assert.match((await runlet('inspect', 'long.wasm')).stdout, /^conv#1 .*functional_1/m);
});

test.run();
