/**
 * What a stream of a cluster costs in a second: processor time, traffic of the broker, disk, memory.
 *
 * In: a site, streams at the signal's rate.  Out: figures per stream and second, and those of the cluster at
 * rest, which are taken off. Traffic includes one reader of all outputs, as in a site that uses them.
 * `takeUps` kills gateways meanwhile, and has the times after which their streams go on.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { overNats } from './links.ts';
import { Load, type Reading, readingOf } from './load.ts';
import type { Kind } from './prepare.ts';
import { openSite, type Site, type SiteOptions, settle } from './site.ts';

export interface Costs {
  streams: number;
  seconds: number;
  /** Processor ms, per stream and second. */
  gatewayMs: number;
  natsMs: number;
  /** Bytes that the broker receives and sends, per stream and second. */
  inBytes: number;
  outBytes: number;
  /** Bytes of frames, outputs and records that the broker writes, per stream and second; a record's size. */
  framesBytes: number;
  outputsBytes: number;
  recordsBytes: number;
  recordBytes: number;
  /** Memory per stream, of the gateways and of nats-server. */
  gatewayRss: number;
  natsRss: number;
  /** At rest: memory and processor share of a gateway and of nats-server; its messages and bytes a second. */
  rest: {
    gatewayRss: number;
    gatewayShare: number;
    natsRss: number;
    natsShare: number;
    messages: number;
    inBytes: number;
    outBytes: number;
  };
  /** Latencies of each kind, in ms. */
  latencies: { p50: number; p99: number }[];
  missing: number;
}

const [restS, warmS] = [10, 12];

/** Bytes that a stream of JetStream has taken between two readings: messages, at their mean size. */
function taken(before: Reading, after: Reading, name: RegExp): number {
  const of = ({ kept }: Reading) => kept.find((one) => name.test(one.name)) ?? { taken: 0, bytes: 0, messages: 0 };
  const [from, to] = [of(before), of(after)];
  return ((to.taken - from.taken) * to.bytes) / Math.max(1, to.messages);
}

function compared(
  streams: number,
  rest: [Reading, Reading],
  busy: [Reading, Reading],
  gateways: number,
): Omit<Costs, 'latencies' | 'missing'> {
  const [seconds, restSeconds] = [busy, rest].map(([from, to]) => (to.atMs - from.atMs) / 1000) as [number, number];
  const rate = ([from, to]: [Reading, Reading], s: number, of: (one: Reading) => number) => (of(to) - of(from)) / s;
  const each = (of: (one: Reading) => number) => (rate(busy, seconds, of) - rate(rest, restSeconds, of)) / streams;
  const written = (name: RegExp) => taken(busy[0], busy[1], name) / seconds / streams;
  const records = busy[1].kept.find(({ name }) => /_states$/.test(name));
  return {
    streams,
    seconds,
    gatewayMs: 1000 * each(({ gatewayCpuS }) => gatewayCpuS),
    natsMs: 1000 * each(({ brokerCpuS }) => brokerCpuS),
    inBytes: each(({ traffic }) => traffic.inBytes),
    outBytes: each(({ traffic }) => traffic.outBytes),
    framesBytes: written(/_FRAMES$/),
    outputsBytes: written(/_OUTPUTS$/),
    recordsBytes: written(/_states$/),
    recordBytes: (records?.bytes ?? 0) / Math.max(1, records?.messages ?? 0),
    gatewayRss: (busy[1].gatewayRss - rest[1].gatewayRss) / streams,
    natsRss: (busy[1].natsRss - rest[1].natsRss) / streams,
    rest: {
      gatewayRss: rest[1].gatewayRss / gateways,
      gatewayShare: rate(rest, restSeconds, ({ gatewayCpuS }) => gatewayCpuS) / gateways,
      natsRss: rest[1].natsRss,
      natsShare: rate(rest, restSeconds, ({ brokerCpuS }) => brokerCpuS),
      messages: rate(rest, restSeconds, ({ traffic }) => traffic.inMessages),
      inBytes: rate(rest, restSeconds, ({ traffic }) => traffic.inBytes),
      outBytes: rate(rest, restSeconds, ({ traffic }) => traffic.outBytes),
    },
  };
}

/** When the partitions and streams of a killed gateway went on, in ms after the kill. */
export interface TakeUps {
  owned: number[];
  resumed: number[];
  kills: number;
}

/** Kills a gateway, and waits until all its streams have a new output. */
async function killed({ members, place }: Site, at: number, load: Load, found: TakeUps): Promise<void> {
  const victim = members[at] as Site['members'][number];
  const lost = new Set(await victim.held());
  const waiting = new Set(load.streams.filter(({ index }) => lost.has(index % place.partitions)).map(({ name }) => name));
  await victim.end('SIGKILL');
  const killedMs = performance.now();
  const since = () => performance.now() - killedMs;
  // what it sent before its end is still on its way for some ms
  load.watch(({ name }) => {
    if (since() > 50 && waiting.delete(name)) found.resumed.push(since());
  });
  const others = members.filter((one) => one !== victim);
  const until = performance.now() + 60_000;
  while ((lost.size > 0 || waiting.size > 0) && performance.now() < until) {
    for (const number of (await Promise.all(others.map((one) => one.held()))).flat())
      if (lost.delete(number)) found.owned.push(since());
    await pause(20);
  }
  if (lost.size + waiting.size > 0) {
    const rest = `${lost.size} partitions and ${waiting.size} streams (${[...waiting].slice(0, 4).join(', ')} ...)`;
    throw new Error(`after a kill, ${rest} do not go on\n${others.map(({ errors }) => errors).join('\n')}`);
  }
  found.kills++;
  await victim.start();
  await settle(members, place.partitions);
}

export interface CostOptions extends SiteOptions {
  kinds: readonly Kind[];
  streams: number;
  seconds: number;
  /** Gateways to kill after the measurement. */
  kills: number;
}

export async function costsOf(options: CostOptions): Promise<{ costs: Costs; takeUps: TakeUps }> {
  const { kinds, streams, seconds, kills, gateways, leaseMs } = options;
  const site = await openSite({ ...options, more: ['--max-streams', `${streams * (kills + 2)}`] });
  const { members, server, place } = site;
  await pause(2 * leaseMs);
  const restBegun = await readingOf(members, server);
  await pause(1000 * restS);
  const rest: [Reading, Reading] = [restBegun, await readingOf(members, server)];
  const link = await overNats(place);
  const load = (prefix: string, signalS: number) => new Load({ kinds, link, streams, signalS, fullSpeed: false, prefix });
  const first = load('c', warmS + seconds + 2);
  const running = first.run();
  await pause(1000 * warmS);
  const busyBegun = await readingOf(members, server);
  await pause(1000 * seconds);
  const busy: [Reading, Reading] = [busyBegun, await readingOf(members, server)];
  await running;
  const latencies = first.latencies().map(({ p50, p99 }) => ({ p50, p99 }));
  const costs = { ...compared(streams, rest, busy, gateways), latencies, missing: first.expected - first.received };
  const takeUps: TakeUps = { owned: [], resumed: [], kills: 0 };
  for (let kill = 0; kill < kills; kill++) {
    const second = load(`k${kill}x`, 30 + (4 * leaseMs) / 1000);
    const sending = second.run();
    await pause(1000 * (20 + Math.random()));
    await killed(site, kill % members.length, second, takeUps);
    await sending;
  }
  await link.stop();
  await site.end();
  return { costs, takeUps };
}
