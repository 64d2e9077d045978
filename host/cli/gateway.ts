/**
 * runlet gateway: receives bundles, tries them, swaps them in, and runs streams through them.
 *
 * In: a folder for its state, keys.  Out: one line on stdout when it listens; its log on stderr, lines of JSON where that is no terminal. It stops at SIGINT and SIGTERM.
 */
import { createHash } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { defineCommand } from 'citty';
import type { Logger } from 'pino';
import { readPublicKeys } from '../../assembly/bundle/keys.ts';
import { RunletError } from '../../models/error.ts';
import { Gateway } from '../gateway/gateway.ts';
import { gatewayApp } from '../gateway/http/app.ts';
import { type TlsParts, validityNote } from '../gateway/http/certificates.ts';
import { Door } from '../gateway/http/door.ts';
import { type Served, serve, type Tls } from '../gateway/http/serve.ts';
import { asFailure } from '../gateway/hub/slot.ts';
import { gatewayLog } from '../gateway/log.ts';
import { nodeDisk } from '../gateway/store/disk.ts';
import { lockFolder } from '../gateway/store/lock.ts';
import { runAll } from '../gateway/store/run-all.ts';
import { jsonArg, numberOption, printJson } from './args.ts';
import { demoText, openPage, prepareStreams, streamArgs, streamOptions, withDemo } from './gateway-streams.ts';
import { checkTokenArgs, type GatewayToken, gatewayToken, isLoopback, pageLink } from './gateway-token.ts';
import { readBytes } from './load.ts';
import { fileOf, tlsOf, tokenOf } from './remote.ts';

export default defineCommand({
  meta: { name: 'gateway', description: 'Run a gateway: it receives bundles, tries them, swaps them in, and runs streams' },
  args: {
    state: { type: 'string', description: 'Folder for bundles and for what runs', valueHint: 'folder' },
    port: { type: 'string', default: '8080', description: 'Port; 0: any that is free', valueHint: 'n' },
    host: { type: 'string', default: '127.0.0.1', description: 'Address to listen on', valueHint: 'address' },
    model: { type: 'string', description: 'Bundle for slot main, where nothing runs there yet', valueHint: 'first.wasm' },
    key: { type: 'string', alias: 'k', description: 'Public keys whose bundles are taken (NAME.pub)', valueHint: 'file' },
    insecureUnsigned: { type: 'boolean', description: 'For development: take bundles that nobody signed' },
    tokenFile: { type: 'string', description: 'File with the token that clients must say (default: made)', valueHint: 'file' },
    insecureNoToken: { type: 'boolean', description: 'For development, on this machine alone: ask for no token' },
    hostName: { type: 'string', description: 'Names of the gateway beside its address, between commas', valueHint: 'name,…' },
    tlsCert: { type: 'string', description: 'Certificate (PEM): HTTPS', valueHint: 'file' },
    tlsKey: { type: 'string', description: 'Its key (PEM)', valueHint: 'file' },
    clientCa: { type: 'string', description: 'Clients must show a certificate of this one (PEM)', valueHint: 'file' },
    threads: {
      type: 'string',
      description: 'Worker threads for streams, and one for each further slot (default: cores, less one)',
      valueHint: 'n',
    },
    budgetMs: { type: 'string', default: '2000', description: 'The most that one call into a module may take', valueHint: 'ms' },
    mostBytes: { type: 'string', default: '16777216', description: 'Largest bundle', valueHint: 'bytes' },
    mostMemory: { type: 'string', default: '67108864', description: 'Most memory of one module', valueHint: 'bytes' },
    mostStreams: { type: 'string', default: '4096', description: 'Most streams', valueHint: 'n' },
    safeAfter: { type: 'string', default: '3', description: 'Crashes in a row that lead to safe mode', valueHint: 'n' },
    fleet: { type: 'string', description: 'Take what is desired from this broker', valueHint: 'mqtt://broker/site' },
    gatewayId: { type: 'string', description: "Name in the fleet (default: this machine's)", valueHint: 'name' },
    fleetToken: { type: 'string', description: 'File with the password of the broker', valueHint: 'file' },
    fleetCa: { type: 'string', description: "Certificate that the broker's one is held against (PEM)", valueHint: 'file' },
    fleetCert: { type: 'string', description: 'Own certificate, where the broker wants one (PEM)', valueHint: 'file' },
    fleetKey: { type: 'string', description: 'Its key (PEM)', valueHint: 'file' },
    broker: { type: 'string', description: 'Run a small broker too, on this port', valueHint: 'port' },
    registry: {
      type: 'string',
      description: 'Take bundles of oci:// from this registry, and ask the hosts after it where it sends there',
      valueHint: 'host[,host]',
    },
    registryToken: { type: 'string', description: 'File with its token', valueHint: 'file' },
    seconds: { type: 'string', description: 'Stop by itself after so long, for scripts', valueHint: 's' },
    log: {
      type: 'string',
      default: 'info',
      description: 'Level of the log: debug, info, warn, error, silent',
      valueHint: 'level',
    },
    ...streamArgs,
    ...jsonArg,
  },
  async run({ args: given }) {
    const args = await withDemo(given);
    const whole = (name: string, text: string | undefined, max = 2 ** 32) =>
      numberOption(name, text, { min: 0, max, whole: true });
    if (!args.key && !args.insecureUnsigned)
      throw new RunletError('RN862', {
        what: 'whose bundles shall the gateway take?',
        where: '--key',
        tryThis: '--key NAME.pub of `runlet keygen`, or --insecure-unsigned for development',
      });
    streamOptions(args);
    checkTokenArgs(args);
    const log = gatewayLog(args.log, args.insecureUnsigned ? { INSECURE: 'unsigned bundles are taken' } : {});
    const options = {
      policy: {
        keys: args.key ? readPublicKeys(await fileOf(args.key), args.key) : [],
        insecureUnsigned: args.insecureUnsigned ?? false,
        mostBytes: whole('most-bytes', args.mostBytes) as number,
        mostMemoryBytes: whole('most-memory', args.mostMemory) as number,
      },
      pool: {
        threads:
          numberOption('threads', args.threads, { min: 1, max: 64, whole: true }) ?? Math.max(1, availableParallelism() - 1),
        budgetMs: numberOption('budget-ms', args.budgetMs, { min: 10 }) as number,
      },
      mostStreams: whole('most-streams', args.mostStreams) as number,
      safeAfter: numberOption('safe-after', args.safeAfter, { min: 1, whole: true }) as number,
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
      const door = new Door({ token: token.token, hostNames: args.hostName?.split(',').map((name) => name.trim()) });
      const served = await serve({ app, door, host: args.host, port: whole('port', args.port, 65535) as number, tls, log });
      ends.push(lastResort(served, log));
      ends.splice(1, 0, () => served.stop());
      await streams.start(served);
      log.info({ url: served.url, threads: options.pool.threads }, 'listens');
      ends.unshift(await fleetOf(gateway, args, log));
      announce(gateway, served, token, args.json);
      if (args.demo) process.stderr.write(demoText(served.url, token.file));
      if (args.open) openPage(pageLink(served.url, token.token));
      const seconds = numberOption('seconds', args.seconds, { min: 0, max: 1e6 });
      await new Promise<void>((resolve) => {
        if (seconds !== undefined) setTimeout(resolve, 1000 * seconds).unref();
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
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

interface FleetArgs {
  state: string;
  host: string;
  fleet?: string;
  gatewayId?: string;
  fleetToken?: string;
  fleetCa?: string;
  fleetCert?: string;
  fleetKey?: string;
  broker?: string;
  registry?: string;
  registryToken?: string;
}

/** The broker and the fleet of --broker and --fleet. @returns what ends them @throws RN720, RN740, RN851, RN852, RN866 */
async function fleetOf(gateway: Gateway, args: FleetArgs, log: Logger): Promise<() => Promise<void>> {
  const { state, host, fleet, gatewayId = hostname(), registry } = args;
  const tls = await tlsOf({ ca: args.fleetCa, cert: args.fleetCert, key: args.fleetKey }, 'fleet');
  const port = numberOption('broker', args.broker, { min: 1, max: 65535, whole: true });
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
      : await (await import('../gateway/fleet/broker.ts')).openBroker({
          ...{ port, host, password },
          log: (about, text) => log.warn(about, `broker: ${text}`),
        });
  if (broker) log.info({ port }, 'broker');
  if (!fleet) return async () => broker?.close();
  const { joinFleet } = await import('../gateway/fleet/join.ts');
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

/** An error that no request, stream or trial took is counted and logged: the others must not pay for it. @returns what ends it */
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
