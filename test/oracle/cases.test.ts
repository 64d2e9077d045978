/**
 * Small streaming models, one for each fault that random models have found: the reader, the reference and the
 * modules compute what the interpreter computes.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { differing } from '../property/harness.ts';
import { runStyles } from '../property/styles.ts';
import { judge } from './judge.ts';
import { binary, conv, dense, poolAll } from './writer/layers.ts';
import { type Flow, Net } from './writer/net.ts';
import { Rng } from './writer/rng.ts';
import { writeFile } from './writer/write.ts';

/** Returns a file with an input [rows][4], a pointwise layer, and the layers of `build`. */
function model(rows: number, build: (net: Net, x: Flow) => Flow): Uint8Array {
  const net = new Net(new Rng(rows));
  const x = net.flow('input', { rows, f: 1, c: 4, scale: 0.1, zeroPoint: -7 });
  net.main.inputs.push(x.id);
  net.main.outputs.push(build(net, conv(net, x, 3, { kernel: 1, stride: 1, dilation: 1 })).id);
  return writeFile(net.file());
}

async function equal(bytes: Uint8Array, about: string): Promise<void> {
  const verdict = await judge(bytes, 1);
  assert.is(`${verdict.kind} ${verdict.detail}`, 'equal ', about);
  if (!verdict.quant) throw new Error('no plan');
  let step = 0;
  for await (const outputs of runStyles(verdict.quant, verdict.signals[0]?.[0] as Int8Array, [1, 3], true))
    assert.is(differing(verdict.expected[0]?.[step] ?? [], outputs), 0, `${about}: module, step ${step++}`);
  assert.is(step, verdict.expected[0]?.length);
}

for (const op of ['AVERAGE_POOL_2D', 'MEAN', 'MAX_POOL_2D'] as const)
  test(`${op} over a history starts from zero points`, async () => {
    for (const [rows, history, order] of [
      [1, 5, 'v1'],
      [2, 7, 'v2'],
      [4, 10, 'v1'],
      [3, 2, 'v2'],
    ] as const)
      await equal(
        model(rows, (net, x) => dense(net, poolAll(net, op, net.history(x, history, order)), 2)),
        `${rows} rows per step, ${history} earlier rows`,
      );
  });

test('SUB keeps the order of its operands: two tensors, or a tensor and a constant', async () => {
  const forms: Record<string, (net: Net, x: Flow, y: Flow) => Flow> = {
    'x - y': (net, x, y) => binary(net, 'SUB', x, y),
    'y - x': (net, x, y) => binary(net, 'SUB', y, x),
    'x - constant': (net, x) => binary(net, 'SUB', x),
    'constant - x'(net, x) {
      const y = binary(net, 'SUB', x);
      net.main.operators.at(-1)?.inputs.reverse();
      return y;
    },
  };
  for (const [about, form] of Object.entries(forms))
    await equal(
      model(3, (net, x) => form(net, x, conv(net, x, 3, { kernel: 1, stride: 1, dilation: 1 }))),
      about,
    );
});

test('STRIDED_SLICE: begin_mask also applies to a dropped dimension', async () => {
  const bytes = model(3, (net, x) => {
    const joined = net.history(x, 2, 'v2');
    const row = net.flow('row', { ...joined, rows: 1 }, [1, 1, joined.c]);
    const indices = [
      [0, -2, 0, 0],
      [0, -1, 0, 0],
      [1, 1, 1, 1],
    ].map((list, i) => net.constants(`index${i}`, list));
    const options = { beginMask: 15, endMask: 13, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 2, offset: 0 };
    net.op('STRIDED_SLICE', [joined.id, ...indices], [row.id], options);
    return dense(net, row, 2);
  });
  const verdict = await judge(bytes, 1);
  assert.ok(['equal', 'refused'].includes(verdict.kind), `${verdict.kind}: ${verdict.detail}`);
});

test.run();
