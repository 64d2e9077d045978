/**
 * Throughput at full speed: gateways of a cluster, and as many without one, in turn.
 *
 * In: streams, seconds of signal, rounds.  Out: stream-seconds per second of both sides, their processor
 * time, and memory over time. The same sender with the same back pressure (four hops ahead of the newest
 * output) feeds all sides: the cluster through NATS, the others by WebSocket, and by MQTT through mosquitto,
 * each with a third of the streams. The sender, the gateways and the brokers share the cores.
 */
import { startBroker } from '../gateway/processes.ts';
import { type Link, overMqtt, overNats, overSockets } from './links.ts';
import { Load, type Reading, readingOf } from './load.ts';
import type { Kind } from './prepare.ts';
import { openSingles, openSite, type SiteOptions } from './site.ts';

export interface Run {
  /** Stream-seconds of signal per second. */
  speed: number;
  elapsedS: number;
  /** Processor ms per stream-second of signal. */
  gatewayMs: number;
  brokerMs: number;
  senderMs: number;
  missing: number;
  /** Over time. */
  memory: { share: number; gatewayRss: number; natsRss: number; storeBytes: number }[];
}

export interface FullSpeedOptions extends SiteOptions {
  kinds: readonly Kind[];
  streams: number;
  signalS: number;
  sampleMs?: number;
}

/** Options of gateways at full speed: larger queues, as in the load test of one gateway. */
const fullSpeed = (streams: number) => ['--max-streams', `${streams + 16}`, '--max-waiting', '16', '--max-lag-ms', '10000'];

/** What is fed: a way to it, what has been used so far, and its end. */
interface Side {
  link: Link;
  read(): Promise<Reading>;
  end(): Promise<unknown>;
}

async function runOf({ kinds, streams, signalS, sampleMs = 1000 }: FullSpeedOptions, { link, read, end }: Side): Promise<Run> {
  const load = new Load({ kinds, link, streams, signalS, fullSpeed: true, prefix: 'f' });
  const memory: Run['memory'] = [];
  const before = await read();
  let sampling = false;
  const sample = async () => {
    if (sampling) return;
    sampling = true;
    const { gatewayRss, natsRss, kept } = await read();
    memory.push({ share: load.share, gatewayRss, natsRss, storeBytes: kept.reduce((all, { bytes }) => all + bytes, 0) });
    sampling = false;
  };
  const timer = setInterval(() => void sample(), sampleMs);
  await load.run();
  const after = await read();
  clearInterval(timer);
  await link.stop();
  await end();
  const elapsedS = (after.atMs - before.atMs) / 1000;
  const work = streams * signalS;
  const each = (of: (one: Reading) => number) => (1000 * (of(after) - of(before))) / work;
  return {
    speed: work / elapsedS,
    elapsedS,
    gatewayMs: each(({ gatewayCpuS }) => gatewayCpuS),
    brokerMs: each(({ brokerCpuS }) => brokerCpuS),
    senderMs: each(({ senderCpuS }) => senderCpuS),
    missing: load.expected - load.received,
    memory,
  };
}

export async function clusterRun(options: FullSpeedOptions): Promise<Run> {
  const more = [...fullSpeed(options.streams), ...(options.more ?? [])];
  const { place, members, server, end } = await openSite({ ...options, more });
  return runOf(options, { link: await overNats(place), read: () => readingOf(members, server), end });
}

export async function socketRun(options: FullSpeedOptions): Promise<Run> {
  const { members, end } = await openSingles({ ...options, more: fullSpeed(options.streams) });
  return runOf(options, { link: await overSockets(members, options.kinds), read: () => readingOf(members), end });
}

export async function mqttRun(options: FullSpeedOptions): Promise<Run> {
  const broker = await startBroker(options.folder);
  const wire = (id: string) => ['--mqtt', broker.url, '--mqtt-id', id, '--mqtt-qos', '1'];
  const { members, end } = await openSingles({ ...options, more: fullSpeed(options.streams) }, wire);
  const link = await overMqtt(broker.url, members);
  return runOf(options, { link, read: () => readingOf(members, undefined, broker), end: () => end().then(broker.stop) });
}
