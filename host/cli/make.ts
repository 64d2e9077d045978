/**
 * runlet make MODEL DATA: makes a module from a model file and a recording in one step, with good defaults.
 *
 * In: a model file, a recording of its signal.  Out: NAME.rnq (the int8 model), NAME.wasm (the bundle),
 * NAME.svg (its run over the recording), and runlet.json, which other verbs read. Prints one screen: the
 * decisions with reasons, the accuracy of int8, and the next commands.
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
  data: argument(signals('Recording of the signal: .csv, .npy, .npz or .wav; a CSV may have a time column and a truth column')),
  ...group('Output', {
    output: output("Path of the written files, without extension (default: the model's name)", { short: 'o', hint: 'name' }),
  }),
  ...group('Reading the model', { timeAxis, frame, window }),
  ...group('Streaming', { hop, mode, prefer }),
  ...signalArgs,
  ...truthArgs,
  ...labelsArg,
  ...targetArg,
  ...jsonArg,
};
type Args = Values<typeof makeArgs>;

const count = (n: number) => n.toLocaleString('en');

/** Checks that the recording has at least one window. @throws RN758 */
function checkLength(graph: Graph, { signals: [first] }: Recording): void {
  const [input] = inputsOf(graph);
  const frames = Math.floor((first?.length ?? 0) / ((input?.elements ?? 1) * (input?.rate ?? 1)));
  const { window: windowFrames } = clockOf(graph);
  if (frames >= windowFrames) return;
  throw new RunletError('RN758', {
    what: `the recording has ${frames} frames, but a window needs ${windowFrames}`,
    where: 'DATA',
    tryThis: 'a longer recording: a few hundred windows of the real signal',
  });
}

/** Returns the graph with labels, if the recording's names and the model's answers reveal them. */
function withLabels(graph: Graph, options: PlanOptions, recording: Recording, args: Args): { graph: Graph; note?: string } {
  if (labelsIn(graph.metadata) || !recording.truth || recording.truth.names.length === 0) return { graph };
  const { column, names } = recording.truth;
  const order = labelOrder(graph, options, recording, args.truthAt);
  if (!order)
    return {
      graph,
      note: `the model's order of the classes ${[...names].sort().join(', ')} in column ${column} is unknown: give it with --labels`,
    };
  const { values } = recording.truth;
  values.forEach((value, i) => {
    if (!Number.isNaN(value)) values[i] = order.indexOf(names[value] as string);
  });
  return {
    graph: withSaid(graph, options, { labels: order }),
    note: `labels ${order.join(', ')}: column ${column} in alphabetical order, which agrees with the model's answers (--labels sets another order)`,
  };
}

/** Quantises the graph with the recording; returns the warnings of calibration. */
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

/** Runs the bundle over the whole recording. */
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

/** Describes the accuracy or error of float and of the int8 module. */
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
  if (!last || !float) return `there is no truth to compare with ${against}`;
  const same = last.agreement === undefined ? '' : `; the same class as float in ${percent(last.agreement)}`;
  return `int8 is ${last.outputSqnrDb.toFixed(1)} dB from float${same} ${against}`;
}

/** Quotes an argument for a shell, if necessary. */
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

/** Everything that the final screen shows. */
interface Made {
  name: string;
  files: { int8: string; bundle: string };
  plot: string;
  /** The graph as it is in the model file. */
  file: Graph;
  plan: StreamPlan;
  why: string;
  /** Notes: warnings of the calibration, and remarks about labels. */
  notes: string[];
  /** The recording; with its truth if the model can be compared with it. */
  recording: Recording;
  judgement: Judgement;
  facts: ReturnType<typeof bundleFacts>;
  rateHz: number | undefined;
  summary: RunSummary;
  seconds: number;
}

/** Returns the lines of the final screen: decisions and results. */
function decidedLines(args: Args, made: Made): [label: string, text: string][] {
  const { files, plot, file, plan, why, notes, recording, judgement, facts, rateHz, summary, seconds } = made;
  const unit = tickName(plan.clock);
  const ms = rateHz ? ` (${Number(((1000 * plan.hop) / rateHz).toPrecision(3))} ms)` : '';
  const values = inputsOf(file).map(({ elements }) => elements);
  const work = `${count(plan.macsPerHop)} multiply-adds per hop, ${count(plan.macsPerWindow)} per window`;
  const hopTime = summary.microsecondsPerHop ? `, ${summary.microsecondsPerHop.median} us per hop on this machine` : '';
  const kind = isQuantised(file) ? 'int8' : 'float';
  return [
    ['model', `${basename(args.model)}: ${kind}, a window of ${plan.window} ${unit} of ${values.join(' + ')} values`],
    ['data', `${recording.describe}; ${count(summary.frames)} ${unit}${rateHz ? ` at ${rateHz} Hz` : ''}`],
    ['hop', `${plan.hop} ${unit}${ms}: ${why}`],
    ['plan', `${plan.mode}; ${work}: ${savedText(plan)}`],
    ['judged', judgedText(judgement, recording.truth?.column)],
    ...notes.map((text): [string, string] => ['note', text]),
    ['module', `${files.bundle}: ${bytesText(facts.fileBytes)}, memory ${count(facts.memoryBytes)} bytes${hopTime}`],
    ['files', `${files.int8}, ${plot}, ${projectFile} (${seconds.toFixed(1)} s)`],
  ];
}

/** Returns the next commands. */
function nextLines(args: Args, { name, files, file, recording: { truth } }: Made): string[] {
  const at = (path: string) => quoted(relative('.', path) || path);
  const data = `${at(files.bundle)} ${quoted(args.data)}${truth ? ` --truth ${quoted(truth.column)}` : ''}`;
  const folder = join(dirname(name), `${basename(name)}-c`);
  return [
    `  run     runlet run ${data}`,
    // the page plays only one signal
    ...(file.inputs.length === 1 ? [`  page    runlet page ${data}`] : []),
    `  device  runlet build ${at(files.int8)} --target native --emit-c ${at(folder)}`,
  ];
}

/** Prints the final screen. */
function printMade(args: Args, made: Made): void {
  const colour = coloursFor(process.stdout);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  for (const [label, text] of decidedLines(args, made)) say(`${colour.bold(label.padEnd(8))} ${text}`);
  say(`\n${colour.bold('Next steps:')}`);
  for (const line of nextLines(args, made)) say(line);
  if (made.recording.truth && !isQuantised(made.file))
    say('The model was judged on its calibration recording. Use the first command to judge it on another one.');
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
  // judging runs while the compiler's thread compiles
  const [bundle, judgement] = await whileWorking('compiling, and judging float and int8', () =>
    Promise.all([
      build(quant, { producer: producer(), target: args.target, ...fields }),
      (async () => judged(float, quant, recording, args.truthAt ?? fields.truthAt))(),
    ]),
  );
  const { sampleRateHz: rateHz } = bundle.manifest;
  // with truth, the accuracy is measured, so calibration warnings are not shown
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
  printMade(args, parts);
}

export default defineVerb({
  examples: [
    ['make model.onnx recording.csv', 'reads, plans, quantises, builds, checks and plots'],
    ['make model.tflite walk.csv --truth activity -o out/walk', 'also compares with a truth column, and names the files'],
  ],
  args: makeArgs,
  run: ({ args }) => make(args),
});
