/**
 * Every operator case with int16 on one side or both, over every int16 kernel.
 *
 * In: the *.cases.ts of this folder, with the operator's inputs, its output, or both in int16, and rescales
 * if the operator has no such form.  Out: (a) the integer reference equals TensorFlow Lite's 16x8 rule
 * (test/oracle/int16.ts), node by node; (b) its distance from the real value stays within a bound in steps;
 * (c) windowed and streamed modules equal the reference byte for byte, with sides and targets in turn; in CI
 * modules of one case in RUNLET_SHARE.
 * RUNLET_CASES selects cases, as in ops.test.ts.
 */

import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { type Target, targets } from '../../assembly/emit/target.ts';
import { type Graph, type Ints, isInt16, type QuantParams, storedRange, type Tensor } from '../../models/graph/types.ts';
import { opOf } from '../../models/ops/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { int16Form } from '../../quant/rescale.ts';
import { oracleOf } from '../oracle/int16.ts';
import { random } from '../property/random-network.ts';
import { randomFrames, widen } from '../property/widen.ts';
import { dequantised } from '../read/tflite-helpers.ts';
import { todays } from '../shared.ts';
import type { CaseFile, OpCase } from './case.ts';
import { compareModule, framesFor, strideProduct } from './run-case.ts';

const suffix = '.cases.ts';
const names = readdirSync(import.meta.dirname).filter((file) => file.endsWith(suffix));
const sides = { input: [true, false], output: [false, true], both: [true, true] } as const;
const totals = { cases: 0, elements: 0, bytes: 0, wide: 0, distinct: 0, worst: new Map<string, number>() };
const { RUNLET_CASES: chosen = '' } = process.env;
let turn = 0;

/** Converts the chosen sides of a case to int16. The inputs are converted first, then the last tensors. */
function wide(item: OpCase, [input, output]: readonly [boolean, boolean]): Graph {
  const { graph } = item;
  let at = 0;
  const last = graph.nodes.at(-1)?.output;
  return widen(graph, () => ((at++ === last ? output : input) ? 0 : 1), 0.5);
}

const tensorOf = (graph: Graph, id: number) => graph.tensors[id] as Tensor & { quant: QuantParams };

/** Checks (a) and (b) of the header. */
function checkReference(quant: QuantPlan, window: Ints, name: string): void {
  const { graph } = quant.plan;
  const real = dequantised(graph);
  const { tensors } = runWindow(quant, window);
  const data = (id: number) => (graph.inputs.some((p) => p.tensor === id) ? window : (tensors.get(id)?.data as Ints));
  for (const [i, node] of graph.nodes.entries()) {
    const y = tensorOf(graph, node.output);
    if (![...node.inputs, node.output].some((id) => isInt16(tensorOf(graph, id).quant))) continue;
    const xs = node.inputs.map((id) => ({ data: data(id), ...tensorOf(graph, id) }));
    const got = data(node.output);
    const wanted = oracleOf(node, xs, y.shape, y.quant);
    if (wanted) assert.equal([...got], wanted, `${name}: ${node.name} against TensorFlow Lite`);
    const floats = xs.map(({ data: stored, shape, quant: q }) => ({
      data: Float32Array.from(stored, (v) => (v - q.zeroPoint) * q.scale),
      shape,
    }));
    const [low, high] = storedRange(y.quant);
    // the multiplier of a layer with weights has 15 bits, so values near the end of int16 may be one step off
    const float = opOf(real.nodes[i]?.op ?? node.op).float(floats, real.nodes[i]?.attrs as never, y.shape);
    let largest = 0;
    for (const [k, value] of float.entries())
      largest = Math.max(
        largest,
        Math.abs(Math.min(high, Math.max(low, value / y.quant.scale + y.quant.zeroPoint)) - (got[k] as number)),
      );
    // tanh in steps of 2^-15: half a step of its input, 1/12288, gives 1.33; the truncation of the input's
    // multiplier to 15 bits 0.9; interpolation 0.7; rounding of an entry and of the result 0.5 each. softmax:
    // half a step of a difference, 10 / 65535, gives 2.5 of exp, the entries 0.5 each; values below exp(-10)
    // give 1.5 per class
    const isCurve = node.op === 'softmax' || (node.op === 'activation' && ['sigmoid', 'tanh'].includes(node.attrs.fn));
    const left = node.op === 'softmax' ? 1.5 * y.shape.c : 0;
    assert.ok(largest <= (isCurve ? 4 + left : 2.1), `${name}: ${node.name} is ${largest} steps from its real value`);
    totals.worst.set(node.op, Math.max(totals.worst.get(node.op) ?? 0, largest));
    totals.elements += got.length;
    // only int16 outputs are counted, because int8 has only 256 values
    if (got instanceof Int16Array) {
      totals.wide += got.length;
      totals.distinct += new Set(got).size;
    }
  }
}

for (const file of names.sort()) {
  const op = file.slice(0, -suffix.length);
  const { cases: all } = (await import(`./${file}`)) as CaseFile;
  const cases = all.filter((item) => `${op}, ${item.name}`.includes(chosen));
  // a recurrent cell has fixed types
  if (cases.some(({ graph }) => graph.nodes.some((node) => int16Form(node) === 'own'))) continue;
  test(`${op}: int16 inputs, outputs and both equal the reference, ${cases.length} cases`, async () => {
    const built = new Set(todays(cases));
    for (const item of cases)
      for (const [side, ends] of Object.entries(sides)) {
        const graph = wide(item, ends);
        const name = `${op}, ${item.name}, ${side}`;
        const hop = item.hop ?? strideProduct(graph.nodes);
        const rnd = random(0x51ed + turn);
        const target = targets[Math.floor(turn++ / 3) % targets.length] as Target;
        for (const mode of ['windowed', 'stream'] as const) {
          const quant = quantPlan(planStream(graph, { hop, mode }));
          if (mode === 'windowed') checkReference(quant, randomFrames(quant.plan.graph, quant.plan.window, rnd), name);
          if (mode === 'stream' && !quant.plan.steps.some((s) => s.section === 'trunk')) continue;
          // one side streams, another is windowed
          if (!built.has(item) || turn % 3 !== (mode === 'stream' ? 0 : 1)) continue;
          const bundle = await build(quant, { target, style: 'table', kernels: 'every' });
          const result = compareModule(quant, bundle, randomFrames(quant.plan.graph, framesFor(quant, 4), rnd));
          assert.is(result.differing, 0, `${name}, ${mode}, ${target}: bytes that differ`);
          totals.bytes += result.bytes;
        }
        totals.cases++;
      }
  });
}

if (chosen === '')
  test('the int16 outputs have many different values', () => {
    const worst = [...totals.worst].map(([op, steps]) => `${op} ${steps.toFixed(3)}`).join(', ');
    console.log(
      `  ${totals.cases} cases; ${totals.elements} elements equal to TensorFlow Lite's rule, ${totals.bytes} bytes of modules; largest distance in steps: ${worst}`,
    );
    assert.ok(totals.wide > 0 && totals.distinct > totals.wide / 3, 'int16 outputs differ from each other');
  });

test.run();
