/**
 * Planned moves under load: gateways leave and join in turn, while streams run at their rate.
 *
 * In: a site, streams, seconds.  Out: latencies of outputs, and how many were late: a later one was due
 * before they came.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { overNats } from './links.ts';
import { Load } from './load.ts';
import type { Kind } from './prepare.ts';
import { openSite, type SiteOptions, settle } from './site.ts';

export interface Moves {
  /** Times that a gateway left, and came back. */
  leaves: number;
  outputs: number;
  missing: number;
  late: number;
  /** Latencies of each kind, in ms. */
  latencies: { p50: number; p99: number; most: number }[];
}

export interface MovesOptions extends SiteOptions {
  kinds: readonly Kind[];
  streams: number;
  seconds: number;
}

/** Time after which all streams have begun, in seconds: the longer window of the two models. */
const warmS = 12;

export async function movesOf(options: MovesOptions): Promise<Moves> {
  const { kinds, streams, seconds, leaseMs, partitions } = options;
  const site = await openSite({ ...options, more: ['--max-streams', `${2 * streams}`] });
  const link = await overNats(site.place);
  const load = new Load({ kinds, link, streams, signalS: warmS + seconds, fullSpeed: false, prefix: 'm' });
  const running = load.run();
  await pause(1000 * warmS);
  let leaves = 0;
  for (const untilMs = performance.now() + 1000 * seconds - 3 * leaseMs; performance.now() < untilMs; leaves++) {
    const one = site.members[leaves % site.members.length] as (typeof site.members)[number];
    if ((await one.end('SIGTERM')) !== 0) throw new Error(`a gateway has failed: ${one.errors}`);
    await pause(leaseMs);
    await one.start();
    await settle(site.members, partitions);
  }
  await running;
  await link.stop();
  await site.end();
  const { expected, received, late } = load;
  return { leaves, outputs: received, missing: expected - received, late, latencies: load.latencies() };
}
