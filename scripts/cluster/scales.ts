/**
 * The model of a cluster at 10^4, 10^5 and 10^6 streams, and at the size that was measured.
 *
 * In: a seed; the costs of measured.ts.  Out: gateways and partitions needed, times of take-over, repeated
 * work, load, moves, and bytes of the broker. A seed gives the same figures everywhere.
 * Rules: gateways are busy for `busyShare` of a core; partitions are `partitionsEach` per gateway, a power of
 * two, at least 16 and at most 1,024; streams beyond `siteStreams` are in further sites, which share nothing.
 */
import { quantile } from '../../host/statistics.ts';
import { maxOf } from '../../models/lists.ts';
import { seeded } from '../../quant/calibration/collect.ts';
import { measured } from './measured.ts';
import { Model, type ModelCosts, type ModelRules, type Taken } from './simulation.ts';

/** Choices: room for catching up and bursts; balance against the number of leases. */
const [busyShare, partitionsEach, maxPartitions] = [0.6, 8, 1024];
/** Streams of a site, so that it has partitions enough. */
export const siteStreams = 100_000;
/** Renewals fit into the time of a beat; clocks differ by less than the rest. */
const counted = 0.9;

export interface Times {
  p50: number;
  p99: number;
  most: number;
}

export interface Scale {
  streams: number;
  sites: number;
  /** Of each site. */
  gateways: number;
  partitions: number;
  leaseMs: number;
  owned: Times;
  resumed: Times;
  /** From the beginning of a planned move to the next output. */
  moved: Times;
  /** Messages per crash that are processed twice, as a share of a second of the whole site's. */
  repeatedS: number;
  /** Streams of the fullest gateway, as a multiple of the mean. */
  imbalance: number;
  /** Partitions that a join, and a leave, moves. */
  movedByJoin: number;
  movedByLeave: number;
  /** All sites, bytes per second that the broker receives and sends; share of both that leases need. */
  inBytes: number;
  outBytes: number;
  leaseShare: number;
  broken: number;
}

export const timesOf = (values: readonly number[]): Times => ({
  p50: quantile(values, 0.5),
  p99: quantile(values, 0.99),
  most: quantile(values, 1),
});

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

const modelCosts: ModelCosts = {
  partitionMs: measured.partitionMs,
  streamMs: measured.streamMs,
  messageMs: measured.messageMs,
  messagesPerS: measured.messagesPerS,
  recordMs: 5000,
};

const rulesOf = (partitions: number, leaseMs: number): ModelRules => ({
  partitions,
  leaseMs,
  counted,
  requestMs: measured.requestMs,
});

const resumedOf = (taken: readonly Taken[], why: Taken['after']): Times =>
  timesOf(taken.filter(({ after }) => after === why).map(({ resumedMs }) => resumedMs));
const crashesOf = (taken: readonly Taken[]): Taken[] => taken.filter(({ after }) => after === 'crash');

/** Runs a cluster until it rests; then `rounds` times a crash with a new start, a join, and a leave. */
function disturb(model: Model, gateways: number, { leaseMs }: ModelRules, rounds: number, seed: number) {
  const random = seeded(seed);
  const { time } = model;
  for (let i = 0; i < gateways; i++) model.join(`g${i}`);
  const rest = () => time.run(time.now + 4 * leaseMs + leaseMs * random());
  rest();
  rest();
  const imbalance = (() => {
    const streams = model.loads().map((one) => one.streams);
    return maxOf(streams) / mean(streams);
  })();
  const [begunMs, requests, told] = [time.now, model.requests, model.told];
  const atStart = model.taken.length;
  rest();
  const seconds = (time.now - begunMs) / 1000;
  const leases = { requests: (model.requests - requests) / seconds, told: (model.told - told) / seconds };
  const moved = (change: () => void): number => {
    const before = model.taken.length;
    change();
    rest();
    rest();
    return model.taken.length - before;
  };
  const joins: number[] = [];
  const leaves: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const id = `g${Math.floor(random() * gateways)}`;
    model.crash(id);
    rest();
    rest();
    model.join(id);
    rest();
    rest();
    joins.push(moved(() => model.join('guest')));
    leaves.push(moved(() => model.leave('guest')));
  }
  return { imbalance, leases, joins, leaves, taken: model.taken.slice(atStart) };
}

/** Bytes of a renewal to the broker, and of the broker's news of it to a gateway. */
const [renewalBytes, newsBytes] = [measured.renewalBytes, measured.newsBytes];

export function scaleOf(streams: number, seed: number, rounds: number): Scale {
  const sites = Math.ceil(streams / siteStreams);
  const each = streams / sites;
  const gateways = Math.max(3, Math.ceil((each * measured.gatewayMs) / 1000 / busyShare));
  const partitions = Math.min(maxPartitions, Math.max(16, 2 ** Math.ceil(Math.log2(partitionsEach * gateways))));
  const rules = rulesOf(partitions, 3000);
  const model = new Model(rules, modelCosts, each, seed);
  const { imbalance, leases, joins, leaves, taken } = disturb(model, gateways, rules, rounds, seed);
  const crashes = crashesOf(taken);
  const [leaseIn, leaseOut] = [sites * leases.requests * renewalBytes, sites * leases.told * newsBytes];
  const [inBytes, outBytes] = [streams * measured.inBytes + leaseIn, streams * measured.outBytes + leaseOut];
  return {
    ...{ streams, sites, gateways, partitions, leaseMs: rules.leaseMs, imbalance, inBytes, outBytes },
    owned: timesOf(crashes.map(({ ownedMs }) => ownedMs)),
    resumed: resumedOf(taken, 'crash'),
    moved: resumedOf(taken, 'move'),
    repeatedS: crashes.reduce((sum, { repeated }) => sum + repeated, 0) / rounds / (each * measured.messagesPerS),
    movedByJoin: mean(joins),
    movedByLeave: mean(leaves),
    leaseShare: (leaseIn + leaseOut) / (inBytes + outBytes),
    broken: model.broken.length,
  };
}

export const simulate = (seed: number): Scale[] => [1e4, 1e5, 1e6].map((streams) => scaleOf(streams, seed, 5));

export interface SimulatedTakeUps {
  owned: Times;
  resumed: Times;
  crashes: number;
}

/** The model of the cluster that was measured, with more crashes. */
export function simulateMeasured(options: {
  gateways: number;
  partitions: number;
  leaseMs: number;
  streams: number;
  seed: number;
}) {
  const { gateways, partitions, leaseMs, streams, seed } = options;
  const rules = rulesOf(partitions, leaseMs);
  const model = new Model(rules, modelCosts, streams, seed);
  const crashes = 100;
  const { taken } = disturb(model, gateways, rules, crashes, seed);
  const found: SimulatedTakeUps = {
    owned: timesOf(crashesOf(taken).map(({ ownedMs }) => ownedMs)),
    resumed: resumedOf(taken, 'crash'),
    crashes,
  };
  return found;
}
