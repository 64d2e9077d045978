/**
 * GraphView agrees with the graph: producers and readers of a tensor, dependent tensors, and a node's rule
 * and cost.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { kernelOfOne, noClamp } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';

const b = new GraphBuilder('view');
const x = b.input('x', { t: 8, f: 1, c: 2 });
const weights = { data: new Float32Array(2 * 3 * 2) };
const conv = { ...kernelOfOne, kernelT: 3, strideT: 2, groups: 1, outChannels: 2, weights, bias: null, clamp: noClamp };
const y = b.node('conv', [x], conv, 'conv');
const z = b.node('add', [y, y], { clamp: noClamp }, 'add');
const last = b.node('globalavg', [z], { overF: false, clamp: noClamp }, 'mean');
b.output(z, 'rows');
b.output(last, 'mean');
const graph = b.build();
const view = viewOf(graph);
const [first, sum, mean] = graph.nodes as [(typeof graph.nodes)[0], (typeof graph.nodes)[0], (typeof graph.nodes)[0]];

test('a view knows producers, readers and outputs, and counts a node that reads a tensor twice once', () => {
  assert.is(view.producer(x), undefined);
  assert.is(view.producer(y), first);
  assert.equal(view.readers(y), [sum]);
  assert.equal(view.readers(last), []);
  assert.is(view.soleReader(y), sum);
  assert.is(view.soleReader(z), undefined, 'a graph output has another reader outside the graph');
  assert.equal([x, y, z, last].map(view.isOutput), [false, false, true, true]);
  assert.equal([...view.behind([z])], [z, last]);
});

test('a view knows shapes, the clock, rules and costs', () => {
  assert.is(view.clock.window, 8);
  assert.equal([x, y, last].map(view.rows), [8, 3, 1]);
  assert.is(view.frame(-1), 0);
  assert.equal(view.rule(first), { kind: 'window', kernel: 3, stride: 2, dilation: 1, pad: [0, 0], padWith: 'zero' });
  assert.is(view.rule(mean).kind, 'fold');
  assert.is(view.macsPerWindow(first), 3 * 12);
  assert.is(viewOf(graph), view, 'one view per graph');
});

test.run();
