/**
 * Load: streams of both models over a link, at their rate or at full speed, and what it costs meanwhile.
 *
 * In: gateways, a link, a server if there is one.  Out: processor time, traffic, what the broker has stored,
 * memory over time, latencies.  Half of the streams are ppg-hr, half are har.
 */
import { Sender } from '../gateway/sender.ts';
import type { Usage } from '../gateway/usage.ts';
import type { Link, LoadStream } from './links.ts';
import type { Member } from './member.ts';
import type { Kept, NatsServer, Traffic } from './nats-server.ts';
import type { Kind } from './prepare.ts';

/** What has been used so far, by whom. */
export interface Reading {
  atMs: number;
  gatewayCpuS: number;
  brokerCpuS: number;
  senderCpuS: number;
  gatewayRss: number;
  natsRss: number;
  traffic: Traffic;
  kept: Kept[];
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const noTraffic: Traffic = { inBytes: 0, outBytes: 0, inMessages: 0, outMessages: 0 };

/** @param broker the process between sender and gateways, if it is not `server` */
export async function readingOf(
  members: readonly Member[],
  server?: NatsServer,
  broker: { usage(): Usage } | undefined = server,
): Promise<Reading> {
  const [traffic, kept] = server ? await Promise.all([server.traffic(), server.stored()]) : [noTraffic, []];
  const [usages, between] = [members.map((one) => one.usage()), broker?.usage() ?? { cpuS: 0, rssBytes: 0 }];
  const { user, system } = process.cpuUsage();
  return {
    atMs: performance.now(),
    gatewayCpuS: sum(usages.map(({ cpuS }) => cpuS)),
    brokerCpuS: between.cpuS,
    senderCpuS: (user + system) / 1e6,
    gatewayRss: sum(usages.map(({ rssBytes }) => rssBytes)),
    natsRss: between.rssBytes,
    traffic,
    kept,
  };
}

export interface LoadOptions {
  kinds: readonly Kind[];
  link: Link;
  streams: number;
  /** Seconds of signal. */
  signalS: number;
  fullSpeed: boolean;
  /** Names of this load's streams begin with it. */
  prefix: string;
}

export class Load {
  readonly streams: LoadStream[];
  #senders: Sender[];
  #seen?: (stream: LoadStream, tick: number) => void;
  signalS: number;

  constructor({ kinds, link, streams, signalS, fullSpeed, prefix }: LoadOptions) {
    this.signalS = signalS;
    this.streams = Array.from({ length: streams }, (_, index) => {
      const which = index % kinds.length;
      return { kind: kinds[which] as Kind, name: `${prefix}${index}`, index };
    });
    this.#senders = kinds.map((kind, which) => {
      const { signal, elements: frameElements, rateHz, messageTicks, hop, firstOutputTicks } = kind;
      const mine = this.streams.filter((one) => one.kind === kind);
      return new Sender({
        ...{ signal, frameElements, rateHz, hop, firstOutputTicks, streams: mine.length, ticksPerMessage: messageTicks },
        totalTicks: Math.floor((signalS * rateHz) / messageTicks) * messageTicks,
        ticksPerSecond: fullSpeed ? Number.POSITIVE_INFINITY : rateHz,
        maxAheadTicks: fullSpeed ? 4 * hop : Number.POSITIVE_INFINITY,
        send: (stream, from, ticks) => link.send(mine[stream] ?? (this.streams[which] as LoadStream), from, ticks),
      });
    });
    link.onOutput((name, tick) => {
      const index = Number(name.slice(prefix.length));
      const stream = name.startsWith(prefix) ? this.streams[index] : undefined;
      if (!stream) return;
      this.#senders[index % kinds.length]?.output(Math.floor(index / kinds.length), tick);
      this.#seen?.(stream, tick);
    });
  }

  /** Calls `seen` for every output. */
  watch(seen: (stream: LoadStream, tick: number) => void): void {
    this.#seen = seen;
  }

  async run(): Promise<void> {
    await Promise.all(this.#senders.map((one) => one.run()));
  }

  get share(): number {
    return sum(this.#senders.map(({ share }) => share)) / this.#senders.length;
  }

  get expected(): number {
    return sum(this.#senders.map(({ expected }) => expected));
  }

  get received(): number {
    return sum(this.#senders.map(({ received }) => received));
  }

  get late(): number {
    return sum(this.#senders.map(({ late }) => late));
  }

  /** Latency of outputs, for each kind. */
  latencies = () => this.#senders.map((one) => one.latency());
}
