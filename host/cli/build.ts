/**
 * runlet build: builds a bundle, which is one WebAssembly module, from a model file.
 *
 * In: a model file; for a float model calibration data.  Out: the bundle, with --target all one per target;
 * its weights file if they are not in the module; with --emit-c the model as C.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type BuildOptions, type Bundle, build } from '../../assembly/build.ts';
import type { Form, Manifest } from '../../assembly/bundle/manifest.ts';
import { buildC, checkCTarget, cName } from '../../assembly/c/build-c.ts';
import type { Home } from '../../assembly/emit/home.ts';
import { type Target, targets } from '../../assembly/emit/target.ts';
import { presetNames } from '../../models/frontend/presets.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import type { Graph } from '../../models/graph/types.ts';
import { featuresSettings } from '../../models/read/detection.ts';
import { planSummary } from '../../models/report/print.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { bytesText } from '../bytes-text.ts';
import { badOption, coloursFor, kebab, printJson } from '../command/args.ts';
import { bundleFacts, detectorText, formText, homeText, soundLine } from '../command/bundle-facts.ts';
import { weightsPath } from '../command/bundle-file.ts';
import { loadGraph, loadQuantPlan, manifestFields, namesOf, planOptions, readBytes } from '../command/load.ts';
import {
  accuracyArg,
  calibArgs,
  columnsArg,
  detectorArgs,
  modelArgs,
  namesArg,
  planArgs,
  signalArgs,
  styleArg,
  targetsArg,
  truthArgs,
  weightsArg,
} from '../command/model-options.ts';
import { flag, folder, group, input, jsonArg, output, refuseGiven, reworded, text } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { provenanceArgs, provenanceOf } from '../command/provenance.ts';
import { fileFrontEnd, presetName, type SoundOptions, soundArgs, soundFrontEnd } from '../command/sound-options.ts';
import { defineVerb } from '../command/verb.ts';
import { whileWorking } from '../report/progress.ts';
import { LabelDetector } from '../session/label-detector.ts';
import { releaseArgs, releaseOf } from './release.ts';
import { writeOut } from './save.ts';
import { choiceLines, choicesOf } from './verbose.ts';

export default defineVerb({
  examples: [
    ['build model.onnx --calib signal.npy --hop 8 -o model.wasm', 'quantises and builds a float model'],
    ['build model.rnq --target all', 'builds one module for each target'],
    ['build model.rnq --target native --emit-c out/model', 'also writes the model as C, for a microcontroller'],
  ],
  args: {
    ...modelArgs,
    ...planArgs,
    ...calibArgs,
    ...columnsArg,
    ...truthArgs,
    ...accuracyArg,
    ...targetsArg,
    ...styleArg,
    ...weightsArg,
    ...group('Module', {
      wasi: flag('Make the module also a WASI command: frames on standard input, outputs on standard output (docs/runtimes.md)'),
      emitC: folder(
        'Also write the model as C without a runtime to this folder (--target native): header, source, Arduino and Zephyr metadata',
      ),
      cName: text("Name of the C files, functions and macros (default: the model's name)", { hint: 'name' }),
    }),
    ...releaseArgs,
    ...provenanceArgs,
    ...detectorArgs,
    ...group('Sound', {
      frontEnd: input(
        `Audio front end to build in, so that the module takes sound (int16): ${presetNames.join(', ')}; micro means the first`,
        { hint: 'preset' },
        presetName,
      ),
      ...soundArgs,
      rate: reworded(
        signalArgs.rate,
        'Frames per second (default: from the model, else from a time column); for sound, samples per second (default: from the preset, or 16000)',
      ),
    }),
    ...group('Output', {
      output: output('File for the bundle (default: <model>.wasm)', { short: 'o' }),
      emitAs: folder('Keep the generated AssemblyScript in this folder'),
      verbose: flag(
        'Also print the kernel and weight layout of each layer, and which style gives the smaller file, with reasons',
      ),
    }),
    ...namesArg,
    ...jsonArg,
  },
  async run({ args, given }) {
    if (!args.verbose) refuseGiven(namesArg, given, 'it changes the names of layers, which only --verbose lists');
    checkC(args);
    const bytes = await readBytes(args.model);
    const { rate } = args;
    const soundOnly = await fileFrontEnd(args.model, bytes, args, rate);
    if (soundOnly) {
      refuseGiven(provenanceArgs, given, 'this file is only a front end');
      return buildSound(soundOnly, bytes, args);
    }
    const graph = await loadGraph(args, bytes);
    const quant = await loadQuantPlan(graph, planOptions(graph, args), { ...args, rate: takesSound(args) ? undefined : rate });
    const frontEnd = await soundOf({ ...args, stepMs: args.stepMs ?? modelStepMs(graph, args.frontEnd) }, rate);
    const options = {
      producer: producer(),
      style: args.style,
      weights: args.weights,
      ...formOf(args),
      ...manifestFields(quant.plan.graph, args),
      ...releaseOf(args),
      ...(await provenanceOf(args)),
      ...(frontEnd && { frontEnd, features: undefined }),
    };
    const made = await buildTargets(quant, options, args.target);
    const single = args.target !== 'all';
    const plain = args.output ?? `${graph.name}.wasm`;
    const report: object[] = [];
    for (const { target, bundle, buildMs } of made) {
      if (bundle.manifest.detector) new LabelDetector(bundle.manifest, 0); // throws if the labels do not fit
      if (args.emitAs) await writeSource(single ? args.emitAs : join(args.emitAs, target), bundle.source);
      const output = single ? plain : plain.replace(/(\.wasm)?$/, `.${target}.wasm`);
      await writeBundle(output, bundle);
      const facts = bundleFacts(bundle.wasm, bundle.manifest);
      const choices = args.verbose
        ? await whileWorking('compiling the other style', () => choicesOf(quant, { ...options, target }, bundle))
        : undefined;
      report.push({ output, buildMs, ...facts, ...(choices && { choices }) });
      if (args.json) continue;
      if (bundle === made[0]?.bundle) printPlan(quant, bundle.manifest);
      printBytes(output, facts);
      if (choices)
        process.stdout.write(
          `${choiceLines(choices, namesOf(quant.plan.graph, args), coloursFor(process.stdout).isColorSupported).join('\n')}\n`,
        );
    }
    const [first] = made;
    const c = args.emitC !== undefined && first ? await writeC(args.emitC, quant, first.bundle, frontEnd, args.cName) : undefined;
    if (args.json) return printJson(single ? { ...report[0], ...(c && { c }) } : report);
    if (c) process.stdout.write(`${cLine(c)}\n`);
    const detects = made[0] && detectorText(made[0].bundle.manifest);
    if (detects) process.stdout.write(`detects     ${detects}\n`);
  },
});

const formOf = ({ wasi }: { wasi?: boolean }): { form?: Form } => (wasi ? { form: 'wasi' } : {});

interface Made {
  target: Target;
  bundle: Bundle;
  buildMs: number;
}

/** Checks the options of C. @throws RN512 if the target has no C, RN740 for a name that C does not allow */
function checkC({ emitC, cName: name, target }: { emitC?: string; cName?: string; target: string }): void {
  if (name !== undefined && emitC === undefined) throw badOption('c-name', name, 'a name only together with --emit-c');
  if (emitC === undefined) return;
  checkCTarget(target);
  if (name !== undefined && cName(name) !== name)
    throw badOption('c-name', name, 'lower-case letters, digits and underscores, with a letter first');
}

interface WrittenC {
  folder: string;
  name: string;
  flashBytes: number;
  ramBytes: number;
}

async function writeC(folder: string, quant: QuantPlan, bundle: Bundle, frontEnd?: FrontEnd, name?: string): Promise<WrittenC> {
  const { files, ...c } = await whileWorking('writing C', () => buildC(quant, bundle.manifest, { frontEnd, name }));
  await writeSource(folder, files);
  return { folder, ...c };
}

const cLine = ({ folder, name, flashBytes, ramBytes }: WrittenC): string =>
  `C           ${join(folder, 'src', `${name}.c`)}: constants ${flashBytes.toLocaleString('en')} bytes of flash, ${ramBytes.toLocaleString('en')} bytes of RAM; code and stack depend on the compiler`;

/** Builds one module; with `all` one for each target. */
async function buildTargets(quant: QuantPlan, options: Omit<BuildOptions, 'target'>, target: Target | 'all'): Promise<Made[]> {
  const made: Made[] = [];
  for (const each of target === 'all' ? targets : [target]) {
    const started = performance.now();
    const bundle = await whileWorking(`compiling for ${each}`, () => build(quant, { ...options, target: each }));
    made.push({ target: each, bundle, buildMs: performance.now() - started });
  }
  return made;
}

function printPlan(quant: QuantPlan, { sampleRateHz, frontEndConfig: sound }: Manifest): void {
  const rowsHz = sound ? sound.sampleRateHz / sound.stepSamples : sampleRateHz;
  process.stdout.write(`${planSummary(quant.plan, rowsHz).join('\n')}\n`);
  if (sound) process.stdout.write(`${soundLine(sound)}\n`);
}

/** Returns the step of the rows that the model was trained on, if it is known and a front end is built in. */
function modelStepMs(graph: Graph, frontEnd: string | undefined): number | undefined {
  const features = featuresSettings(graph.metadata);
  if (!features || frontEnd === undefined || frontEnd === 'none') return undefined;
  return (1000 * features.stepSamples) / features.sampleRateHz;
}

/** Writes the module, and its weights file if it has one. */
async function writeBundle(output: string, { wasm, weights }: Bundle): Promise<void> {
  await writeOut(output, wasm);
  if (weights) await writeOut(weightsPath(output), weights);
}

/** Prints the sizes of the bundle. */
function printBytes(output: string, facts: ReturnType<typeof bundleFacts>): void {
  const { home, bytes } = facts.weights;
  if (facts.form === 'wasi') process.stdout.write(`form        ${formText}\n`);
  const inside = home === 'embed' ? `weights ${bytesText(bytes)}, ` : '';
  process.stdout.write(
    `bundle      ${output}: ${bytesText(facts.fileBytes)} (code ${bytesText(facts.codeBytes)}, ${inside}tables ${bytesText(facts.tableBytes)}, manifest ${bytesText(facts.manifestBytes)})\n`,
  );
  if (home !== 'embed')
    process.stdout.write(`weights     ${weightsPath(output)}: ${bytesText(bytes)}, ${homeText(facts.weights)}\n`);
  process.stdout.write(
    `memory      ${facts.memoryBytes.toLocaleString('en')} bytes: ${home === 'tile' ? 'tables' : 'weights and tables'} ${(facts.weightBytes + facts.tableBytes).toLocaleString('en')}, state ${facts.stateBytes}, scratch ${facts.scratchBytes}, io ${facts.ioBytes}, padding ${facts.paddingBytes}\n`,
  );
}

/** Builds a front-end file as a module that turns sound into rows. */
async function buildSound(
  frontEnd: FrontEnd,
  bytes: Uint8Array,
  args: {
    model: string;
    output?: string;
    emitAs?: string;
    emitC?: string;
    frontEnd?: string;
    weights: Home;
    wasi?: boolean;
    json?: boolean;
  },
): Promise<void> {
  if (args.emitC !== undefined) throw badOption('emit-c', args.emitC, 'a network; this file is only a front end');
  if (args.frontEnd !== undefined) throw badOption('front-end', args.frontEnd, 'a network; this file is a front end');
  if (args.weights !== 'embed') throw badOption('weights', args.weights, 'a network; a front end has no weights');
  const { buildFrontEnd } = await import('../../assembly/build-front-end.ts');
  const started = performance.now();
  const bundle = await buildFrontEnd(frontEnd, {
    producer: producer(),
    ...formOf(args),
    sourceDigest: createHash('sha256').update(bytes).digest('hex'),
  });
  const buildMs = performance.now() - started;
  if (args.emitAs) await writeSource(args.emitAs, bundle.source);
  const output = args.output ?? `${frontEnd.name}.wasm`;
  await writeOut(output, bundle.wasm);
  const facts = bundleFacts(bundle.wasm, bundle.manifest);
  if (args.json) return printJson({ output, buildMs, ...facts });
  if (bundle.manifest.frontEndConfig) process.stdout.write(`${soundLine(bundle.manifest.frontEndConfig)}\n`);
  printBytes(output, facts);
}

/** Checks whether a front end is built in, so that the module takes sound. */
const takesSound = ({ frontEnd }: { frontEnd?: string | undefined }): boolean => frontEnd !== undefined && frontEnd !== 'none';

/** Makes the front end of the options. @throws RN740 for options of a front end without --front-end. */
async function soundOf(args: SoundOptions & { frontEnd?: string }, rate?: number): Promise<FrontEnd | undefined> {
  if (takesSound(args) && args.frontEnd !== undefined) return soundFrontEnd(args.frontEnd, args, rate);
  const given = Object.keys(soundArgs).find((name) => args[name as keyof SoundOptions] !== undefined);
  if (given) throw badOption(kebab(given), String(args[given as keyof SoundOptions]), 'a value only together with --front-end');
  return undefined;
}

async function writeSource(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeOut(join(folder, name), text);
}
