/** Ranges of recurrent cells: gates whose two sums cancel, and a cell that grows from step to step. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Graph, kernelOfOne, noClamp, type OpAttrs } from '../../models/graph/types.ts';
import { maxOf } from '../../models/lists.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { random } from '../property/random-network.ts';

/** Returns a cell of one unit with the gates w x + b. If a step has two frames, x is their mean. */
function cell(t: number, weights: number[], bias: number[], make: (b: GraphBuilder, gates: number) => number): Graph {
  const b = new GraphBuilder('cell');
  const x = b.input('x', { t, f: 1, c: 1 });
  const attrs = {
    ...{ ...kernelOfOne, groups: 1, outChannels: weights.length, clamp: noClamp },
    ...{ weights: { data: Float32Array.from(weights) }, bias: Float32Array.from(bias) },
  };
  const row = t === 2 ? b.node('globalavg', [x], { overF: true, clamp: noClamp }, 'mean') : x;
  b.output(make(b, b.node('conv', [row], attrs, 'gates')), 'y');
  return b.build();
}

/** Returns the largest difference between the int8 network and the float one over the calibration signal. */
function apart(graph: Graph, signal: Float32Array, options: PlanOptions): number {
  const int8 = quantize(graph, signal, { ...options, noReport: true }).graph;
  const { scale, zeroPoint } = int8.tensors[int8.outputs[0]?.tensor ?? -1]?.quant ?? { scale: 1, zeroPoint: 0 };
  const plan = planStream(graph, options);
  const float = [...executeStream(plan, floatBlocks(plan, [signal]), floatRunner, { warmUp: true })];
  const ints = [...runSignal(quantPlan(planStream(int8, options)), quantiseSignals(int8, [signal]), { warmUp: true })];
  assert.is(ints.length, float.length);
  assert.ok(float.length > 50);
  return maxOf(
    float.flatMap(({ outputs }, n) =>
      [...(outputs[0] as Float32Array)].map((y, i) => Math.abs(y - scale * ((ints[n]?.outputs[0]?.[i] as number) - zeroPoint))),
    ),
  );
}

const state = { units: 1, recurrentBias: null, reverse: false };

test('int8 stays close if input products beyond 8 are cancelled by those of the previous output', () => {
  const rnd = random(7);
  const signal = Float32Array.from({ length: 800 }, () => (rnd() < 0.5 ? -1 : 1));
  const attrs: OpAttrs['rnn'] = { ...state, recurrent: { data: Float32Array.of(10) } };
  const graph = cell(8, [-20], [0], (b, gates) => b.node('rnn', [gates], attrs, 'rnn'));
  const distance = apart(graph, signal, { hop: 8, mode: 'windowed' });
  assert.ok(distance < 0.05, `${distance}`);
});

test('int8 stays close if a carried cell state grows for many steps', () => {
  // the cell rises to 10 and must return: clipped at 2, it would be below 0 eight steps too early
  const signal = Float32Array.from({ length: 840 }, (_, i) => ((i >> 1) % 30 < 10 ? 1 : (i >> 1) % 30 < 28 ? -1 : 0.2));
  const attrs: OpAttrs['lstm'] = { ...state, recurrent: { data: new Float32Array(4) }, carry: true };
  const made = cell(2, [0, 0, 3, 0], [7, 9, 0, 7], (b, gates) => b.node('lstm', [gates], attrs, 'lstm'));
  const distance = apart({ ...made, stateful: true }, signal, { hop: 2 });
  assert.ok(distance < 0.2, `${distance}`);
});

test.run();
