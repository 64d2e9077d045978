/**
 * runlet flash: installs a bundle on a gateway, on a device over a serial line, or with --fleet on a site's
 * gateways in waves. The bundle runs a trial first.
 *
 * In: a signed bundle (for a device also an image); the address of a gateway or fleet, or a serial port.
 * Out: the result of each step on stdout, progress on stderr. Exit code 0 if the bundle runs now (with
 * --no-confirm: has passed its trial), 1 if it was refused or reverted, 4 if the target cannot be reached or
 * has no space. host/flash/serial/command.ts handles devices, host/gateway/fleet/command.ts fleets.
 */

import { RunletError } from '../../models/error.ts';
import { badOption, printJson } from '../command/args.ts';
import { readBytes } from '../command/load.ts';
import {
  argument,
  choice,
  flag,
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
import { clientOf, targetArgs } from '../command/remote.ts';
import { defineVerb } from '../command/verb.ts';
import { gatewayPart } from './gateway-package.ts';
import { aboutText, checkText, confirmArg, install, sayOf, trialArgs, trialOf, uploadProgress } from './install.ts';

/** Options of fleets. */
const fleetArgs = group('Fleet', {
  fleet: text('Broker and site of the gateways to install on, in waves', { hint: 'mqtt://broker/site, nats://server/site' }),
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
  creds: input('Credentials for NATS (NAME.creds)'),
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
  ...confirmArg,
  ...group('Confirmation', {
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
    const say = sayOf(args);
    if (args.dryRun) {
      const { progress, stop } = await uploadProgress(bytes.length);
      const { verified, check } = await client.examine(bytes, args.slot, progress).finally(stop);
      if (args.json) return printJson({ dryRun: true, verified, check });
      say('verified', aboutText(verified));
      say('self-test', checkText({ check }));
      say('dry run', 'the bundle was not kept');
      return;
    }
    const { report, status, failure } = await install(client, bytes, { ...args, file: args.bundle, options }, say);
    if (args.json) printJson({ report, status });
    if (failure) throw failure;
  },
});
