/**
 * runlet flash: a bundle to a gateway, or over a serial line to a device, through its trial, to what runs now; with --fleet to a site's gateways in waves.
 *
 * In: a signed bundle (a device takes images as well); the address of a gateway or of a fleet, or a port.  Out: the verdict of each step on stdout,
 * progress on stderr. Exit 0 where the bundle runs now (or, with --no-confirm, has passed), 1 where it was refused or given up, 4 where the other
 * side cannot be reached or has no room. host/flash/serial/command.ts does what goes to a device, host/gateway/fleet/command.ts what goes to a fleet.
 */

import { basename } from 'node:path';
import { defineCommand } from 'citty';
import { RunletError } from '../../models/error.ts';
import type { TrialOptions, TrialReport } from '../gateway/hub/trial.ts';
import type { GatewayClient, Progress } from '../remote/client.ts';
import { bytesText } from '../report/table.ts';
import { emptyLine, rawStream } from '../report/terminal.ts';
import { badOption, choiceOption, coloursFor, jsonArg, numberOption, printJson } from './args.ts';
import { gatewayPart } from './gateway-package.ts';
import { readBytes } from './load.ts';
import { clientOf, lineText, remoteArgs, slotArg, slotLines } from './remote.ts';

const pollMs = 150;
const ms = (n: number): string => `${n < 10 ? n.toFixed(2) : n.toFixed(0)} ms`;

export const trialArgs = {
  outputs: { type: 'string', description: 'Live outputs that the trial waits for (default 8)', valueHint: 'n' },
  seconds: { type: 'string', description: 'The most that the live trial takes (default 30)', valueHint: 's' },
  agreement: {
    type: 'string',
    description: 'Least share of outputs that must agree with the bundle that runs, 0 to 1',
    valueHint: 'share',
  },
  maxDifference: { type: 'string', description: 'Largest difference of a real value from the bundle that runs', valueHint: 'x' },
  latencyMs: {
    type: 'string',
    description: 'The most that a hop may take on average (default: half of the time that it lasts)',
    valueHint: 'ms',
  },
} as const;

const fleetArgs = {
  fleet: { type: 'string', description: "A site's gateways, by its broker, in waves", valueHint: 'mqtt://broker/site' },
  waves: { type: 'string', default: '1,10%,50%,all', description: 'Gateways that have it after each wave', valueHint: 'list' },
  maxFailures: {
    type: 'string',
    default: '0',
    description: 'Gateways that may fail, or their share of those touched; one more, and all go back',
    valueHint: 'n|p%',
  },
  waveSeconds: { type: 'string', default: '300', description: 'A gateway without a verdict has failed then', valueHint: 's' },
  settle: { type: 'string', default: '10', description: 'Seconds for which a wave is watched before the next', valueHint: 's' },
  only: { type: 'string', description: 'Only these gateways', valueHint: 'a,b' },
  key: { type: 'string', alias: 'k', description: 'Secret key that signs what the gateways shall run', valueHint: 'file' },
  insecureUnsigned: { type: 'boolean', description: 'For development: gateways that take what nobody signed' },
  registryToken: { type: 'string', description: 'File with the token of the registry (oci:// for a file)', valueHint: 'file' },
} as const;

/** @throws RN740 */
const trialOf = (args: { [K in keyof typeof trialArgs]?: string } & { confirm?: boolean }): Partial<TrialOptions> => {
  const options = {
    outputs: numberOption('outputs', args.outputs, { min: 1, whole: true }),
    seconds: numberOption('seconds', args.seconds, { min: 0, max: 86_400 }),
    agreement: numberOption('agreement', args.agreement, { min: 0, max: 1 }),
    maxDifference: numberOption('max-difference', args.maxDifference, { min: 0 }),
    latencyMs: numberOption('latency-ms', args.latencyMs, { min: 0 }),
    confirm: args.confirm !== false,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
};

/** A bar on a terminal, nothing elsewhere. */
async function barOf(total: number) {
  const { stderr } = process;
  if (!stderr.isTTY) return { seen: () => {}, stop: () => {} };
  const { SingleBar } = (await import('cli-progress')).default;
  const bar = new SingleBar({
    format: 'upload      [{bar}] {percentage} % of {total} bytes',
    barCompleteChar: '=',
    barIncompleteChar: ' ',
    barsize: 32,
    stream: rawStream(stderr),
    clearOnComplete: true,
    hideCursor: true,
  });
  bar.start(total, 0);
  return { seen: (received: number) => bar.update(received), stop: () => bar.stop() };
}

/** A line on stderr for each time that the connection broke. */
const brokeText =
  (total: number): Progress['broke'] =>
  ({ at, why, failed, tries, waitMs }) => {
    const clear = emptyLine(process.stderr);
    const text = `broke at ${at} of ${total} bytes (${why}); try ${failed} of ${tries} in ${waitMs / 1000} s`;
    process.stderr.write(`${clear}${lineText(['upload', text])}`);
  };

const checkText = ({ check }: Pick<TrialReport, 'check'>): string =>
  check
    ? `${check.goldenOutputs} outputs are those of its build; ${check.hops} hops, ${ms(check.meanMs)} each, p99 ${ms(check.p99Ms)}`
    : 'not reached';

function liveText({ outputs, streams, compared, agreement, maxDifference, meanMs }: TrialReport): string {
  if (streams === 0) return 'no stream runs in this slot, so there was nothing to try it on';
  const same = compared > 0 ? `; ${(100 * (agreement ?? 0)).toFixed(1)} % agree, largest difference ${maxDifference}` : '';
  return `${outputs} outputs on ${streams} stream${streams > 1 ? 's' : ''}${same}${meanMs === undefined ? '' : `; ${ms(meanMs)} a hop`}`;
}

/** Waits until the trial is over; shows its figures on a terminal. */
async function watch(client: GatewayClient, slot: string, digest: string, confirm: boolean): Promise<TrialReport> {
  const { stderr } = process;
  for (;;) {
    const { report } = await client.slot(slot);
    if (!report || report.digest !== digest) throw lost(slot);
    const ended = ['confirmed', 'failed', ...(confirm ? [] : ['passed'])].includes(report.phase);
    if (ended) {
      stderr.write(emptyLine(stderr));
      return report;
    }
    const text =
      report.phase === 'check' ? 'self-test' : `${report.outputs} of ${report.wanted} outputs, ${report.compared} compared`;
    if (stderr.isTTY) stderr.write(`${emptyLine(stderr)}${coloursFor(stderr).dim(`trial       ${text}`)}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

const lost = (slot: string): RunletError =>
  new RunletError('RN865', {
    what: 'the trial was lost',
    where: `slot ${slot}`,
    why: 'the gateway was restarted, or another bundle was flashed',
    tryThis: '`runlet status` says what runs',
  });

/** What only devices know. */
const serialArgs = {
  baud: { type: 'string', description: 'Device: bits a second of the port (default 115200)', valueHint: 'n' },
  name: { type: 'string', description: "Device: for people (default: the model's)", valueHint: 'text' },
  until: {
    type: 'string',
    description: 'Device: how far: staged (verified there), tried, confirmed (default)',
    valueHint: 'state',
  },
  trialS: { type: 'string', description: 'Device: seconds to start and pass its self-test (default 30)', valueHint: 's' },
  verbose: { type: 'boolean', description: 'Device: its log on standard error' },
} as const;

type SerialOptions = { [K in Exclude<keyof typeof serialArgs, 'verbose'>]?: string } & {
  bundle: string;
  to: string;
  confirm?: boolean;
  json?: boolean;
  verbose?: boolean;
};

/** @throws RN740, RN880 to RN891 */
async function toDevice({ bundle, to, confirm, name, json, verbose, ...options }: SerialOptions): Promise<void> {
  const { flashToSerial } = await import('../flash/serial/command.ts');
  const trialS = numberOption('trial-s', options.trialS, { min: 1 });
  const until = choiceOption('until', options.until, ['staged', 'tried', 'confirmed'] as const);
  await flashToSerial({
    ...{ file: bundle, to, name, json, verbose },
    bitsPerSecond: numberOption('baud', options.baud, { min: 300, whole: true }),
    until: until ?? (confirm === false ? 'tried' : undefined),
    trialMs: trialS === undefined ? undefined : trialS * 1000,
  });
}

export default defineCommand({
  meta: { name: 'flash', description: 'Send a bundle to a gateway or a device, which tries it and swaps it in, or goes back' },
  args: {
    bundle: { type: 'positional', required: true, description: 'Signed bundle (.wasm)' },
    ...remoteArgs,
    to: { ...remoteArgs.to, required: false },
    ...fleetArgs,
    ...slotArg,
    ...trialArgs,
    ...serialArgs,
    confirm: {
      type: 'boolean',
      default: true,
      description: 'Let it run once it has passed',
      negativeDescription: 'Wait: `runlet status --confirm` lets it run, `runlet rollback` gives it up',
    },
    dryRun: { type: 'boolean', description: 'Verify and test it there, and keep nothing' },
    ...jsonArg,
  },
  async run({ args }) {
    const { to, fleet } = args;
    if (to?.startsWith('serial:') && !fleet) return toDevice({ ...args, to });
    const options = trialOf(args);
    if (fleet && !to && !args.dryRun && args.confirm) {
      const { flashFleet } = await gatewayPart('runlet flash --fleet', () => import('../gateway/fleet/command.ts'));
      return flashFleet({ ...args, fleet }, options);
    }
    if (!to || fleet)
      throw new RunletError('RN852', {
        what: fleet ? 'this does not go together' : 'where shall the bundle go?',
        where: fleet ? '--fleet' : '--to, --fleet',
        why: fleet ? 'a fleet takes no --to, --dry-run and --no-confirm' : 'neither was given',
        tryThis: '--to http://HOST:8080 for one gateway, --to serial:PORT for a device, or --fleet mqtt://BROKER/SITE',
      });
    if (!/^https?:/i.test(to))
      throw badOption('to', to, 'the address of a gateway, such as http://HOST:8080, or serial: and a port');
    const client = await clientOf({ ...args, to });
    const bytes = await readBytes(args.bundle);
    const say = (name: string, text: string) => args.json || process.stdout.write(lineText([name, text]));
    const bar = await barOf(bytes.length);
    const progress: Progress = { seen: bar.seen, broke: brokeText(bytes.length) };
    if (args.dryRun) {
      const { verified, check } = await client.examine(bytes, args.slot, progress).finally(bar.stop);
      if (args.json) return printJson({ dryRun: true, verified, check });
      say('verified', aboutText(verified));
      say('self-test', checkText({ check }));
      say('dry run', 'nothing was kept');
      return;
    }
    const { staged } = await client.flash(bytes, args.slot, progress).finally(bar.stop);
    say('upload', `${basename(args.bundle)}: ${bytesText(bytes.length)}, sha256 ${staged.digest.slice(0, 12)}…`);
    say('verified', aboutText(staged));
    await client.try(args.slot, options);
    const report = await watch(client, args.slot, staged.digest, args.confirm);
    if (report.check) say('self-test', checkText(report));
    if (report.check && report.failure?.code !== 'RN832') say('live', liveText(report));
    const status = await client.slot(args.slot);
    if (args.json) printJson({ report, status });
    say(report.phase === 'failed' ? 'given up' : report.phase, verdictText(report));
    for (const line of slotLines(status).filter(([name]) => name === 'runs' || name === 'before')) say(...line);
    if (report.failure)
      throw new RunletError(report.failure.code, {
        what: `${staged.name} ${staged.version} was given up`,
        where: `slot ${args.slot}`,
        why: report.failure.why,
        tryThis: `runlet explain ${report.failure.code}`,
      });
  },
});

const aboutText = ({ name, version, sequence, keyId }: { name: string; version: string; sequence: number; keyId?: string }) =>
  `${name} ${version}, sequence ${sequence}, ${keyId ? `signed by ${keyId}` : 'NOT SIGNED (the gateway takes unsigned bundles)'}`;

function verdictText({ phase, failure, streams }: TrialReport): string {
  if (failure) return `${failure.code} ${failure.why}`;
  if (phase === 'passed') return 'waits: `runlet status --confirm` lets it run, `runlet rollback` gives it up';
  return streams > 0 ? 'swapped in without losing an output' : 'it runs from the next frame on';
}
