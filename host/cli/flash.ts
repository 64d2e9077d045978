/**
 * runlet flash: installs a bundle on a gateway, on a device over a serial line, or with --fleet on a site's
 * gateways in waves. The bundle runs a trial first.
 *
 * In: a signed bundle (for a device also an image); the address of a gateway or fleet, or a serial port.
 * Out: the result of each step on stdout, progress on stderr. Exit code 0 if the bundle runs now (with
 * --no-confirm: has passed its trial), 1 if it was refused or reverted, 4 if the target cannot be reached or
 * has no space. host/flash/serial/command.ts handles devices, host/gateway/fleet/command.ts fleets.
 */

import { basename } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { bytesText } from '../bytes-text.ts';
import { badOption, coloursFor, printJson } from '../command/args.ts';
import { readBytes } from '../command/load.ts';
import {
  argument,
  choice,
  flag,
  flagOn,
  type Given,
  group,
  input,
  jsonArg,
  list,
  number,
  path,
  refuseGiven,
  text,
  type Values,
} from '../command/options.ts';
import { clientOf, lineText, slotLines, targetArgs } from '../command/remote.ts';
import { defineVerb } from '../command/verb.ts';
import type { TrialReport } from '../gateway/hub/events.ts';
import type { TrialOptions } from '../gateway/hub/trial.ts';
import type { GatewayClient, Progress } from '../remote/client.ts';
import { emptyLine, rawStream } from '../report/terminal.ts';
import { gatewayPart } from './gateway-package.ts';

const pollMs = 150;
const ms = (n: number): string => `${n < 10 ? n.toFixed(2) : n.toFixed(0)} ms`;

/** Options of the trial on a gateway. */
const trialArgs = group('Trial on a gateway', {
  outputs: number('Number of live outputs that the trial waits for (default 8)', { min: 1, whole: true }),
  seconds: number('Maximum duration of the live trial (default 30)', { min: 0, max: 86_400, hint: 's' }),
  agreement: number('Minimum share of outputs that must agree with the running bundle, 0 to 1', {
    min: 0,
    max: 1,
    hint: 'share',
  }),
  maxDifference: number('Maximum difference of a real output value from the running bundle', { min: 0, hint: 'x' }),
  latencyMs: number('Maximum average time of a hop (default: half of its duration in the signal)', { min: 0, hint: 'ms' }),
});

/** Options of fleets. */
const fleetArgs = group('Fleet', {
  fleet: text('Broker and site of the gateways to install on, in waves', { hint: 'mqtt://broker/site' }),
  waves: text('Number or share of gateways that have the bundle after each wave', { default: '1,10%,50%,all', hint: 'list' }),
  maxFailures: text('Maximum number of failed gateways, or their share of the gateways reached so far; beyond it all revert', {
    default: '0',
    hint: 'n|p%',
  }),
  waveSeconds: number('Time after which a gateway without a result counts as failed', {
    default: 300,
    min: 1,
    max: 86_400,
    hint: 's',
  }),
  settle: number('Time to watch a wave before the next one', { default: 10, min: 0, max: 86_400, hint: 's' }),
  only: list('Install only on these gateways'),
  key: input('Secret key that signs the desired state of the gateways', { short: 'k' }),
  insecureUnsigned: flag('For development: do not sign, for gateways that accept unsigned bundles'),
  registryToken: path("File with the registry's token (for oci://)"),
});

const trialOf = (args: Given<typeof trialArgs> & { confirm: boolean }): Partial<TrialOptions> => {
  const { outputs, seconds, agreement, maxDifference, latencyMs, confirm } = args;
  const options = { outputs, seconds, agreement, maxDifference, latencyMs, confirm };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
};

/** Shows a progress bar if stderr is a terminal. */
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
    gracefulExit: false,
  });
  bar.start(total, 0);
  return { seen: (received: number) => bar.update(received), stop: () => bar.stop() };
}

/** Prints a line to stderr each time the connection breaks. */
const brokeText =
  (total: number): Progress['broke'] =>
  ({ at, why, failed, tries, waitMs }) => {
    const clear = emptyLine(process.stderr);
    const text = `interrupted at ${at} of ${total} bytes (${why}); retry ${failed} of ${tries} in ${waitMs / 1000} s`;
    process.stderr.write(`${clear}${lineText(['upload', text])}`);
  };

const checkText = ({ check }: Pick<TrialReport, 'check'>): string =>
  check
    ? `${check.goldenOutputs} outputs equal those of the build; ${check.hops} hops, ${ms(check.meanMs)} each, p99 ${ms(check.p99Ms)}`
    : 'not reached';

function liveText({ outputs, streams, compared, agreement, maxDifference, meanMs }: TrialReport): string {
  if (streams === 0) return 'no stream runs in this slot, so there was no live trial';
  const same = compared > 0 ? `; ${(100 * (agreement ?? 0)).toFixed(1)} % agree, largest difference ${maxDifference}` : '';
  return `${outputs} outputs on ${streams} stream${streams > 1 ? 's' : ''}${same}${meanMs === undefined ? '' : `; ${ms(meanMs)} per hop`}`;
}

/** Waits until the trial ends; shows its progress on a terminal. @throws RN865 */
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
    tryThis: 'see what runs with runlet status',
  });

/** Options of devices. */
const serialArgs = group('Device', {
  baud: number('Bits per second of the port (default 115200)', { min: 300, whole: true }),
  name: text("Name to show to people (default: the model's)"),
  until: choice(
    'Step to stop after: staged (verified on the device), tried or confirmed (default)',
    ['staged', 'tried', 'confirmed'],
    {
      hint: 'state',
    },
  ),
  trialS: number('Time limit to start and pass the self-test (default 30)', { min: 1, hint: 's' }),
  verbose: flag("Print the device's log to standard error"),
});

const declared = {
  bundle: argument(input('Signed bundle (.wasm); for a device also an image, for a fleet also oci://REGISTRY/…', {}, /^oci:/)),
  ...targetArgs,
  ...group('Confirmation', {
    confirm: flagOn(
      'Confirm the bundle after it has passed its trial',
      'Do not confirm: runlet status --confirm does it later, runlet rollback discards the bundle',
    ),
    dryRun: flag('Only verify and test the bundle there; keep nothing'),
  }),
  ...trialArgs,
  ...serialArgs,
  ...fleetArgs,
  ...jsonArg,
};

type Args = Values<typeof declared>;

const [ofDevice, ofGateway, ofFleet] = ['--to serial:PORT', '--to http://HOST:8080', '--fleet mqtt://BROKER/SITE'].map(
  (other) => `it is only for ${other}`,
) as [string, string, string];

/** Installs a bundle or image on a device. @throws RN880 to RN891 */
async function toDevice({ bundle, to, confirm, name, json, verbose, ...options }: Args & { to: string }): Promise<void> {
  const { flashToSerial } = await import('../flash/serial/command.ts');
  const { trialS } = options;
  await flashToSerial({
    ...{ file: bundle, to, name, json, verbose },
    bitsPerSecond: options.baud,
    until: options.until ?? (confirm ? undefined : 'tried'),
    trialMs: trialS === undefined ? undefined : trialS * 1000,
  });
}

export default defineVerb({
  examples: [
    ['flash model.wasm --to http://gateway:8080 --token-file token', 'installs on a gateway, with a trial'],
    ['flash model.wasm --to serial:/dev/ttyUSB0', 'installs on a microcontroller, over its serial line'],
    ['flash model.wasm --fleet mqtt://broker/site --key release.key', "installs on a site's gateways, in waves"],
  ],
  args: declared,
  async run({ args, given }) {
    const { to, fleet } = args;
    if (to?.startsWith('serial:') && !fleet) {
      refuseGiven({ ...targetArgs, ...trialArgs, dryRun: declared.dryRun }, given, ofGateway, ['to']);
      refuseGiven(fleetArgs, given, ofFleet);
      return toDevice({ ...args, to });
    }
    const options = trialOf(args);
    if (fleet && !to && !args.dryRun && args.confirm) {
      refuseGiven(serialArgs, given, ofDevice);
      const { flashFleet } = await gatewayPart('runlet flash --fleet', () => import('../gateway/fleet/command.ts'));
      return flashFleet({ ...args, fleet }, options);
    }
    if (!to || fleet)
      throw new RunletError('RN852', {
        what: fleet ? 'these options cannot be used together' : 'the target is missing',
        where: fleet ? '--fleet' : '--to, --fleet',
        why: fleet ? '--fleet cannot be used with --to, --dry-run or --no-confirm' : 'neither option was given',
        tryThis: '--to http://HOST:8080 for one gateway, --to serial:PORT for a device, or --fleet mqtt://BROKER/SITE',
      });
    if (!/^https?:/i.test(to))
      throw badOption('to', to, 'the address of a gateway, such as http://HOST:8080, or serial: and a port');
    refuseGiven(serialArgs, given, ofDevice);
    refuseGiven(fleetArgs, given, ofFleet);
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
      say('dry run', 'the bundle was not kept');
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
    say(report.phase === 'failed' ? 'reverted' : report.phase, verdictText(report));
    for (const line of slotLines(status).filter(([name]) => name === 'running' || name === 'previous')) say(...line);
    if (report.failure)
      throw new RunletError(report.failure.code, {
        what: `${staged.name} ${staged.version} failed its trial and was reverted`,
        where: `slot ${args.slot}`,
        why: report.failure.why,
        tryThis: `runlet explain ${report.failure.code}`,
      });
  },
});

const aboutText = ({ name, version, sequence, keyId }: { name: string; version: string; sequence: number; keyId?: string }) =>
  `${name} ${version}, sequence ${sequence}, ${keyId ? `signed by ${keyId}` : 'NOT SIGNED (the gateway accepts unsigned bundles)'}`;

function verdictText({ phase, failure, streams }: TrialReport): string {
  if (failure) return `${failure.code} ${failure.why}`;
  if (phase === 'passed') return 'waits for runlet status --confirm; runlet rollback discards it';
  return streams > 0 ? 'swapped in without losing an output' : 'it runs from the next frame on';
}
