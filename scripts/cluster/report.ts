/**
 * Tables of the load test of a cluster, 80 columns wide.
 *
 * In: figures.  Out: lines.
 */
import { quantile } from '../../host/statistics.ts';
import { maxOf, minOf } from '../../models/lists.ts';
import type { Costs, TakeUps } from './costs.ts';
import type { Moves } from './moves.ts';
import { type Scale, type SimulatedTakeUps, type Times, timesOf } from './scales.ts';
import type { Run } from './throughput.ts';

export interface Figures {
  seed: number;
  costs?: Costs;
  takeUps?: TakeUps;
  simulatedTakeUps?: SimulatedTakeUps;
  moves?: Moves;
  throughput?: Throughput;
  hour?: Run;
  scales?: Scale[];
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const bytesText = (bytes: number): string => `${bytes.toFixed(0)} B`;
const line = (name: string, text: string): string => `  ${name.padEnd(26)} ${text}`;
const spread = (values: readonly number[], digits: number): string =>
  `${quantile(values, 0.5).toFixed(digits)} (${minOf(values).toFixed(digits)} .. ${maxOf(values).toFixed(digits)})`;
const ms = ({ p50, p99, most }: Times): string => `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, longest ${most.toFixed(0)} ms`;

export function costLines({ rest, ...costs }: Costs): string[] {
  const [ppg, har] = costs.latencies.map(({ p50, p99 }) => `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms`);
  return [
    `per stream and second, ${costs.streams} streams for ${costs.seconds.toFixed(0)} s`,
    line('processor, gateways', `${costs.gatewayMs.toFixed(3)} ms`),
    line('processor, nats-server', `${costs.natsMs.toFixed(3)} ms`),
    line('broker receives, sends', `${bytesText(costs.inBytes)}, ${bytesText(costs.outBytes)}`),
    line(
      'broker writes',
      `${bytesText(costs.framesBytes)} frames, ${bytesText(costs.outputsBytes)} outputs, ${bytesText(costs.recordsBytes)} records`,
    ),
    line('a record', kib(costs.recordBytes)),
    line('memory of a stream', `${kib(costs.gatewayRss)} in gateways, ${kib(costs.natsRss)} in nats-server`),
    line('latency, ppg-hr', ppg ?? ''),
    line('latency, har', har ?? ''),
    'at rest',
    line('a gateway', `${percent(rest.gatewayShare)} of a core, ${mib(rest.gatewayRss)}`),
    line('nats-server', `${percent(rest.natsShare)} of a core, ${mib(rest.natsRss)}`),
    line('traffic', `${rest.messages.toFixed(1)} messages/s, ${bytesText(rest.inBytes)}/s in, ${bytesText(rest.outBytes)}/s out`),
  ];
}

export function takeOverLines(found: TakeUps, model: SimulatedTakeUps): string[] {
  return [
    'after kill -9 of a gateway, until',
    line(`next owner, ${found.kills} kills`, ms(timesOf(found.owned))),
    line(`next owner, ${model.crashes} in model`, ms(model.owned)),
    line(`next output, ${found.kills} kills`, ms(timesOf(found.resumed))),
    line(`next output, ${model.crashes} in model`, ms(model.resumed)),
  ];
}

export function movesLines({ leaves, outputs, late, latencies }: Moves): string[] {
  const [ppg, har] = latencies.map(ms) as [string, string];
  return [
    `gateways left and came back ${leaves} times`,
    line('outputs, late ones', `${outputs}, ${late}`),
    line('latency, ppg-hr', ppg),
    line('latency, har', har),
  ];
}

const sides = { cluster: 'cluster', socket: 'alone, WebSocket', mqtt: 'alone, MQTT' } as const;
export type Throughput = Record<keyof typeof sides, Run[]>;

export function throughputLines(found: Throughput): string[] {
  const of = (runs: Run[], which: 'speed' | 'gatewayMs' | 'brokerMs' | 'senderMs') => runs.map((run) => run[which]);
  const all = (run: Run) => run.gatewayMs + run.brokerMs + run.senderMs;
  const names = Object.keys(sides) as (keyof typeof sides)[];
  const { cluster } = found;
  const against = (side: 'socket' | 'mqtt', ratio: (mine: Run, its: Run) => number) =>
    line(sides[side], spread(cluster.map((run, i) => ratio(run, found[side][i] as Run)), 2)); // biome-ignore format: one line
  const cost = (name: keyof typeof sides, which: 'gatewayMs' | 'brokerMs' | 'senderMs', what: string) =>
    line(`${sides[name]}: ${what}`, spread(of(found[name], which), 3));
  return [
    `at full speed, median (range) of ${cluster.length} rounds; stream-seconds per second`,
    ...names.map((name) => line(sides[name], spread(of(found[name], 'speed'), 0))),
    'speed of the cluster within a round, as a multiple of',
    ...(['socket', 'mqtt'] as const).map((side) => against(side, (mine, its) => mine.speed / its.speed)),
    'the same by processor time of all processes',
    ...(['socket', 'mqtt'] as const).map((side) => against(side, (mine, its) => all(its) / all(mine))),
    'processor ms per stream-second',
    ...names.flatMap((name) => [
      cost(name, 'gatewayMs', 'gateways'),
      ...(name === 'socket' ? [] : [cost(name, 'brokerMs', 'broker')]),
      cost(name, 'senderMs', 'sender'),
    ]),
  ];
}

/** @returns lines, and by how much memory's peak in the second half exceeds that in the second quarter. */
export function hourLines({ memory, speed, elapsedS }: Run): { lines: string[]; growthBytes: number } {
  const peak = (from: number, to: number, of: (one: Run['memory'][number]) => number) =>
    memory.filter(({ share }) => share >= from && share < to).reduce((top, one) => Math.max(top, of(one)), 0);
  const rows = [0, 0.05, 0.1, 0.25, 0.5, 0.75].map((from, i, all) => {
    const to = all[i + 1] ?? 2;
    const of = [
      (one: Run['memory'][number]) => one.gatewayRss,
      (one: Run['memory'][number]) => one.natsRss,
      (one: Run['memory'][number]) => one.storeBytes,
    ];
    const [gateways, nats, store] = of.map((which) => mib(peak(from, to, which)));
    return line(`${100 * from} to ${Math.min(100, 100 * to)} %`, `${gateways} gateways, ${nats} nats-server, ${store} stored`);
  });
  const total = (one: Run['memory'][number]) => one.gatewayRss + one.natsRss;
  const growthBytes = peak(0.5, 2, total) - peak(0.25, 0.5, total);
  const head = `an hour of signal at full speed: ${elapsedS.toFixed(0)} s, ${speed.toFixed(0)} stream-seconds/s`;
  return {
    lines: [head, 'highest memory and store in a part of the run', ...rows, line('more in the second half', mib(growthBytes))],
    growthBytes,
  };
}

export function simulationLines(scales: readonly Scale[], seed: number): string[] {
  const row = (name: string, of: (one: Scale) => string) =>
    `  ${name.padEnd(30)}${scales.map((one) => of(one).padStart(16)).join('')}`;
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB/s`;
  return [
    `model of a cluster, seed ${seed}; a crash, a join and a leave, five times each`,
    row('streams', ({ streams }) => streams.toLocaleString('en')),
    row('sites', ({ sites }) => `${sites}`),
    row('gateways of a site', ({ gateways }) => `${gateways}`),
    row('partitions of a site', ({ partitions }) => `${partitions}`),
    row('crash to owner, p50 ms', ({ owned }) => owned.p50.toFixed(0)),
    row('crash to owner, p99 ms', ({ owned }) => owned.p99.toFixed(0)),
    row('crash to output, p50 ms', ({ resumed }) => resumed.p50.toFixed(0)),
    row('crash to output, p99 ms', ({ resumed }) => resumed.p99.toFixed(0)),
    row('move to output, p50 ms', ({ moved }) => moved.p50.toFixed(0)),
    row('move to output, p99 ms', ({ moved }) => moved.p99.toFixed(0)),
    row('repeated, s of the site', ({ repeatedS }) => repeatedS.toFixed(4)),
    row('fullest gateway / mean', ({ imbalance }) => imbalance.toFixed(2)),
    row('moved by a join', ({ movedByJoin }) => movedByJoin.toFixed(1)),
    row('moved by a leave', ({ movedByLeave }) => movedByLeave.toFixed(1)),
    row('broker receives', ({ inBytes }) => mb(inBytes)),
    row('broker sends', ({ outBytes }) => mb(outBytes)),
    row('share of leases', ({ leaseShare }) => percent(leaseShare)),
    row('rules broken', ({ broken }) => `${broken}`),
  ];
}
