/**
 * runlet make MODEL DATA: the whole way from a model file and a recording to a module, with good defaults.
 *
 * In: a model file, a recording of its signal.  Out: NAME.rnq (the int8 model), NAME.wasm (the bundle),
 * NAME.svg (its run over the recording), and runlet.json, which other verbs read; one screen that says what
 * was decided and why, how good int8 is, and what to do next.
 */

import { basename, dirname, join, relative } from 'node:path';
import { build } from '../../assembly/build.ts';
import { RunletError } from '../../models/error.ts';
import { clockOf, tickName } from '../../models/graph/clock.ts';
import { writeGraph } from '../../models/graph/file.ts';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import { printableLines } from '../../models/printable.ts';
import { labelsIn } from '../../models/read/detection.ts';
import { savedText } from '../../models/report/print.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions, StreamPlan } from '../../models/stream/types.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantizeStream } from '../../quant/quantize.ts';
import { bytesText } from '../bytes-text.ts';
import { coloursFor, printJson } from '../command/args.ts';
import { bundleFacts } from '../command/bundle-facts.ts';
import { progressBar } from '../command/calibration.ts';
import { hopOf, loadGraph, manifestFields, withSaid } from '../command/load.ts';
import { labelsArg, modelArgs, planArgs, signalArgs, targetArg, truthArgs } from '../command/model-options.ts';
import { argument, group, jsonArg, output, signals, type Values } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { defineVerb } from '../command/verb.ts';
import { type Judgement, judged, labelOrder } from '../judge.ts';
import { modeInFile } from '../model-fields.ts';
import { hopsOf, inputsOf, type Recording, readRecording } from '../recording.ts';
import { whileWorking } from '../report/progress.ts';
import { Recorder, type RunSummary } from '../report/recorder.ts';
import { openSession } from '../session/index.ts';
import { requireSelfTest } from '../session/self-test.ts';
import { type Project, projectFile } from './project.ts';
import { writeOut } from './save.ts';

const { model, timeAxis, frame, window } = modelArgs;
const { hop, mode, prefer } = planArgs;

const makeArgs = {
  model,
  data: argument(
    signals('A recording of the signal: .csv, .npy, .npz or .wav; a CSV may have a time column, and one with the truth'),
  ),
  ...group('Output', {
    output: output("Name of what is written, without an ending (default: the model's)", { short: 'o', hint: 'name' }),
  }),
  ...group('How the model is read', { timeAxis, frame, window }),
  ...group('How it streams', { hop, mode, prefer }),
  ...signalArgs,
  ...truthArgs,
  ...labelsArg,
  ...targetArg,
  ...jsonArg,
};
type Args = Values<typeof makeArgs>;

const count = (n: number) => n.toLocaleString('en');

/** @throws RN758 */
function checkLength(graph: Graph, { signals: [first] }: Recording): void {
  const [input] = inputsOf(graph);
  const frames = Math.floor((first?.length ?? 0) / ((input?.elements ?? 1) * (input?.rate ?? 1)));
  const { window: least } = clockOf(graph);
  if (frames >= least) return;
  throw new RunletError('RN758', {
    what: `the recording has ${frames} frames, and a window takes ${least}`,
    where: 'DATA',
    tryThis: 'a longer recording: some hundred windows of the real signal',
  });
}

/** The graph with labels, where the recording and the model's own answers say them. */
function withLabels(graph: Graph, options: PlanOptions, recording: Recording, args: Args): { graph: Graph; note?: string } {
  if (labelsIn(graph.metadata) || !recording.truth || recording.truth.names.length === 0) return { graph };
  const { column, names } = recording.truth;
  const order = labelOrder(graph, options, recording, args.truthAt);
  if (!order)
    return {
      graph,
      note: `the order of the classes ${[...names].sort().join(', ')} of column ${column} is not known: --labels with the model's order`,
    };
  const { values } = recording.truth;
  values.forEach((value, i) => {
    if (!Number.isNaN(value)) values[i] = order.indexOf(names[value] as string);
  });
  return {
    graph: withSaid(graph, options, { labels: order }),
    note: `labels ${order.join(', ')}: column ${column} in alphabetical order, which the model's answers bear out (--labels says it otherwise)`,
  };
}

async function int8Of(graph: Graph, plan: PlanOptions, recording: Recording) {
  if (isQuantised(graph)) return { int8: graph, warnings: [] };
  const bar = await progressBar(undefined);
  try {
    async function* chunks() {
      yield recording.signals;
    }
    const made = await quantizeStream(graph, chunks(), { ...plan, noReport: true, onProgress: bar.onProgress });
    return { int8: made.graph, warnings: made.calibration.warnings.map(({ code, what }) => `${code} ${what}`) };
  } finally {
    bar.stop();
  }
}

/** The bundle over the whole recording. */
async function runOver(wasm: Uint8Array, recording: Recording, rateHz: number | undefined) {
  const session = await openSession(wasm as BufferSource);
  await requireSelfTest(session);
  session.reset();
  const { truth, columns, describe } = recording;
  const recorder = new Recorder({
    manifest: session.manifest,
    source: describe,
    rateHz,
    keepInput: true,
    inputNames: columns,
    truthName: truth?.column,
  });
  for (const { at, end, parts } of hopsOf(session, recording.signals)) {
    const began = performance.now();
    const due = session.push(parts.length === 1 ? (parts[0] as Float32Array) : parts);
    const ms = performance.now() - began;
    recorder.frames(parts[0] as Float32Array, 0, end - at, ms);
    if (end - at === session.hop) recorder.hop(ms);
    const start = session.outputIndex * session.hop;
    if (due) recorder.output(Float32Array.from(session.output()), start, start + session.window, truth);
  }
  return recorder;
}

/** Accuracy or error of float and of the int8 module, in a sentence. */
function judgedText({ comparison, truthAt }: Judgement, truth: string | undefined): string {
  const { forms, judged: windows } = comparison;
  const last = forms.at(-1);
  const float = forms.find((f) => f.name.startsWith('float') && (f.name === last?.against || f.name === 'float windowed'));
  const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
  const against = `(${count(windows)} windows${truth ? `, truth ${truth} at ${truthAt}` : ''})`;
  if (last?.classes)
    return `right answers: ${float?.classes ? `float ${percent(float.classes.accuracy)}, ` : ''}int8 streamed ${percent(last.classes.accuracy)} ${against}`;
  const digits = (x: number) => `${Number(x.toPrecision(3))}`;
  if (last?.values)
    return `mean error: ${float?.values ? `float ${digits(float.values.mae)}, ` : ''}int8 streamed ${digits(last.values.mae)} ${against}`;
  if (!last || !float) return `no truth to judge by ${against}`;
  const same = last.agreement === undefined ? '' : `; the same class as float in ${percent(last.agreement)}`;
  return `int8 is ${last.outputSqnrDb.toFixed(1)} dB from float${same} ${against}`;
}

/** The text of an argument as a shell takes it. */
const quoted = (text: string): string => (/^[\w./:=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function projectOf(
  args: Args,
  graph: Graph,
  plan: PlanOptions,
  files: { int8: string; bundle: string },
  recording: Recording,
): Project {
  const rateHz = Number(graph.metadata['runlet.sample_rate_hz']);
  const labels = labelsIn(graph.metadata);
  const columns = args.columns ?? recording.columns;
  return {
    model: args.model,
    ...files,
    hop: plan.hop,
    ...(plan.mode && { mode: plan.mode }),
    ...(plan.prefer && { prefer: plan.prefer }),
    ...(rateHz > 0 && { rate: rateHz }),
    ...(columns && { columns }),
    ...(labels && { labels }),
    ...(args.truthAt && { truthAt: args.truthAt }),
    target: args.target,
    calib: args.data,
  };
}

/** What was made, to be told. */
interface Made {
  name: string;
  files: { int8: string; bundle: string };
  plot: string;
  /** As the file has it. */
  file: Graph;
  plan: StreamPlan;
  why: string;
  /** What to know: warnings of the calibration, and what of the data is not used. */
  notes: string[];
  /** With its truth, where that can be judged by. */
  recording: Recording;
  judgement: Judgement;
  facts: ReturnType<typeof bundleFacts>;
  rateHz: number | undefined;
  summary: RunSummary;
  seconds: number;
}

/** One screen: what was decided, and why. */
function decidedLines(args: Args, made: Made): [label: string, text: string][] {
  const { files, plot, file, plan, why, notes, recording, judgement, facts, rateHz, summary, seconds } = made;
  const unit = tickName(plan.clock);
  const ms = rateHz ? ` (${Number(((1000 * plan.hop) / rateHz).toPrecision(3))} ms)` : '';
  const values = inputsOf(file).map(({ elements }) => elements);
  const work = `${count(plan.macsPerHop)} multiply-adds a hop, ${count(plan.macsPerWindow)} a window`;
  const hopTime = summary.microsecondsPerHop ? `, ${summary.microsecondsPerHop.median} us a hop on this machine` : '';
  const kind = isQuantised(file) ? 'int8' : 'float';
  return [
    ['model', `${basename(args.model)}: ${kind}, a window of ${plan.window} ${unit} of ${values.join(' + ')} values`],
    ['data', `${recording.describe}; ${count(summary.frames)} ${unit}${rateHz ? ` at ${rateHz} Hz` : ''}`],
    ['hop', `${plan.hop} ${unit}${ms}: ${why}`],
    ['plan', `${plan.mode}; ${work}: ${savedText(plan)}`],
    ['judged', judgedText(judgement, recording.truth?.column)],
    ...notes.map((text): [string, string] => ['note', text]),
    ['module', `${files.bundle}: ${bytesText(facts.fileBytes)}, memory ${count(facts.memoryBytes)} bytes${hopTime}`],
    ['beside', `${files.int8}, ${plot}, ${projectFile} (${seconds.toFixed(1)} s)`],
  ];
}

/** Commands to go on with. */
function nextLines(args: Args, { name, files, file, recording: { truth } }: Made): string[] {
  const at = (path: string) => quoted(relative('.', path) || path);
  const data = `${at(files.bundle)} ${quoted(args.data)}${truth ? ` --truth ${quoted(truth.column)}` : ''}`;
  const folder = join(dirname(name), `${basename(name)}-c`);
  return [
    `  run     runlet run ${data}`,
    // it plays one signal
    ...(file.inputs.length === 1 ? [`  page    runlet page ${data}`] : []),
    `  device  runlet build ${at(files.int8)} --target native --emit-c ${at(folder)}`,
  ];
}

function tell(args: Args, made: Made): void {
  const colour = coloursFor(process.stdout);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  for (const [label, text] of decidedLines(args, made)) say(`${colour.bold(label.padEnd(8))} ${text}`);
  say(`\n${colour.bold('Go on:')}`);
  for (const line of nextLines(args, made)) say(line);
  if (made.recording.truth && !isQuantised(made.file))
    say('Judged on the recording that it was quantised with; the first command judges it on another one.');
}

async function make(args: Args): Promise<void> {
  const started = performance.now();
  const file = await loadGraph({ ...args, calib: args.data });
  const mode = args.mode ?? modeInFile(file);
  const { hop: chosen, why } = hopOf(file, args.hop, mode);
  const options: PlanOptions = { hop: chosen, ...(mode && { mode }), ...(args.prefer && { prefer: args.prefer }) };
  const all = await readRecording(file, args.data, {
    columns: args.columns,
    channel: args.channel,
    truth: args.truth,
    labels: args.labels,
    sampleRateHz: args.rate ?? (Number(file.metadata['runlet.sample_rate_hz']) || undefined),
  });
  checkLength(file, all);
  const { graph, note } = withLabels(withSaid(file, options, args, all), options, all, args);
  const recording: Recording = note && labelsIn(graph.metadata) === undefined ? { ...all, truth: undefined } : all;
  const { int8, warnings } = await int8Of(graph, options, recording);
  const quant = quantPlan(planStream(int8, options));
  const fields = manifestFields(int8);
  const float = isQuantised(file) ? undefined : graph;
  // judged while the compiler's thread compiles
  const [bundle, judgement] = await whileWorking('compiling, and judging float and int8', () =>
    Promise.all([
      build(quant, { producer: producer(), target: args.target, ...fields }),
      (async () => judged(float, quant, recording, args.truthAt ?? fields.truthAt))(),
    ]),
  );
  const { sampleRateHz: rateHz } = bundle.manifest;
  // what calibration warns of, a truth has measured
  const notes = [...(note ? [note] : []), ...(recording.truth ? [] : warnings)];
  const recorder = await whileWorking('running the module', () => runOver(bundle.wasm, recording, rateHz));
  const { plotRun } = await import('../report/plot.ts');
  const name = args.output ?? basename(args.model).replace(/\.[^.]*$/, '');
  const files = { int8: `${name}.rnq`, bundle: `${name}.wasm` };
  const plot = `${name}.svg`;
  await writeOut(files.int8, writeGraph(int8));
  await writeOut(files.bundle, bundle.wasm);
  await writeOut(plot, printableLines(await plotRun(recorder.plot())));
  const project = projectOf(args, int8, options, files, recording);
  await writeOut(projectFile, `${JSON.stringify(project, undefined, 2)}\n`);
  const facts = bundleFacts(bundle.wasm, bundle.manifest);
  const summary = recorder.summary({ warmUp: { outputsHeldBack: 0, framesLeft: 0 } });
  const seconds = (performance.now() - started) / 1000;
  if (args.json) return printJson({ ...files, plot, project, whyHop: why, notes, ...judgement, summary, seconds, ...facts });
  const parts = { name, files, plot, file, plan: quant.plan, why, notes, recording, judgement, facts, rateHz, summary, seconds };
  tell(args, parts);
}

export default defineVerb({
  examples: [
    ['make model.onnx recording.csv', 'read, plan, quantise, build, check, plot'],
    ['make model.tflite walk.csv --truth activity -o out/walk', 'a column with the truth, and a name for what is written'],
  ],
  args: makeArgs,
  run: ({ args }) => make(args),
});
