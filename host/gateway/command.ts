/**
 * runlet gateway: receives bundles, tries them, swaps them in, and runs streams through them.
 *
 * In: a state folder, keys.  Out: one line on stdout when it listens; a log on stderr, as lines of JSON if
 * stderr is not a terminal. It stops at SIGINT and SIGTERM.  Errors: RN862, and those of its parts.
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { readPublicKeys } from '../../assembly/bundle/keys.ts';
import { RunletError } from '../../models/error.ts';
import { exitCodes, printJson } from '../command/args.ts';
import { openPage } from '../command/browser.ts';
import { readBytes } from '../command/load.ts';
import { choice, flag, folder, type Given, group, input, jsonArg, list, number, text } from '../command/options.ts';
import { fileOf, tlsOf, tokenOf } from '../command/remote.ts';
import { defineVerb } from '../command/verb.ts';
import { type TlsParts, validityNote } from '../remote/certificates.ts';
import { keyOf } from './collect/seal.ts';
import { type clusterArgs, clusterSecrets } from './command-cluster.ts';
import { demoText, prepareStreams, streamArgs, withDemo } from './command-streams.ts';
import { checkTokenArgs, type GatewayToken, gatewayToken, isLoopback, pageLink } from './command-token.ts';
import { Gateway } from './gateway.ts';
import { gatewayApp } from './http/app.ts';
import { Door } from './http/door.ts';
import { type Served, serve, type Tls } from './http/serve.ts';
import { asFailure } from './hub/slot.ts';
import { gatewayLog } from './log.ts';
import { nodeDisk } from './store/disk.ts';
import { lockFolder } from './store/lock.ts';
import { runAll } from './store/run-all.ts';

const port = { min: 0, max: 65_535, whole: true } as const;
const whole = { min: 0, max: 2 ** 32, whole: true } as const;

const fleetArgs = group('A fleet', {
  fleet: text('Join the fleet at this broker, and run the bundles that it desires (default: the cluster)', {
    hint: 'mqtt://broker/site',
  }),
  gatewayId: text("Name in the fleet and the cluster (default: this machine's)", { hint: 'name' }),
  fleetToken: input('File with the password of the broker'),
  fleetCa: input("CA certificate that verifies the broker's certificate (PEM)"),
  fleetCert: input("The gateway's certificate, if the broker requires one (PEM)"),
  fleetKey: input('Its key (PEM)'),
  broker: number('Also run a small broker, on this port', { ...port, min: 1, hint: 'port' }),
  registry: text('Registry for oci:// bundles, then the other hosts that it may redirect to', {
    hint: 'host[,host]',
  }),
  registryToken: input('File with its token'),
});

export default defineVerb({
  examples: [
    ['gateway --demo', 'a heart-rate model on a simulated signal, and its page'],
    ['gateway --state state --key release.pub', 'accepts bundles signed with this key, on 127.0.0.1:8080'],
  ],
  args: {
    ...group('The gateway', {
      state: folder('Folder for bundles and state'),
      model: input('Bundle for slot main, if no bundle runs there yet', { hint: 'first.wasm' }),
      key: input('Public keys whose bundles are accepted (NAME.pub)', { short: 'k' }),
      insecureUnsigned: flag('For development: accept unsigned bundles'),
      threads: number('Worker threads for streams, and one for each further slot (default: cores minus one)', {
        min: 1,
        max: 64,
        whole: true,
      }),
      seconds: number('Stop after this time, for scripts', { min: 0, max: 1e6, hint: 's' }),
      log: choice('Level of the log', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
        default: 'info',
        hint: 'level',
      }),
    }),
    ...group('Access', {
      port: number('Port; 0 selects a free one', { ...port, default: 8080 }),
      host: text('Address to listen on', { default: '127.0.0.1', hint: 'address' }),
      hostName: list('Further names of the gateway, besides its address', { hint: 'name,…' }),
      tokenFile: input('File with the token that clients must send (default: a new token)'),
      insecureNoToken: flag('For development, only on this machine: require no token'),
      tlsCert: input('Certificate for HTTPS (PEM)'),
      tlsKey: input('Its key (PEM)'),
      clientCa: input('CA; clients must have a certificate from it (PEM)'),
    }),
    ...group('Limits', {
      budgetMs: number('Longest time of one call into a module', { min: 10, default: 2000, hint: 'ms' }),
      maxBytes: number('Size of the largest bundle', { ...whole, default: 16_777_216, hint: 'bytes' }),
      maxMemory: number('Largest memory of one module', { ...whole, default: 67_108_864, hint: 'bytes' }),
      maxStreams: number('Largest number of streams', { ...whole, default: 4096 }),
      safeAfter: number('Crashes in a row that lead to safe mode', { min: 1, whole: true, default: 3 }),
    }),
    ...group('Collected windows', {
      collectKey: input('File with the key that encrypts them on the disk (default: the variable RUNLET_COLLECT_KEY)'),
    }),
    ...fleetArgs,
    ...streamArgs,
    ...jsonArg,
  },
  async run({ args: given }) {
    const args = await withDemo(given);
    if (!args.key && !args.insecureUnsigned)
      throw new RunletError('RN862', {
        what: 'the gateway has no key to verify bundles with',
        where: '--key',
        tryThis: 'use --key NAME.pub of `runlet keygen`, or --insecure-unsigned for development',
      });
    checkTokenArgs(args);
    const log = gatewayLog(args.log, args.insecureUnsigned ? { INSECURE: 'unsigned bundles are accepted' } : {});
    const options = {
      policy: {
        keys: args.key ? readPublicKeys(await fileOf(args.key), args.key) : [],
        insecureUnsigned: args.insecureUnsigned ?? false,
        maxBytes: args.maxBytes,
        maxMemoryBytes: args.maxMemory,
      },
      pool: {
        threads: args.threads ?? Math.max(1, availableParallelism() - 1),
        budgetMs: args.budgetMs,
      },
      maxStreams: args.maxStreams,
      safeAfter: args.safeAfter,
      collectKey: await collectKeyOf(args.collectKey),
    };
    // the memory of streams is renewed all the time, and V8 would otherwise collect garbage too rarely
    setFlagsFromString('--optimize-for-size');
    const tls = await serverTls(args, log);
    /** Functions that stop the parts that were started, the latest first. They also run after a failure. */
    const ends: (() => Promise<unknown>)[] = [await lockFolder(args.state)];
    try {
      const gateway = await Gateway.open(nodeDisk(args.state), options);
      ends.unshift(() => gateway.close());
      logEvents(gateway, log);
      const { crashes, safeMode } = gateway.store.state;
      if (safeMode) log.error({ crashes }, 'safe mode: runs the last confirmed bundles, and no trial');
      const first = args.model;
      if (first && !gateway.slots.get('main')?.active) await firstModel(gateway, await readBytes(first));
      const { app, health } = gatewayApp({ gateway, log });
      const streams = prepareStreams({ args, gateway, app, health, log });
      ends.unshift(streams.stop);
      const token = await gatewayToken(args);
      const door = new Door({ token: token.token, hostNames: args.hostName });
      const served = await serve({ app, door, host: args.host, port: args.port, tls, log });
      ends.push(lastResort(served, log));
      ends.splice(1, 0, () => served.stop());
      await streams.start(served);
      log.info({ url: served.url, threads: options.pool.threads }, 'listens');
      ends.unshift(await fleetOf(gateway, args, log));
      announce(gateway, served, token, args.json);
      if (args.demo) process.stderr.write(demoText(served.url, token.file));
      if (args.open) openPage(pageLink(served.url, token.token));
      const { seconds } = args;
      await new Promise<void>((resolve) => {
        if (seconds !== undefined) setTimeout(resolve, 1000 * seconds).unref();
        process.once('SIGTERM', () => resolve());
        process.once('SIGINT', () => {
          process.exitCode = exitCodes.interrupted;
          resolve();
        });
      });
      log.info('stops');
    } catch (error) {
      await runAll(ends).catch((other: unknown) => log.error(asFailure(other), 'the stop also failed'));
      throw error;
    }
    await runAll(ends);
  },
});

function logEvents({ events }: Gateway, log: Logger): void {
  events.on('step', ({ step, text, failure, ...about }) => log.info({ ...about, ...failure, text }, step));
  events.on('stream', ({ state, ...about }) => log[state === 'failed' ? 'error' : 'debug'](about, `stream ${state}`));
  events.on('drift', ({ state, ...about }) => log[state === 'begins' ? 'warn' : 'info'](about, `drift ${state}`));
  events.on('fault', ({ event, error }) => log.error({ err: error, event }, 'a listener threw'));
}

/** Reads the key of collected windows from a file or the environment. @throws RN720, RN740 */
async function collectKeyOf(file: string | undefined): Promise<Uint8Array | undefined> {
  if (file !== undefined) return keyOf(new TextDecoder().decode(await fileOf(file)), `--collect-key ${file}`);
  const { RUNLET_COLLECT_KEY: given } = process.env;
  return given === undefined ? undefined : keyOf(given, 'RUNLET_COLLECT_KEY');
}

/** Reads the certificates of the server. @throws RN720, RN862 if --tls-cert is missing, RN866 */
async function serverTls(
  { tlsCert, tlsKey, clientCa }: { tlsCert?: string; tlsKey?: string; clientCa?: string },
  log: Logger,
): Promise<Tls | undefined> {
  if (!tlsCert && (tlsKey || clientCa))
    throw new RunletError('RN862', {
      what: 'the gateway would use plain HTTP',
      where: tlsKey ? '--tls-key' : '--client-ca',
      why: '--tls-cert is missing',
      tryThis: 'give the certificate of the gateway with --tls-cert FILE',
    });
  if (!tlsCert) return undefined;
  const { cert, key } = (await tlsOf({ cert: tlsCert, key: tlsKey }, 'tls')) as Required<TlsParts>;
  const { ca } = (await tlsOf({ ca: clientCa }, 'client')) ?? {};
  const note = validityNote(cert);
  if (note) log.warn({ why: note }, "TLS: clients will refuse the gateway's certificate");
  return { cert, key, ...(ca && { clientCa: ca }) };
}

type FleetArgs = Given<typeof fleetArgs> & Given<typeof clusterArgs> & { state: string; host: string };

/**
 * Starts the broker of --broker and joins the fleet of --fleet.
 * @returns a function that stops both. @throws RN720, RN740, RN851, RN852, RN862, RN866
 */
async function fleetOf(gateway: Gateway, args: FleetArgs, log: Logger): Promise<() => Promise<void>> {
  const { state, host, cluster, gatewayId, registry } = args;
  const fleet = args.fleet ?? cluster;
  const tls = await tlsOf({ ca: args.fleetCa, cert: args.fleetCert, key: args.fleetKey }, 'fleet');
  const { broker: port } = args;
  const [password, registryToken] = [await tokenOf(args.fleetToken), await tokenOf(args.registryToken)];
  if (port !== undefined && !isLoopback(host) && !password)
    throw new RunletError('RN862', {
      what: 'anybody could control the fleet',
      where: `--broker ${port}`,
      why: `the broker listens on ${host} and requires no password`,
      tryThis: 'use --fleet-token FILE',
    });
  if (args.registryToken && !registry)
    throw new RunletError('RN852', {
      what: 'the registry of the token is missing',
      where: '--registry-token',
      why: 'the token is sent to only one registry',
      tryThis: 'use --registry HOST',
    });
  const broker =
    port === undefined
      ? undefined
      : await (await import('./fleet/broker.ts')).openBroker({
          ...{ port, host, password },
          log: (about, text) => log.warn(about, `broker: ${text}`),
        });
  if (broker) log.info({ port }, 'broker');
  if (!fleet) return async () => broker?.close();
  const { joinFleet } = await import('./fleet/join.ts');
  const joined = await joinFleet(gateway, {
    fleet,
    id: gatewayId,
    disk: nodeDisk(state),
    ...(args.fleet === undefined ? await clusterSecrets(args) : { password, tls }),
    registry,
    registryToken,
    log: (about, text) => log.info(about, `fleet: ${text}`),
  }).catch(async (error: unknown) => {
    await broker?.close();
    throw error;
  });
  return async () => {
    await runAll([() => joined.close(), () => broker?.close()]);
  };
}

/** Takes the bundle of --model as if it were flashed: verifies it, checks it and confirms it. */
async function firstModel(gateway: Gateway, bytes: Uint8Array): Promise<void> {
  await gateway.receive(bytes, createHash('sha256').update(bytes).digest('hex'));
  const { failure } = await gateway.try();
  if (failure) throw new RunletError(failure.code, { what: 'the first bundle has failed', where: '--model', why: failure.why });
}

function announce(gateway: Gateway, { url }: Served, { token, file, made }: GatewayToken, json?: boolean): void {
  if (json) {
    printJson({ url, ...(file && { tokenFile: file }), ...gateway.status() });
    return;
  }
  const runs = [...gateway.slots.values()].flatMap(({ name, state: { active } }) =>
    active ? [`slot ${name} runs ${active.name} ${active.version}`] : [],
  );
  const insecure = [
    ...(gateway.policy.insecureUnsigned ? ['unsigned bundles are accepted'] : []),
    ...(token === undefined && url.startsWith('http:') ? ['no token is required'] : []),
  ];
  const warning = insecure.length > 0 ? ` INSECURE: ${insecure.join(', ')}` : '';
  process.stdout.write(`gateway at ${url}; ${runs.join(', ') || 'no bundle runs yet'}${warning}\n`);
  if (made) process.stdout.write(`page        ${pageLink(url, token)}\n`);
  if (file) process.stdout.write(`token       ${file}; pass it to commands with --token-file\n`);
}

/**
 * Counts and logs uncaught exceptions, so that they do not end the process.
 * @returns a function that stops it.
 */
function lastResort({ counts }: Served, log: Logger): () => Promise<void> {
  const fault = (error: unknown) => {
    counts.faults++;
    log.error({ err: error }, 'fault');
  };
  const kinds = ['uncaughtException', 'unhandledRejection'] as const;
  for (const kind of kinds) process.on(kind, fault);
  return async () => {
    for (const kind of kinds) process.off(kind, fault);
  };
}
