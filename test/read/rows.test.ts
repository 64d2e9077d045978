/** Rows of a window on other axes of a file: an operand of a sum gets the rows of the other operand. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { noClamp } from '../../models/graph/types.ts';
import { dim } from '../../models/read/layout.ts';
import { type Maker, withSameRows } from '../../models/read/rows.ts';
import { runFloat } from '../graph/run-float.ts';

test('a vector is added to each row of what a layer along time gives', () => {
  const builder = new GraphBuilder('rows');
  const add: Maker['add'] = (op, inputs, attrs, name) => builder.node(op, [...inputs], attrs, name);
  // [1][3 rows][2 values] of the file, as one frame of two features with three channels
  const x = builder.input('x', { t: 1, f: 2, c: 3 });
  const vector = builder.input('v', { t: 1, f: 1, c: 2 });
  const layout = [[], dim('c', 3), dim('f', 2)];
  const pair = [
    { tensor: x, layout },
    { tensor: vector, layout: [[], [], dim('c', 2)] },
  ] as const;
  const [rows, same] = withSameRows({ builder, add }, pair, 'sum');
  assert.equal(builder.shape(rows.tensor), { t: 3, f: 1, c: 2 });
  assert.equal([rows.layout, same], [[[], dim('t', 3), dim('c', 2)], pair[1]]);
  builder.output(builder.node('activation', [rows.tensor], { fn: 'abs', clamp: noClamp }, 'abs'), 'y');
  builder.output(builder.node('activation', [vector], { fn: 'abs', clamp: noClamp }, 'abs v'), 'w');
  const graph = builder.build();
  // feature f of channel c is value f of row c
  const values = runFloat(graph, [Float32Array.of(0, 10, 20, 1, 11, 21), Float32Array.of(1, 2)]);
  assert.equal([...(values[graph.outputs[0]?.tensor ?? -1] ?? [])], [0, 1, 10, 11, 20, 21]);
});

test.run();
