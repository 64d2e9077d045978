/**
 * runlet validate: compares a bundle or model with expected outputs, or the forms of a model with each other.
 *
 * With --input and --expect, outputs are compared byte by byte; exit code 1 if any differs. With --calib and
 * --hop, prints the cross table of float windowed, int8 windowed, int8 streamed and wasm over the signal.
 */
import { RunletError } from '../../models/error.ts';
import { type Rounding, references, roundingOf, roundings, withRounding } from '../../models/graph/rounding.ts';
import type { Graph } from '../../models/graph/types.ts';
import { badOption, exitCodes, printJson } from '../command/args.ts';
import { openBundle } from '../command/bundle-file.ts';
import { isWasm, loadGraph, loadQuantPlan, manifestFields, planOptions, readBytes, windowOf } from '../command/load.ts';
import {
  buildArgs,
  type CalibOptions,
  calibArgs,
  modelArgs,
  type PlanArgs,
  planArgs,
  signalArgs,
} from '../command/model-options.ts';
import { group, input, jsonArg, number, refuseGiven, reworded, type Values } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { fileFrontEnd } from '../command/sound-options.ts';
import { defineVerb } from '../command/verb.ts';
import { whileWorking } from '../report/progress.ts';
import { openSession, type Session } from '../session/index.ts';
import { readNpy } from '../sources/npy.ts';
import type { Comparison } from './compare.ts';

const { hop, ...otherPlanArgs } = planArgs;

export default defineVerb({
  examples: [
    ['validate model.tflite --input x.npy --expect y.npy', 'compares with outputs of another interpreter, byte by byte'],
    ['validate model.onnx --calib signal.npy --hop 8', 'compares float, int8, streamed and WebAssembly with each other'],
  ],
  args: {
    ...modelArgs,
    model: reworded(modelArgs.model, 'Model file or bundle (.wasm)'),
    ...group('Expected outputs', {
      input: input('.npy: one row per window, or with --hop one row per frame'),
      expect: input('.npy: one row per output'),
      expectHop: number('Frames between two rows of --expect (default: the hop)', { min: 1, whole: true }),
    }),
    ...planArgs,
    ...calibArgs,
    ...signalArgs,
    ...buildArgs,
    ...jsonArg,
  },
  async run({ args, given }) {
    const bytes = await readBytes(args.model);
    const bundle = isWasm(bytes);
    if (bundle)
      refuseGiven({ ...otherPlanArgs, ...calibArgs, ...signalArgs, ...buildArgs }, given, 'a bundle already has its settings');
    if (!args.input && !bundle && args.calib) {
      const { crossTable } = await import('./cross-table.ts');
      return crossTable(await loadGraph(args, bytes), args);
    }
    if (bundle && args.rounding)
      throw badOption(
        'rounding',
        args.rounding,
        'a model file: this bundle was built with another rule; build it again with this one',
      );
    if (!args.input || !args.expect) {
      throw new RunletError('RN748', {
        what: 'there is nothing to compare',
        why: 'validate takes --input and --expect, or a float model with --calib and --hop',
        tryThis: 'runlet validate --help',
      });
    }
    const x = readNpy(await readBytes(args.input));
    const y = readNpy(await readBytes(args.expect));
    const frame = x.shape.length >= 2 ? x.shape.slice(1).reduce((a, b) => a * b, 1) : 1;
    // the frame width of a flattened input comes from --frame, from x, or from the model's first RESHAPE
    const sound = bundle ? undefined : await soundModule(args.model, bytes);
    const graph =
      bundle || sound ? undefined : await loadGraph({ ...args, frame: args.frame ?? (args.hop ? frame : undefined) }, bytes);
    const wasm = graph ? await buildFor(graph, args) : (sound ?? bytes);
    const session = bundle ? await openBundle(args.model, bytes) : await openSession(wasm as BufferSource);
    checkOneInput(session);
    const { compareStream, compareWindows } = await import('./compare.ts');
    const { hop, expectHop = hop } = args;
    const compare = (one: Session) =>
      hop === undefined || expectHop === undefined
        ? compareWindows(wholeWindows(one), x, y)
        : compareStream(sameHop(one, hop), x, y, expectHop);
    const result = compare(session);
    if (result.outputs === 0) {
      throw new RunletError('RN746', {
        what: 'no output could be compared',
        why: 'no window at this hop starts where an expected row starts, or the input is shorter than one window',
        tryThis: 'a longer input, or --expect-hop',
      });
    }
    const equalWith = result.differing > 0 && graph ? await otherRounding(graph, args, compare) : undefined;
    const text = `${result.differing} of ${result.outputs} outputs differ (max |diff| ${result.maxDifference})`;
    if (args.json)
      printJson({
        ...result,
        rowsWithoutWindow: result.rowsWithoutWindow,
        outputs: result.outputs,
        mode: session.manifest.mode,
        hop: session.hop,
        ...(equalWith && { equalWith }),
      });
    else process.stdout.write(`${text}\n`);
    if (result.rowsWithoutWindow > 0)
      process.stderr.write(
        `${result.rows} expected rows compared; ${result.rowsWithoutWindow} have no window at this hop, or are in the warm-up\n`,
      );
    if (result.differing > 0) {
      process.stderr.write(roundingAdvice(equalWith, session));
      process.exitCode = exitCodes.checkFailed;
    }
  },
});

/** Returns the rule of --rounding that gives all expected outputs; undefined if there is none. */
async function otherRounding(
  graph: Graph,
  args: BuildArgs & { rounding?: Rounding },
  compare: (session: Session) => Comparison,
): Promise<Rounding | undefined> {
  const built = args.rounding ?? roundingOf(graph) ?? 'tflm';
  // the likeliest rule first, since each one needs a build
  for (const rounding of roundings.toReversed()) {
    const other = withRounding(graph, rounding);
    if (rounding === built || roundingOf(other) === undefined) continue;
    const session = await openSession((await buildFor(other, args)) as BufferSource);
    if (compare(session).differing === 0) return rounding;
  }
  return undefined;
}

/** Returns advice for outputs that differ; empty if there is none. */
function roundingAdvice(equalWith: Rounding | undefined, { manifest }: Session): string {
  if (equalWith)
    return `all differences come from rounding in fully connected layers: --rounding ${equalWith} reproduces every expected byte (${references[equalWith]})\n`;
  return manifest.reference ? `this module reproduces ${manifest.reference} byte for byte; see --rounding\n` : '';
}

type BuildArgs = PlanArgs & CalibOptions & Pick<Values<typeof buildArgs>, 'target' | 'style'>;

/** Builds the module of a front-end file (Signal operators); undefined for other files. */
async function soundModule(path: string, bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const frontEnd = await fileFrontEnd(path, bytes, {});
  if (!frontEnd) return undefined;
  const { buildFrontEnd } = await import('../../assembly/build-front-end.ts');
  return (await buildFrontEnd(frontEnd, { producer: producer() })).wasm;
}

/** Builds the model. Without --hop, each row is a whole window (or step): hop = window. */
async function buildFor(graph: Graph, args: BuildArgs): Promise<Uint8Array> {
  const asRows = graph.stateful ? { hop: windowOf(graph) } : ({ hop: windowOf(graph), mode: 'windowed' } as const);
  const options = args.hop ? planOptions(graph, args) : asRows;
  const quant = await loadQuantPlan(graph, options, args);
  const { build } = await import('../../assembly/build.ts');
  const fields = { producer: producer(), target: args.target, style: args.style, ...manifestFields(graph) };
  return (await whileWorking(`compiling for ${args.target}`, () => build(quant, fields))).wasm;
}

/** Checks that the model has one input, since --input is one array. @throws RN741 */
function checkOneInput({ manifest }: Session): void {
  if (manifest.inputs.length === 1) return;
  throw new RunletError('RN741', {
    what: `--input has the frames of one input, and this model has ${manifest.inputs.length}`,
    where: manifest.inputs.map((p) => p.name).join(', '),
    tryThis: '--calib with a signal for each input (the cross table), or the session from a program (runlet/session)',
  });
}

/** Checks that the session's first output is due at the end of its first window. @throws RN747 */
function wholeWindows(session: Session): Session {
  const { warmUpHops, delayFrames } = session.manifest;
  if (session.hop === session.window || (warmUpHops === 0 && delayFrames === 0)) return session;
  throw new RunletError('RN747', {
    what: 'single windows cannot be compared: this bundle uses frames outside a window',
    why: `it has a warm-up of ${warmUpHops} outputs and a delay of ${delayFrames} frames`,
    tryThis: `--hop ${session.hop}`,
  });
}

/** Checks that the session has this hop. @throws RN747 */
function sameHop(session: Session, hop: number): Session {
  if (session.hop === hop) return session;
  throw new RunletError('RN747', {
    what: `this bundle was built for hop ${session.hop}, not ${hop}`,
    tryThis: `--hop ${session.hop}, or build it again`,
  });
}
