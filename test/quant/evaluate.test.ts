/**
 * evaluate and compareForms: metrics against their definitions, windows against the plan run over the whole
 * signal, wrong labels, and the labels of the zoo.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readNpy } from '../../host/sources/npy.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { noClamp } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { compareForms } from '../../quant/evaluate/compare-forms.ts';
import { evaluate, judge } from '../../quant/evaluate/evaluate.ts';
import { type Labels, labelList, type Metric, readLabels } from '../../quant/evaluate/labels.ts';
import { classMetrics, valueMetrics } from '../../quant/evaluate/metrics.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { labelsOf, type Script } from '../../scripts/kws-labels.ts';
import { errorCode } from '../error-code.ts';
import { root } from '../shared.ts';
import { answersOf, channels, classifier, noise, tellingClassifier, window } from './small-classifier.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const near = (a: number, b: number, limit: number) => assert.ok(Math.abs(a - b) <= limit, `${a} and ${b}`);

const signal = noise(seed, 16 * 40);
const hop = 4;
const windows = (signal.length / channels - window) / hop + 1;
const starts = Array.from({ length: windows }, (_, n) => n);

const graph = tellingClassifier(seed, signal);
const answers = answersOf(graph, starts.map((n) => signal.slice(n * hop * channels, (n * hop + window) * channels))); // biome-ignore format: one line
const labelsFrom = (values: (number | null)[]): Labels => ({ kind: 'classes', values, names: ['0', '1', '2'] });

test('accuracy, F1, the confusion matrix and errors of values equal their definitions', () => {
  const pairs = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(pairs, (list) => {
      const names = ['a', 'b', 'c', 'd'];
      const { accuracy, macroF1, classes, confusion } = classMetrics(list.map((p) => p[0]), list.map((p) => p[1]), names); // biome-ignore format: one line
      const count = (of: (p: [number, number]) => boolean) => list.filter(of).length;
      near(accuracy, count(([t, a]) => t === a) / list.length, 1e-12);
      const scores = names.flatMap((_, c) => {
        const [tp, fp, fn] = [count(([t, a]) => t === c && a === c), count(([t, a]) => t !== c && a === c), count(([t, a]) => t === c && a !== c)]; // biome-ignore format: one line
        near(classes[c]?.f1 ?? -1, tp === 0 ? 0 : 2 / ((tp + fp) / tp + (tp + fn) / tp), 1e-12);
        for (const [a] of names.entries())
          assert.is(
            confusion[c]?.[a],
            count((p) => p[0] === c && p[1] === a),
          );
        return tp + fp + fn > 0 ? [classes[c]?.f1 ?? -1] : [];
      });
      near(macroF1, scores.reduce((a, b) => a + b, 0) / scores.length, 1e-12);
    }),
    { seed, numRuns: 50 },
  );
  const { mae, rmse, bias, maxError } = valueMetrics([1, 2, 3], [2, 2, 1]);
  near(mae, 1, 1e-12);
  near(rmse, Math.sqrt(5 / 3), 1e-12);
  near(bias, -1 / 3, 1e-12);
  assert.is(maxError, 2);
});

test('a model agrees with its own outputs, a wrong label counts as an error, and a missing one is skipped', () => {
  const plan = planStream(graph, { hop, mode: 'windowed' });
  const all = evaluate(plan, signal, labelsFrom(answers));
  assert.is(all.windows, windows);
  assert.is(all.classes?.accuracy, 1);
  const some = evaluate(plan, signal, labelsFrom(answers.map((a, n) => (n % 5 === 0 ? null : n % 5 === 1 ? (a + 1) % 3 : a))));
  assert.is(some.judged.length, starts.filter((n) => n % 5 !== 0).length);
  near(some.classes?.accuracy ?? 0, 1 - starts.filter((n) => n % 5 === 1).length / some.judged.length, 1e-12);
});

test('a long signal is run in pieces, and gives the outputs of the whole signal', () => {
  const long = noise(seed + 1, 40_000);
  const quant = quantPlan(planStream(quantize(graph, signal, { hop, noReport: true }).graph, { hop }));
  const stored = quantiseSignals(quant.plan.graph, [long]);
  const q = quant.plan.graph.tensors[quant.plan.graph.outputs[0]?.tensor ?? -1]?.quant ?? { scale: 0, zeroPoint: 0 };
  const got = judge(quant, long, (n) => n % 7 === 3);
  let seen = 0;
  for (const { index, outputs } of runSignal(quant, stored)) {
    if (index % 7 !== 3) continue;
    assert.is(got[seen]?.window, index);
    assert.equal([...(got[seen]?.outputs ?? [])], [...(outputs[0] as Int8Array)].map((v) => Math.fround(q.scale * (v - q.zeroPoint)))); // biome-ignore format: one line
    seen++;
  }
  assert.is(seen, got.length);
  assert.ok(seen > 1400);
});

test('int8 windowed and streamed are judged on the same windows, and are equal if the plan is exact', () => {
  const int8 = quantize(graph, signal, { hop, noReport: true }).graph;
  for (const mode of ['stream', 'edge-exact'] as const) {
    const { forms, judged } = compareForms(
      planStream(graph, { hop, mode }),
      quantPlan(planStream(int8, { hop, mode })),
      signal,
      labelsFrom(answers),
    );
    assert.is(judged, windows);
    const by = new Map(forms.map((f) => [f.name, f]));
    assert.equal([...by.keys()], ['float windowed', 'int8 windowed', 'int8 streamed']);
    assert.is(by.get('float windowed')?.classes?.accuracy, 1);
    assert.is(by.get('float windowed')?.against, undefined);
    assert.is(by.get('int8 streamed')?.sameAsWindowed, mode === 'edge-exact');
    assert.equal(by.get('int8 streamed')?.classes, by.get('int8 windowed')?.classes);
    const accuracy = by.get('int8 windowed')?.classes?.accuracy;
    assert.is(by.get('int8 windowed')?.agreement, accuracy, 'labels are the float answers');
    assert.ok((by.get('int8 windowed')?.outputSqnrDb ?? 0) > 20);
  }
  const unlabelled = compareForms(planStream(graph, { hop }), quantPlan(planStream(int8, { hop })), signal);
  assert.is(unlabelled.forms[0]?.classes, undefined);
  assert.is(unlabelled.judged, windows);
  // a softmax means classes, also without labels
  assert.ok((unlabelled.forms[1]?.agreement ?? 0) > 0.9);
});

test('for separate recordings, a streamed output that waits for look-ahead is compared with its own window', () => {
  // only the middle tap is not zero: rows at a window's edges equal inner rows, so streaming changes only the
  // delay
  const b = new GraphBuilder('late');
  const x = b.input('x', { t: 16, f: 1, c: 1 });
  const sliding = { kernelT: 5, kernelF: 1, strideT: 1, strideF: 1, dilationT: 1, dilationF: 1, padT: [2, 2], padF: [0, 0] } as const; // biome-ignore format: one line
  const weights = { data: Float32Array.of(0, 0, 1, 0, 0) };
  const y = b.node('conv', [x], { ...sliding, groups: 1, outChannels: 1, weights, bias: null, clamp: noClamp }, 'middle');
  // two values that are not declared as classes
  const sums = { data: Float32Array.from({ length: 32 }, (_, i) => i + 1) };
  b.output(b.node('dense', [y], { units: 2, weights: sums, bias: null, clamp: noClamp }, 'sum'), 'y');
  const late = b.build();
  const options = { hop: 4, mode: 'stream' } as const;
  assert.ok(planStream(late, options).delayFrames > 0);
  const recordings = Array.from({ length: 5 }, (_, i) => [noise(seed + i, 20)]);
  const int8 = quantize(late, noise(seed, 600), { ...options, noReport: true }).graph;
  const { forms, judged } = compareForms(planStream(late, options), quantPlan(planStream(int8, options)), { recordings });
  assert.is(judged, 5);
  assert.is(forms.find((f) => f.name === 'float streamed')?.maxDifference, 0);
  for (const form of forms) assert.is(form.agreement, undefined);
});

test('the kind of labels is recognised, and wrong labels are refused', () => {
  const named = classifier(seed, { metadata: { 'runlet.labels': 'rest, walk, run' } });
  const read = (raw: unknown[], metric?: Metric) => readLabels(raw, named, metric);
  assert.equal(read(['walk', null, 'rest', '']).values, [1, null, 0, null]);
  assert.is(read([0, 2, 1]).kind, 'classes');
  assert.is(read([0.5, 2, 1]).kind, 'values');
  assert.is(read([0, 2, 1], 'mae').kind, 'values');
  assert.equal(labelList('{"labels": ["walk", null]}'), ['walk', null]);
  const plan = planStream(named, { hop });
  const at = (values: (number | null)[]) => () => evaluate(plan, signal, labelsFrom(values));
  const wrong: [string, () => unknown][] = [
    ['RN431', at(answers.slice(1))],
    ['RN431', () => evaluate(plan, signal, { kind: 'values', values: answers, names: [] })],
    ['RN432', () => read(['walk', 'swim'])],
    ['RN432', () => read([0, 3])],
    ['RN432', () => read([0, -1])],
    ['RN432', () => read([0.5], 'accuracy')],
    ['RN433', () => read([Number.NaN, 1])],
    ['RN433', () => read([{ class: 1 }])],
    ['RN434', at(answers.map(() => null))],
    ['RN435', () => read(['walk'], 'rmse')],
    ['RN436', () => labelList('{"truth": [1]}')],
    ['RN436', () => labelList('[1, ')],
    ['RN438', () => evaluate(plan, { recordings: [[signal], [signal.slice(0, channels)]] }, labelsFrom([0, 1]))],
  ];
  for (const [i, [code, run]] of wrong.entries()) assert.is(errorCode(run), code, `case ${i}`);
});

const zoo = (path: string) => readFileSync(join(root, 'models/zoo', path));

test('ppg-hr gives PyTorch’s heart rates on separate recordings if streamed, but not in windows with zero padding', async () => {
  const ppg = await readModel(zoo('ppg-hr/ppg-hr.onnx'));
  const [x, y] = [readNpy(zoo('ppg-hr/golden-in.npy')), readNpy(zoo('ppg-hr/golden-out.npy'))];
  const perRow = x.shape[1] as number;
  const recordings = Array.from({ length: 8 }, (_, i) => [(x.data as Float32Array).slice(i * perRow, (i + 1) * perRow)]);
  const labels = readLabels([...y.data], ppg);
  assert.is(labels.kind, 'values');
  const judgeIn = (mode: 'stream' | 'windowed') => evaluate(planStream(ppg, { hop: 64, mode }), { recordings }, labels).values;
  assert.ok((judgeIn('stream')?.maxError ?? 1) < 1e-3);
  assert.ok((judgeIn('windowed')?.mae ?? 0) > 10);
});

test('the labels of the kws demo follow from its script', () => {
  const script = JSON.parse(zoo('kws/demo.json').toString()) as Script;
  assert.equal(JSON.parse(zoo('kws/demo-labels.json').toString()), { labels: labelsOf(script) });
  assert.ok(labelsOf(script).filter((l) => l !== null).length >= 40);
});

test.run();
