/**
 * Overview: a whole cluster from the summaries of its gateways.
 *
 * In: summaries, owners, the number of partitions.  Out: members, the sum of their books, alarms as text.
 * Rule: summaries are up to a third of a lease old. While a partition moves, two gateways may report it, or
 * none. `settled` is true if every partition is in one summary with complete books; the sum is exact then.
 */
import { append } from '../../../models/lists.ts';
import { addBooks, type Books, balances, noBooks } from './books.ts';
import type { Summary } from './summary.ts';

export const alarmKinds = ['unowned', 'failed', 'behind', 'empty', 'silent', 'versions', 'books'] as const;
export interface Alarm {
  kind: (typeof alarmKinds)[number];
  text: string;
}

/** A gateway as the others see it. */
export interface MemberStatus {
  id: string;
  /** Largest number of partitions that it takes at present. */
  most?: number;
  /** False if it publishes no summary that can be read; all that follows is empty then. */
  reports: boolean;
  partitions: { number: number; streams: number; lag: number; counted: boolean }[];
  streams: number;
  lag: number;
  versions: { slot: string; name: string; version: string; digest: string }[];
  moves: { taken: number; left: number; failed: number };
  failed: number[];
  /** Messages of frames that were refused. */
  refused: number;
  books: Books;
}

export interface Sum {
  books: Books;
  balances: boolean;
  streams: number;
  lag: number;
  /** Partitions whose books are complete. */
  partitions: number;
  settled: boolean;
}

export function memberOf(id: string, most: number | undefined, summary: Summary | undefined): MemberStatus {
  const partitions = (summary?.held ?? []).map(([number, streams, lag, counted]) => ({
    ...{ number, streams, lag },
    counted: counted === 1,
  }));
  return {
    id,
    ...(most !== undefined && { most }),
    reports: summary !== undefined,
    partitions,
    streams: partitions.reduce((sum, { streams }) => sum + streams, 0),
    lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    versions: (summary?.versions ?? []).map(([slot, name, version, digest]) => ({ slot, name, version, digest })),
    moves: summary?.moves ?? { taken: 0, left: 0, failed: 0 },
    failed: summary?.failed ?? [],
    refused: summary?.refused ?? 0,
    books: summary?.books ?? noBooks(),
  };
}

export function sumOf(partitions: number, members: readonly MemberStatus[]): Sum {
  const books = noBooks();
  for (const member of members) addBooks(books, member.books);
  const counted = members.flatMap((one) => one.partitions.filter((part) => part.counted).map(({ number }) => number));
  const reported = members.reduce((sum, one) => sum + one.partitions.length, 0);
  const all = new Set(counted.filter((number) => number < partitions)).size;
  return {
    books,
    balances: balances(books),
    streams: members.reduce((sum, { streams }) => sum + streams, 0),
    lag: members.reduce((sum, { lag }) => sum + lag, 0),
    partitions: all,
    settled: all === partitions && reported === all,
  };
}

const listed = (all: readonly (string | number)[]): string =>
  `${all.slice(0, 8).join(', ')}${all.length > 8 ? ` and ${all.length - 8} more` : ''}`;
const plural = (count: number, one: string): string => (count === 1 ? one : `${one}s`);

/** Returns one alarm for each slot in which gateways run different bundles. */
function versionAlarms(members: readonly MemberStatus[]): Alarm[] {
  const slots = new Map<string, Map<string, { called: string; ids: string[] }>>();
  for (const { id, versions } of members)
    for (const { slot, name, version, digest } of versions) {
      const bundles = slots.get(slot) ?? new Map();
      slots.set(slot, bundles);
      const found = bundles.get(digest) ?? { called: `${name} ${version}`, ids: [] };
      found.ids.push(id);
      bundles.set(digest, found);
    }
  return [...slots]
    .filter(([, bundles]) => bundles.size > 1)
    .map(([slot, bundles]) => ({
      kind: 'versions',
      text: `Slot ${slot} runs ${bundles.size} bundles side by side: ${[...bundles.values()]
        .slice(0, 4)
        .map(({ called, ids }) => `${called} on ${listed(ids)}`)
        .join('; ')}.`,
    }));
}

/** Returns the alarms of a cluster, the worst first. */
export function alarmsOf(members: readonly MemberStatus[], sum: Sum, unowned: readonly number[]): Alarm[] {
  const alarms: Alarm[] = [];
  if (unowned.length > 0)
    alarms.push({
      kind: 'unowned',
      text: `No gateway runs ${plural(unowned.length, 'partition')} ${listed(unowned)}. Messages wait at the broker.`,
    });
  for (const { id, failed, most, reports } of members) {
    if (failed.length > 0)
      alarms.push({ kind: 'failed', text: `Gateway ${id}: ${plural(failed.length, 'partition')} ${listed(failed)} failed.` });
    if (most === 0) alarms.push({ kind: 'empty', text: `Gateway ${id} runs no bundle and takes no partition.` });
    else if (most !== undefined)
      alarms.push({
        kind: 'behind',
        text: `Gateway ${id} is behind. It takes at most ${most} ${plural(most, 'partition')}, and gives the others away.`,
      });
    if (!reports) alarms.push({ kind: 'silent', text: `Gateway ${id} reports nothing that can be read. The sums leave it out.` });
  }
  append(alarms, versionAlarms(members));
  if (!sum.balances) alarms.push({ kind: 'books', text: 'The books do not balance: ticks are missing, or counted twice.' });
  return alarms;
}
