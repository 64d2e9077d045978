/**
 * Metrics of a cluster, as one of its gateways sees it (list: docs/cluster.md).
 *
 * In: the cluster that a gateway has joined.  Out: instruments; without a cluster they have no values.
 * Rule: the counts of a stream move with it, so the counts of one gateway can fall, and are gauges. Labels
 * are numbers of partitions (up to 1,024) and fixed words, never names from outside.
 */
import { type Books, bookNames } from '../cluster/books.ts';
import type { ClusterStatus } from '../cluster/cluster.ts';
import { alarmKinds } from '../cluster/overview.ts';
import type { Health } from '../cluster/watch.ts';
import type { Instruments } from './instruments.ts';

/** A cluster, as metrics, the page and the health check read it. */
export interface ClusterView {
  status(): ClusterStatus;
  health(): Health;
}

type Values = [labels: object, value: number][];

/** Time for which one status serves all metrics of a request, in milliseconds. A choice. */
const freshMs = 50;

const ticksOf = (books: Books): Values => bookNames.map((what) => [{ what }, books[what]]);

/** Registers partitions, lag, books and alarms. */
export function registerCluster({ gauge, counted }: Instruments, wires: { cluster?: ClusterView }): void {
  let last: { status?: ClusterStatus; atMs: number } = { atMs: Number.NEGATIVE_INFINITY };
  const each = (read: (status: ClusterStatus) => Values) => (): Values => {
    const atMs = performance.now();
    if (atMs - last.atMs > freshMs) last = { status: wires.cluster?.status(), atMs };
    return last.status ? read(last.status) : [];
  };
  const one = (name: string, help: string, read: (status: ClusterStatus) => number | boolean) =>
    gauge(
      `cluster_${name}`,
      help,
      [],
      each((status) => [[{}, Number(read(status))]]),
    );
  one('partitions', 'Partitions that this gateway holds', ({ held }) => held.length);
  one('share_partitions', 'Partitions that this gateway should hold', ({ health }) => health.share);
  one('ready', '1 if this gateway holds what it should', ({ health }) => health.ready);
  one('members', 'Gateways of the cluster', ({ members }) => members.length);
  gauge(
    'cluster_lag_messages',
    'Messages of frames that wait at the broker, for each partition that this gateway holds',
    ['partition'],
    each(({ held }) => held.map(({ number, lag }) => [{ partition: `${number}` }, lag])),
  );
  counted(
    'cluster_moves_total',
    'Partitions that this gateway took, left, and lost by an error',
    ['what'],
    each(({ moves }) => Object.entries(moves).map(([what, value]) => [{ what }, value])),
  );
  gauge(
    'cluster_ticks',
    'Ticks of all streams of the partitions that this gateway holds',
    ['what'],
    each(({ id, members }) => members.filter((member) => member.id === id).flatMap(({ books }) => ticksOf(books))),
  );
  gauge(
    'cluster_sum_ticks',
    'Ticks of all streams of the cluster, as its gateways report them',
    ['what'],
    each(({ sum }) => ticksOf(sum.books)),
  );
  one('sum_lag_messages', 'Messages of frames that wait at the broker, over the cluster', ({ sum }) => sum.lag);
  one('sum_partitions', 'Partitions whose books are complete', ({ sum }) => sum.partitions);
  one('balances', '1 if the books of the cluster balance', ({ sum }) => sum.balances);
  gauge(
    'cluster_alarms',
    'Alarms of the cluster, by kind',
    ['kind'],
    each(({ alarms }) => alarmKinds.map((kind) => [{ kind }, alarms.filter((alarm) => alarm.kind === kind).length])),
  );
}
