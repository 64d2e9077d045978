/**
 * runlet gateway: receives bundles, tries them, swaps them in, and runs streams through them.
 *
 * In: a folder for its state, keys.  Out: one line on stdout when it listens; its log on stderr, lines of
 * JSON where that is no terminal. It stops at SIGINT and SIGTERM.
 */
import { createHash } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
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
  fleet: text('Take what is desired from this broker', { hint: 'mqtt://broker/site' }),
  gatewayId: text("Name in the fleet (default: this machine's)", { hint: 'name' }),
  fleetToken: input('File with the password of the broker'),
  fleetCa: input("Certificate that the broker's one is held against (PEM)"),
  fleetCert: input('Own certificate, where the broker wants one (PEM)'),
  fleetKey: input('Its key (PEM)'),
  broker: number('Run a small broker too, on this port', { ...port, min: 1, hint: 'port' }),
  registry: text('Take bundles of oci:// from this registry, and ask the hosts after it where it sends there', {
    hint: 'host[,host]',
  }),
  registryToken: input('File with its token'),
});

export default defineVerb({
  examples: [
    ['gateway --demo', 'a heart-rate model on a made-up signal, and its page'],
    ['gateway --state state --key release.pub', 'takes what this key signed, on 127.0.0.1:8080'],
  ],
  args: {
    ...group('The gateway', {
      state: folder('Folder for bundles and for what runs'),
      model: input('Bundle for slot main, where nothing runs there yet', { hint: 'first.wasm' }),
      key: input('Public keys whose bundles are taken (NAME.pub)', { short: 'k' }),
      insecureUnsigned: flag('For development: take bundles that nobody signed'),
      threads: number('Worker threads for streams, and one for each further slot (default: cores, less one)', {
        min: 1,
        max: 64,
        whole: true,
      }),
      seconds: number('Stop by itself after so long, for scripts', { min: 0, max: 1e6, hint: 's' }),
      log: choice('Level of the log', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
        default: 'info',
        hint: 'level',
      }),
    }),
    ...group('Its door', {
      port: number('Port; 0: any that is free', { ...port, default: 8080 }),
      host: text('Address to listen on', { default: '127.0.0.1', hint: 'address' }),
      hostName: list('Names of the gateway beside its address', { hint: 'name,…' }),
      tokenFile: input('File with the token that clients must say (default: made)'),
      insecureNoToken: flag('For development, on this machine alone: ask for no token'),
      tlsCert: input('Certificate (PEM): HTTPS'),
      tlsKey: input('Its key (PEM)'),
      clientCa: input('Clients must show a certificate of this one (PEM)'),
    }),
    ...group('Limits', {
      budgetMs: number('The most that one call into a module may take', { min: 10, default: 2000, hint: 'ms' }),
      mostBytes: number('Largest bundle', { ...whole, default: 16_777_216, hint: 'bytes' }),
      mostMemory: number('Most memory of one module', { ...whole, default: 67_108_864, hint: 'bytes' }),
      mostStreams: number('Most streams', { ...whole, default: 4096 }),
      safeAfter: number('Crashes in a row that lead to safe mode', { min: 1, whole: true, default: 3 }),
    }),
    ...fleetArgs,
    ...streamArgs,
    ...jsonArg,
  },
  async run({ args: given }) {
    const args = await withDemo(given);
    if (!args.key && !args.insecureUnsigned)
      throw new RunletError('RN862', {
        what: 'whose bundles shall the gateway take?',
        where: '--key',
        tryThis: '--key NAME.pub of `runlet keygen`, or --insecure-unsigned for development',
      });
    checkTokenArgs(args);
    const log = gatewayLog(args.log, args.insecureUnsigned ? { INSECURE: 'unsigned bundles are taken' } : {});
    const options = {
      policy: {
        keys: args.key ? readPublicKeys(await fileOf(args.key), args.key) : [],
        insecureUnsigned: args.insecureUnsigned ?? false,
        mostBytes: args.mostBytes,
        mostMemoryBytes: args.mostMemory,
      },
      pool: {
        threads: args.threads ?? Math.max(1, availableParallelism() - 1),
        budgetMs: args.budgetMs,
      },
      mostStreams: args.mostStreams,
      safeAfter: args.safeAfter,
    };
    // What streams keep is renewed all the time. V8 would let some times as much garbage gather.
    setFlagsFromString('--optimize-for-size');
    const tls = await serverTls(args, log);
    /** What ends what was begun, the latest first, also where something after it fails. */
    const ends: (() => Promise<unknown>)[] = [await lockFolder(args.state)];
    try {
      const gateway = await Gateway.open(nodeDisk(args.state), options);
      ends.unshift(() => gateway.close());
      gateway.events.on('step', ({ step, text, failure, ...about }) => log.info({ ...about, ...failure, text }, step));
      gateway.events.on('stream', ({ state, ...about }) => log[state === 'failed' ? 'error' : 'debug'](about, `stream ${state}`));
      gateway.events.on('fault', ({ event, error }) => log.error({ err: error, event }, 'a listener threw'));
      const { crashes, safeMode } = gateway.store.state;
      if (safeMode) log.error({ crashes }, 'safe mode: runs what was confirmed last, and tries nothing');
      const first = args.model;
      if (first && !gateway.slots.get('main')?.active) await firstModel(gateway, await readBytes(first));
      const { app } = gatewayApp({ gateway, log });
      const streams = prepareStreams({ args, gateway, app, log });
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
      await runAll(ends).catch((other: unknown) => log.error(asFailure(other), 'the stop failed, too'));
      throw error;
    }
    await runAll(ends);
  },
});

/** @throws RN720, RN862 clients shall be asked for certificates in plain HTTP, RN866 */
async function serverTls(
  { tlsCert, tlsKey, clientCa }: { tlsCert?: string; tlsKey?: string; clientCa?: string },
  log: Logger,
): Promise<Tls | undefined> {
  if (!tlsCert && (tlsKey || clientCa))
    throw new RunletError('RN862', {
      what: 'the gateway would speak plain HTTP',
      where: tlsKey ? '--tls-key' : '--client-ca',
      why: '--tls-cert is missing',
      tryThis: '--tls-cert FILE, the certificate of the gateway',
    });
  if (!tlsCert) return undefined;
  const { cert, key } = (await tlsOf({ cert: tlsCert, key: tlsKey }, 'tls')) as Required<TlsParts>;
  const { ca } = (await tlsOf({ ca: clientCa }, 'client')) ?? {};
  const note = validityNote(cert);
  if (note) log.warn({ why: note }, "TLS: clients will refuse the gateway's certificate");
  return { cert, key, ...(ca && { clientCa: ca }) };
}

type FleetArgs = Given<typeof fleetArgs> & { state: string; host: string };

/**
 * The broker and the fleet of --broker and --fleet. @returns what ends them @throws RN720, RN740, RN851,
 * RN852, RN866
 */
async function fleetOf(gateway: Gateway, args: FleetArgs, log: Logger): Promise<() => Promise<void>> {
  const { state, host, fleet, gatewayId = hostname(), registry } = args;
  const tls = await tlsOf({ ca: args.fleetCa, cert: args.fleetCert, key: args.fleetKey }, 'fleet');
  const { broker: port } = args;
  const [password, registryToken] = [await tokenOf(args.fleetToken), await tokenOf(args.registryToken)];
  if (port !== undefined && !isLoopback(host) && !password)
    throw new RunletError('RN862', {
      what: 'anybody could tell the fleet what to run',
      where: `--broker ${port}`,
      why: `it listens on ${host}, and asks for nothing`,
      tryThis: '--fleet-token FILE',
    });
  if (args.registryToken && !registry)
    throw new RunletError('RN852', {
      what: 'whose token is this?',
      where: '--registry-token',
      why: 'it is told to one registry alone',
      tryThis: '--registry HOST',
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
    password,
    tls,
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

/** The bundle of --model: verified, tried by itself and confirmed, as one that was flashed. */
async function firstModel(gateway: Gateway, bytes: Uint8Array): Promise<void> {
  await gateway.receive(bytes, createHash('sha256').update(bytes).digest('hex'));
  const { failure } = await gateway.try();
  if (failure) throw new RunletError(failure.code, { what: 'the first bundle was given up', where: '--model', why: failure.why });
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
    ...(gateway.policy.insecureUnsigned ? ['unsigned bundles are taken'] : []),
    ...(token === undefined && url.startsWith('http:') ? ['no token is asked for'] : []),
  ];
  const warning = insecure.length > 0 ? ` INSECURE: ${insecure.join(', ')}` : '';
  process.stdout.write(`gateway at ${url}; ${runs.join(', ') || 'no bundle runs yet'}${warning}\n`);
  if (made) process.stdout.write(`page        ${pageLink(url, token)}\n`);
  if (file) process.stdout.write(`token       ${file}; commands take it by --token-file\n`);
}

/**
 * An error that no request, stream or trial took is counted and logged: the others must not pay for it.
 * @returns what ends it
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
