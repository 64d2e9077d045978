/**
 * The final screen of `runlet make`: decisions with reasons, results, and the next commands.
 *
 * In: what was made, and the two arguments.  Out: lines on stdout.
 */
import { basename, dirname, join, relative } from 'node:path';
import { tickName } from '../../models/graph/clock.ts';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import { savedText } from '../../models/report/print.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { bytesText } from '../bytes-text.ts';
import { coloursFor } from '../command/args.ts';
import type { bundleFacts } from '../command/bundle-facts.ts';
import type { Judgement } from '../judge.ts';
import { inputsOf, type Recording } from '../recording.ts';
import type { RunSummary } from '../report/recorder.ts';
import { projectFile } from './project.ts';

const count = (n: number) => n.toLocaleString('en');

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
  /** With a board: how the model fits it, or was chosen. */
  board: readonly string[] | undefined;
}

/** Returns the lines of the final screen: decisions and results. */
function decidedLines(args: { model: string; data: string }, made: Made): [label: string, text: string][] {
  const { files, plot, file, plan, why, notes, recording, judgement, facts, rateHz, summary, seconds, board = [] } = made;
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
    ...board.map((text, i): [string, string] => [i === 0 ? 'board' : '', text]),
    ['files', `${files.int8}, ${plot}, ${projectFile} (${seconds.toFixed(1)} s)`],
  ];
}

/** Returns the next commands. */
function nextLines(args: { model: string; data: string }, { name, files, file, recording: { truth } }: Made): string[] {
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
export function printMade(args: { model: string; data: string }, made: Made): void {
  const colour = coloursFor(process.stdout);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  for (const [label, text] of decidedLines(args, made)) say(`${colour.bold(label.padEnd(8))} ${text}`);
  say(`\n${colour.bold('Next steps:')}`);
  for (const line of nextLines(args, made)) say(line);
  if (made.recording.truth && !isQuantised(made.file))
    say('The model was judged on its calibration recording. Use the first command to judge it on another one.');
}
