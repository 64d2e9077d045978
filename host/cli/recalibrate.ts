/**
 * runlet recalibrate: from the windows that a gateway has collected to a recalibrated bundle in its trial.
 *
 * In: the float model of the bundle that runs in a slot; the address of the gateway.  Out: a bundle, which is
 * compared with the running one and installed as `flash` does it. Random windows with labels judge; all
 * others calibrate, so no window does both.
 * Errors: RN797 if the model does not fit the slot, RN798 if the new bundle is clearly worse, RN874 without
 * windows, and those of quantize, build and flash. Exit codes are those of flash.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../assembly/build.ts';
import { readSecretKey } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { targets } from '../../assembly/emit/target.ts';
import { RunletError } from '../../models/error.ts';
import { carriesState } from '../../models/graph/recurrent.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { quantPlan } from '../../quant/plan.ts';
import { printJson } from '../command/args.ts';
import { loadGraph, manifestFields, planOptions, quantised, readBytes, withSaid } from '../command/load.ts';
import { calibArgs, detectorArgs, modelArgs, planArgs, signalArgs } from '../command/model-options.ts';
import { choice, flag, folder, group, input, jsonArg, number, reworded, text, type Values } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { dataOf, provenanceArgs } from '../command/provenance.ts';
import { clientOf, doorArgs } from '../command/remote.ts';
import { checkFloat, checkSlot, unfit } from '../command/slot-fit.ts';
import { defineVerb } from '../command/verb.ts';
import type { KeptJson } from '../gateway/collect/window-json.ts';
import type { SlotStatus } from '../gateway/gateway.ts';
import type { Comparison } from '../learn/compare.ts';
import type { GatewayClient } from '../remote/client.ts';
import { fetched, listed, noWindows } from '../remote/pull.ts';
import { writeWindowSet } from '../remote/window-set.ts';
import { whileWorking } from '../report/progress.ts';
import { confirmArg, install, type Say, sayOf, trialArgs, trialOf } from './install.ts';
import { compareOn, comparisonLines } from './recalibrate-judge.ts';
import { releaseArgs } from './release.ts';
import { writeOut } from './save.ts';

const { mode, prefer } = planArgs;
const { version, sequence } = releaseArgs;

const declared = {
  ...modelArgs,
  ...group('Gateway', {
    from: text('Address of the gateway', { required: true, hint: 'http://host:8080' }),
    slot: text('Slot of the gateway', { default: 'main', hint: 'name' }),
    ...doorArgs,
  }),
  ...group('Windows', {
    latest: number('Number of windows to read: the latest ones for calibration, and as many to compare on', {
      min: 1,
      max: 100_000,
      whole: true,
      default: 1000,
    }),
  }),
  ...group('Streaming', { mode, prefer }),
  ...calibArgs,
  calib: reworded(calibArgs.calib, "The model's first calibration data, to use in addition to the windows"),
  ...signalArgs,
  ...detectorArgs,
  ...group('Bundle', {
    target: choice('Engine to build for', targets, { hint: 'target', default: 'simd' }),
    version: reworded(version, 'Version (default: that of the running bundle, with +r and the sequence number)'),
    sequence: reworded(sequence, 'Sequence number (default: the next one that the gateway accepts)'),
    key: input('Secret key that signs the bundle (without one it is not signed)', { short: 'k' }),
    confirmedBy: provenanceArgs.confirmedBy,
  }),
  ...confirmArg,
  ...group('Confirmation', {
    force: flag('Install the bundle even if it is clearly worse than the running one'),
    dryRun: flag('Stop before the upload'),
  }),
  ...trialArgs,
  ...group('Output', { output: folder('Also keep windows and bundle in this folder', { short: 'o' }) }),
  ...jsonArg,
};
type Args = Values<typeof declared>;

/** The slot, the bundle that runs in it, and its signal. */
type Running = SlotStatus & { [K in 'active' | 'signal']: NonNullable<SlotStatus[K]> };

async function runningIn(client: GatewayClient, slot: string): Promise<Running> {
  const status = await client.slot(slot);
  const { active, signal } = status;
  if (active && signal) return { ...status, active, signal };
  throw unfit('no bundle runs in this slot', `slot ${slot}`, 'only a running bundle can be recalibrated', 'runlet flash BUNDLE');
}

/** Fetches the windows into two files: those that calibrate, and those that judge. @throws RN874 */
async function fetchSets(client: GatewayClient, { slot, latest }: Args, { signal }: Running, at: (name: string) => string) {
  const lists: Record<'calib' | 'eval', KeptJson[]> = { calib: [], eval: [] };
  for await (const one of listed(client, slot)) {
    const list = lists[one.labelled && one.reasons.includes('random') ? 'eval' : 'calib'];
    list.push(one);
    if (list.length > latest) list.shift();
  }
  const read = (name: 'calib' | 'eval') =>
    writeWindowSet(at(`${name}.npz`), fetched(client, slot, lists[name]), { signal, maxBytes: 2 ** 28 });
  const [calib, judging] = [await read('calib'), await read('eval')];
  if (calib.windows === 0)
    throw noWindows(slot, judging.windows > 0 ? 'all windows have a label and judge; none is left to calibrate with' : undefined);
  return { calib, judging };
}

/** Compares with the running bundle; undefined if that is not possible. */
async function comparison(int8: Graph, path: string, windows: number, { active, signal }: Running) {
  if (windows === 0 || int8.stateful || carriesState(int8)) return undefined;
  const compare = compareOn(await readBytes(path), int8, { digest: active.digest, names: signal.labels, path });
  const found = await whileWorking('comparing with the running bundle', () => compare);
  return found.windows > 0 ? found : undefined;
}

/** Refuses a bundle that is clearly worse. @throws RN798 */
function checkBetter(found: Comparison | undefined, { slot, force }: Args): void {
  if (found?.verdict !== 'worse' || force) return;
  throw new RunletError('RN798', {
    what: 'the recalibrated bundle is clearly worse than the running one',
    where: `slot ${slot}`,
    why: `on ${found.windows} random windows with labels it is better on ${found.better} and worse on ${found.worse}`,
    tryThis: 'look at the windows: the network may need new training, not a new calibration; --force installs it anyway',
  });
}

/** Builds and signs the bundle. It states what it was made from. */
async function bundleOf(int8: Graph, plan: PlanOptions, args: Args, running: Running, files: { calib: string; eval?: string }) {
  const { active, floor } = running;
  const next = args.sequence ?? floor + 1;
  const data = [
    ...(await dataOf(files.calib, 'calibration')),
    ...(args.calib === undefined ? [] : await dataOf(args.calib, 'calibration')),
    ...(files.eval === undefined ? [] : await dataOf(files.eval, 'evaluation')),
  ];
  const { wasm } = await whileWorking('compiling', () =>
    build(quantPlan(planStream(int8, plan)), {
      producer: producer(),
      ...manifestFields(int8, args),
      name: active.name,
      version: args.version ?? `${active.version.replace(/\+.*/, '').slice(0, 40)}+r${next}`,
      sequence: next,
      target: args.target,
      provenance: { replaces: active.digest, data, ...(args.confirmedBy !== undefined && { confirmed: args.confirmedBy }) },
    }),
  );
  return args.key === undefined ? wasm : signBundle(wasm, await readSecretKey(await readBytes(args.key), args.key));
}

/** Makes the bundle in `at`, compares it, and installs it. @returns what `--json` prints */
async function recalibrate(client: GatewayClient, args: Args, at: (name: string) => string, say: Say) {
  const read = await loadGraph(args);
  checkFloat(read);
  const running = await runningIn(client, args.slot);
  const plan = planOptions(read, { ...args, hop: running.signal.hop });
  const graph = withSaid(read, plan, args);
  checkSlot(graph, plan.hop, manifestFields(graph, args), args.slot, running.signal);
  const { calib, judging } = await fetchSets(client, args, running, at);
  say('windows', `${calib.windows} to calibrate with, ${judging.windows} labelled random ones to compare on`);
  const made = await quantised(graph, plan, { ...args, calib: at('calib.npz'), moreCalib: args.calib }, true);
  const { windowsUsed, windowsSeen } = made.calibration;
  say('quantised', `on ${windowsUsed} of ${windowsSeen} windows${args.calib === undefined ? '' : ', those of --calib included'}`);
  const found = await comparison(made.graph, at('eval.npz'), judging.windows, running);
  for (const [name, line] of found ? comparisonLines(found) : ([['compared', notCompared]] as const)) say(name, line);
  const bundle = await bundleOf(made.graph, plan, args, running, {
    calib: at('calib.npz'),
    ...(found && { eval: at('eval.npz') }),
  });
  await writeOut(at('bundle.wasm'), bundle);
  const facts = { windows: calib, evaluated: judging, comparison: found };
  checkBetter(found, args);
  if (args.dryRun) {
    say('dry run', 'nothing was sent');
    return { json: { dryRun: true, ...facts } };
  }
  const options = trialOf(args);
  const { report, status, failure } = await install(client, bundle, { ...args, file: 'bundle.wasm', options }, say);
  if (!failure) say('back', `runlet rollback --to ${args.from}${args.slot === 'main' ? '' : ` --slot ${args.slot}`}`);
  return { json: { ...facts, report, status }, failure };
}

const notCompared =
  'not: it needs labelled random windows of the running bundle, and a model whose answer depends on its window only';

export default defineVerb({
  examples: [
    ['recalibrate model.onnx --from http://gateway:8080 --token-file token --key release.key', 'from drift to a trial'],
    ['recalibrate model.onnx --from http://gateway:8080 --token-file token --dry-run', 'compares, and sends nothing'],
  ],
  args: declared,
  async run({ args }) {
    const client = await clientOf({ ...args, to: args.from });
    const place = args.output ?? (await mkdtemp(join(tmpdir(), 'runlet-')));
    // windows are signals of people
    await mkdir(place, { recursive: true, mode: 0o700 });
    try {
      const { json, failure } = await recalibrate(client, args, (name) => join(place, name), sayOf(args));
      if (args.json) printJson(json);
      if (failure) throw failure;
    } finally {
      if (args.output === undefined) await rm(place, { recursive: true, force: true });
    }
  },
});
