/**
 * runlet make MODEL DATA: makes a module from a model file and a recording in one step, with good defaults.
 * Of several sizes of one model, --board takes the most accurate that fits.
 *
 * In: a model file or several, a recording of its signal.  Out: NAME.rnq (the int8 model), NAME.wasm (the
 * bundle), NAME.svg (its run over the recording), and runlet.json, which other verbs read. Prints one screen:
 * the decisions with reasons, the accuracy of int8, and the next commands.
 */

import { basename } from 'node:path';
import { type Bundle, build } from '../../assembly/build.ts';
import { RunletError } from '../../models/error.ts';
import { clockOf } from '../../models/graph/clock.ts';
import { writeGraph } from '../../models/graph/file.ts';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import { printableLines } from '../../models/printable.ts';
import { accuracyIn } from '../../models/read/accuracy.ts';
import { labelsIn } from '../../models/read/detection.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { quantizeStream } from '../../quant/quantize.ts';
import { printJson } from '../command/args.ts';
import { bundleFacts } from '../command/bundle-facts.ts';
import { progressBar } from '../command/calibration.ts';
import { hopOf, loadGraph, manifestFields, withSaid } from '../command/load.ts';
import {
  accuraciesArg,
  accuraciesFor,
  labelsArg,
  modelArgs,
  planArgs,
  signalArgs,
  targetArg,
  truthArgs,
} from '../command/model-options.ts';
import { choice, group, jsonArg, output, rest, reworded, signals, type Values } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { defineVerb } from '../command/verb.ts';
import { boards } from '../fit/boards.ts';
import { requireAccuracies } from '../fit/choose.ts';
import { requireScalar } from '../fit/examine.ts';
import { type Judgement, judged, labelOrder } from '../judge.ts';
import { modeInFile } from '../model-fields.ts';
import { hopsOf, inputsOf, type Recording, readRecording } from '../recording.ts';
import { whileWorking } from '../report/progress.ts';
import { Recorder } from '../report/recorder.ts';
import { openSession } from '../session/index.ts';
import { requireSelfTest } from '../session/self-test.ts';
import { type Built, chooseBuilt, needsBoard, reportNone, type Sized } from './make-sizes.ts';
import { printMade } from './make-text.ts';
import { type Project, projectFile } from './project.ts';
import { writeOut } from './save.ts';

const { model, timeAxis, frame, window } = modelArgs;
const { hop, mode, prefer } = planArgs;

const makeArgs = {
  model: reworded(model, `${model.about}; several sizes of one model may be given with --board`),
  data: rest(
    signals(
      'Recording of the signal, the last argument: .csv, .npy, .npz or .wav; a CSV may have a time column and a truth column',
    ),
  ),
  ...group('Output', {
    output: output("Path of the written files, without extension (default: the model's name)", { short: 'o', hint: 'name' }),
  }),
  ...group('Reading the model', { timeAxis, frame, window }),
  ...group('Streaming', { hop, mode, prefer }),
  ...signalArgs,
  ...truthArgs,
  ...labelsArg,
  ...targetArg,
  ...group('Board', {
    board: choice(
      'Board that the module must fit, at the rate of the signal; of several sizes the most accurate that fits is made',
      Object.keys(boards),
      {
        hint: 'board',
      },
    ),
    ...accuraciesArg,
  }),
  ...jsonArg,
};
/** Arguments for one model: the file, and its recording. */
type Args = Omit<Values<typeof makeArgs>, 'data' | 'accuracy'> & { data: string; accuracy?: number | undefined };

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

/** A model that is quantised and planned, and the decisions so far. */
interface Prepared {
  args: Args;
  file: Graph;
  /** The graph with the settings of the command line. */
  graph: Graph;
  int8: Graph;
  quant: QuantPlan;
  options: PlanOptions;
  recording: Recording;
  why: string;
  notes: string[];
}

const read = (args: Args): Promise<Graph> => loadGraph({ ...args, calib: args.data });

/** Quantises and plans a model. */
async function prepare(args: Args, file: Graph): Promise<Prepared> {
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
  // with truth, the accuracy is measured, so calibration warnings are not shown
  const notes = [...(note ? [note] : []), ...(recording.truth ? [] : warnings)];
  return { args, file, graph, int8, quant, options, recording, why, notes };
}

const compiled = ({ args, quant, int8 }: Prepared): Promise<Bundle> =>
  build(quant, { producer: producer(), target: args.target, ...manifestFields(int8) });

const judgementOf = async ({ args, file, graph, int8, quant, recording }: Prepared): Promise<Judgement> =>
  judged(isQuantised(file) ? undefined : graph, quant, recording, args.truthAt ?? manifestFields(int8).truthAt);

/** Runs, draws and writes the module of a model, and reports. @param sized the choice, with a board. */
async function finish(
  made: Prepared,
  bundle: Bundle,
  judgement: Judgement,
  started: number,
  sized?: Sized<Prepared>,
): Promise<void> {
  const { args, file, int8, quant, options, recording, why, notes } = made;
  const { sampleRateHz: rateHz } = bundle.manifest;
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
  if (args.json)
    return printJson({ ...files, plot, project, whyHop: why, notes, ...judgement, summary, seconds, ...facts, ...sized?.json });
  const parts = { name, files, plot, file, plan: quant.plan, why, notes, recording, judgement, facts, rateHz, summary, seconds };
  printMade(args, { ...parts, board: sized?.lines });
}

/** Makes the module of one model. */
async function makeOne(args: Args, started: number): Promise<void> {
  const made = await prepare(args, await read(args));
  // judging runs while the compiler's thread compiles
  const [bundle, judgement] = await whileWorking('compiling, and judging float and int8', () =>
    Promise.all([compiled(made), judgementOf(made)]),
  );
  return finish(made, bundle, judgement, started);
}

/** Builds every size, and makes the module of the one that is chosen. Without one, nothing is written. */
async function makeForBoard(sizes: readonly Args[], board: string, started: number): Promise<void> {
  const [first] = sizes as [Args];
  requireScalar(first.target, '--target');
  const files: { args: Args; file: Graph }[] = [];
  for (const args of sizes) files.push({ args, file: await read(args) });
  requireAccuracies(files.map(({ args, file }) => ({ file: args.model, accuracy: args.accuracy ?? accuracyIn(file.metadata) })));
  const built: Built<Prepared>[] = [];
  for (const { args, file } of files) {
    const made = await prepare(args, file);
    built.push({ made, file: args.model, bundle: await whileWorking(`compiling ${basename(args.model)}`, () => compiled(made)) });
  }
  const sized = await chooseBuilt(built, board);
  if (!sized.chosen) return reportNone(sized, first.json);
  const { made, bundle } = sized.chosen;
  const judgement = await whileWorking('judging float and int8', () => judgementOf(made));
  return finish(made, bundle, judgement, started, sized);
}

/** The last argument is the recording; all others are models. */
async function make(all: Values<typeof makeArgs>): Promise<void> {
  const started = performance.now();
  const models = [all.model, ...all.data.slice(0, -1)];
  const data = all.data.at(-1) as string;
  const accuracies = accuraciesFor(all.accuracy, models.length);
  const sizes = models.map((model, i): Args => ({ ...all, model, data, accuracy: accuracies?.[i] }));
  if (all.board !== undefined) return makeForBoard(sizes, all.board, started);
  if (models.length > 1) throw needsBoard(models);
  return makeOne(sizes[0] as Args, started);
}

export default defineVerb({
  examples: [
    ['make model.onnx recording.csv', 'reads, plans, quantises, builds, checks and plots'],
    ['make model.tflite walk.csv --truth activity -o out/walk', 'also compares with a truth column, and names the files'],
    [
      'make small.onnx large.onnx walk.csv --board esp32s3',
      'makes the most accurate of several sizes of one model that fits the board',
    ],
  ],
  args: makeArgs,
  run: ({ args }) => make(args),
});
