/**
 * runlet flash: a bundle to a gateway, or over a serial line to a device, through its trial, to what runs
 * now; with --fleet to a site's gateways in waves.
 *
 * In: a signed bundle (a device takes images as well); the address of a gateway or of a fleet, or a port.
 * Out: the verdict of each step on stdout, progress on stderr. Exit 0 where the bundle runs now (or, with
 * --no-confirm, has passed), 1 where it was refused or given up, 4 where the other side cannot be reached or
 * has no room. host/flash/serial/command.ts does what goes to a device, host/gateway/fleet/command.ts what
 * goes to a fleet.
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

/** What a trial of a gateway wants. */
const trialArgs = group('The trial on a gateway', {
  outputs: number('Live outputs that the trial waits for (default 8)', { min: 1, whole: true }),
  seconds: number('The most that the live trial takes (default 30)', { min: 0, max: 86_400, hint: 's' }),
  agreement: number('Least share of outputs that must agree with the bundle that runs, 0 to 1', {
    min: 0,
    max: 1,
    hint: 'share',
  }),
  maxDifference: number('Largest difference of a real value from the bundle that runs', { min: 0, hint: 'x' }),
  latencyMs: number('The most that a hop may take on average (default: half of the time that it lasts)', { min: 0, hint: 'ms' }),
});

/** What only fleets know. */
const fleetArgs = group('A fleet', {
  fleet: text("A site's gateways, by its broker, in waves", { hint: 'mqtt://broker/site' }),
  waves: text('Gateways that have it after each wave', { default: '1,10%,50%,all', hint: 'list' }),
  maxFailures: text('Gateways that may fail, or their share of those touched; one more, and all go back', {
    default: '0',
    hint: 'n|p%',
  }),
  waveSeconds: number('A gateway without a verdict has failed then', { default: 300, min: 1, max: 86_400, hint: 's' }),
  settle: number('Seconds for which a wave is watched before the next', { default: 10, min: 0, max: 86_400, hint: 's' }),
  only: list('Only these gateways'),
  key: input('Secret key that signs what the gateways shall run', { short: 'k' }),
  insecureUnsigned: flag('For development: gateways that take what nobody signed'),
  registryToken: path('File with the token of the registry (oci:// for a file)'),
});

const trialOf = (args: Given<typeof trialArgs> & { confirm: boolean }): Partial<TrialOptions> => {
  const { outputs, seconds, agreement, maxDifference, latencyMs, confirm } = args;
  const options = { outputs, seconds, agreement, maxDifference, latencyMs, confirm };
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
    gracefulExit: false,
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
const serialArgs = group('A device', {
  baud: number('Bits a second of the port (default 115200)', { min: 300, whole: true }),
  name: text("For people (default: the model's)"),
  until: choice('How far: staged (verified there), tried, confirmed (default)', ['staged', 'tried', 'confirmed'], {
    hint: 'state',
  }),
  trialS: number('Seconds to start and pass its self-test (default 30)', { min: 1, hint: 's' }),
  verbose: flag('Its log on standard error'),
});

const declared = {
  bundle: argument(input('Signed bundle (.wasm); of a device also an image, of a fleet also oci://REGISTRY/…', {}, /^oci:/)),
  ...targetArgs,
  ...group('What is done', {
    confirm: flagOn(
      'Let it run once it has passed',
      'Wait: `runlet status --confirm` lets it run, `runlet rollback` gives it up',
    ),
    dryRun: flag('Verify and test it there, and keep nothing'),
  }),
  ...trialArgs,
  ...serialArgs,
  ...fleetArgs,
  ...jsonArg,
};

type Args = Values<typeof declared>;

const [ofDevice, ofGateway, ofFleet] = ['--to serial:PORT', '--to http://HOST:8080', '--fleet mqtt://BROKER/SITE'].map(
  (other) => `it goes with ${other}`,
) as [string, string, string];

/** @throws RN880 to RN891 */
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
    ['flash model.wasm --to http://gateway:8080 --token-file token', 'to a gateway, through its trial'],
    ['flash model.wasm --to serial:/dev/ttyUSB0', 'to a microcontroller, over its serial line'],
    ['flash model.wasm --fleet mqtt://broker/site --key release.key', "to a site's gateways, in waves"],
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
        what: fleet ? 'this does not go together' : 'where shall the bundle go?',
        where: fleet ? '--fleet' : '--to, --fleet',
        why: fleet ? 'a fleet takes no --to, --dry-run and --no-confirm' : 'neither was given',
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
