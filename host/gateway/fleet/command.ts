/**
 * runlet flash --fleet: rolls a bundle out to a site's gateways, in waves.
 *
 * In: a bundle (file or oci:// reference), the fleet's address, the rules.  Out: a table with a row per
 * gateway on stdout, progress on stderr. The exit code is 0 if the rollout is complete, and 1 if it stopped
 * and was rolled back.  Errors: RN851, RN852 to RN855, RN857, RN858, RN895.
 */

import { createHash, randomBytes } from 'node:crypto';
import { readSecretKey } from '../../../assembly/bundle/keys.ts';
import { readManifest } from '../../../assembly/bundle/read.ts';
import { RunletError } from '../../../models/error.ts';
import { bytesText } from '../../bytes-text.ts';
import { coloursFor, printJson } from '../../command/args.ts';
import { readBytes } from '../../command/load.ts';
import { tlsOf, tokenOf } from '../../command/remote.ts';
import { type Cell, table } from '../../report/table.ts';
import { emptyLine } from '../../report/terminal.ts';
import type { TrialOptions } from '../hub/trial.ts';
import { defaultPolicy } from '../verify/policy.ts';
import { siteAddress } from './address.ts';
import type { Link } from './link.ts';
import { ociReference, pullBundle } from './oci.ts';
import { openLink } from './open-link.ts';
import { failuresOf, isOver, parseLimit, parseWaves, type Rollout, touchedOf } from './rollout.ts';
import { gatewaysText, type RolloutReport, type RolloutRow, Runner } from './rollout-runner.ts';
import { type Sealer, sealer } from './signed.ts';

export interface FleetArgs {
  bundle: string;
  fleet: string;
  slot: string;
  waves: string;
  maxFailures: string;
  waveSeconds: number;
  settle: number;
  only?: string[];
  /** File with the secret key that signs desired states. */
  key?: string;
  insecureUnsigned?: boolean;
  tokenFile?: string;
  /** File of credentials for NATS. */
  creds?: string;
  registryToken?: string;
  tlsCa?: string;
  tlsCert?: string;
  tlsKey?: string;
  json?: boolean;
}

/** Reads or pulls the bundle. @throws RN852-RN855; RN601 or another error of a file that is not a bundle */
async function bundleOf({ bundle, registryToken }: FleetArgs, { maxBundleBytes, protocol }: Link) {
  const remote = bundle.startsWith('oci://');
  const bytes = remote
    ? await pullBundle(ociReference(bundle), { maxBytes: defaultPolicy.maxBytes, credentials: await tokenOf(registryToken) })
    : await readBytes(bundle);
  if (!remote && bytes.length > maxBundleBytes)
    throw new RunletError('RN852', {
      what: `a bundle of ${bytesText(bytes.length)} is too large for ${protocol}`,
      where: bundle,
      why: `the limit is ${bytesText(maxBundleBytes)}`,
      tryThis: 'push it to a registry (docs/fleet.md), and give oci://REGISTRY/REPOSITORY@sha256:… instead of the file',
    });
  const { name, version = '', sequence } = readManifest(bytes);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const text = `${name} ${version}, sequence ${sequence ?? 'none'}, ${bytesText(bytes.length)}, sha256 ${digest.slice(0, 12)}…`;
  return { ref: { digest, at: remote ? bundle : 'message' } as const, ...(!remote && { bytes }), text };
}

/** Returns the function that signs desired states. @throws RN611, RN720, RN895 if there is no key */
async function sealerOf({ key, insecureUnsigned }: FleetArgs): Promise<Sealer> {
  if (key) return sealer(await readSecretKey(await readBytes(key), key));
  if (insecureUnsigned) return sealer();
  throw new RunletError('RN895', {
    what: 'there is no key to sign the desired states with',
    where: '--key',
    why: 'gateways accept only a desired state that a trusted key has signed',
    tryThis: 'use --key NAME.key of `runlet keygen`, or --insecure-unsigned for gateways with that option',
  });
}

/** Returns a function that shows progress: one updated line on a terminal, separate lines elsewhere. */
function progressOn(stream: NodeJS.WriteStream) {
  let last = 0;
  return (rollout: Rollout, text: string) => {
    const clear = emptyLine(stream);
    if (text && !isOver(rollout)) stream.write(`${clear}${text}\n`);
    if (!stream.isTTY || (!text && performance.now() - last < 200)) return;
    last = performance.now();
    const members = [...rollout.members.values()];
    const confirmed = members.filter(({ state }) => state === 'confirmed').length;
    const line = `${confirmed} confirmed, ${failuresOf(rollout)} failed, ${touchedOf(rollout).length} of ${members.length} touched`;
    stream.write(isOver(rollout) ? clear : `${clear}${coloursFor(stream).dim(line)}`);
  };
}

export async function flashFleet(args: FleetArgs, trial: Partial<TrialOptions>): Promise<void> {
  const address = siteAddress(args.fleet, '--fleet');
  parseWaves(args.waves, 1);
  const { only } = args;
  const rules = {
    maxFailures: parseLimit(args.maxFailures),
    waveMs: 1000 * args.waveSeconds,
    settleMs: 1000 * args.settle,
  };
  const seal = await sealerOf(args);
  const tls = await tlsOf({ ca: args.tlsCa, cert: args.tlsCert, key: args.tlsKey }, 'tls');
  const interrupted = new AbortController();
  const { confirm, ...asked } = trial;
  let runner: Runner | undefined;
  const link = await openLink({
    ...address,
    clientId: `runlet-flash-${randomBytes(6).toString('hex')}`,
    password: await tokenOf(args.tokenFile),
    creds: args.creds === undefined ? undefined : await readBytes(args.creds),
    tls,
    connected: () => runner?.connected(),
  });
  const stop = () => interrupted.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const { ref, bytes, text } = await bundleOf(args, link);
    await link.ready(15_000);
    if (!args.json) process.stdout.write(`${text}\n`);
    runner = new Runner(link, {
      site: address.site,
      slot: args.slot,
      seal,
      bundle: ref,
      bytes,
      waves: args.waves,
      only,
      ...rules,
      ...(Object.keys(asked).length > 0 && { trial: asked }),
      signal: interrupted.signal,
      progress: progressOn(process.stderr),
    });
    show(await runner.run(), args.json);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await link.close();
  }
}

const cells = ({ gateway, wave, state, before, runs, seconds, code, why }: RolloutRow): Cell[] => [
  gateway,
  wave === undefined ? '' : `${wave}`,
  state,
  before ?? '',
  runs ?? '',
  seconds === undefined ? '' : `${seconds.toFixed(1)} s`,
  code ? `${code} ${(why ?? '').slice(0, 72)}`.trim() : '',
];

/** Prints the report. @throws RN857 if the rollout stopped */
function show(report: RolloutReport, json?: boolean): void {
  const { phase, why, touched, failed, rows, waves, seconds } = report;
  if (json) printJson(report);
  else {
    const head = ['gateway', 'wave', 'state', 'before', 'runs', 'took', 'failure'];
    process.stdout.write(`${table(rows.map(cells), { head, colour: Boolean(process.stdout.isTTY) })}\n`);
    const all = `${gatewaysText(touched)} in ${waves.length} wave${waves.length > 1 ? 's' : ''}`;
    if (phase === 'done')
      process.stdout.write(`done: ${all}, ${touched - failed} confirmed, ${failed} failed, ${seconds.toFixed(1)} s\n`);
  }
  if (phase === 'done') return;
  const left = rows.filter(({ state }) => state === 'not back').length;
  throw new RunletError('RN857', {
    what: 'the rollout stopped, and its gateways were rolled back',
    where: `site ${report.site}`,
    why: `${why}${left > 0 ? `; ${left} did not confirm the rollback in time` : ''}`,
    tryThis: 'see the code of each failure in the table, and use `runlet explain CODE`',
  });
}
