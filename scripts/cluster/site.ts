/**
 * A site for a load test: nats-server and some gateways, in a folder of its own.
 *
 * In: the folder of prepare.ts.  Out: the server and the gateways, once they hold every partition.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type ClusterPlace, Member } from './member.ts';
import { NatsServer } from './nats-server.ts';

export interface SiteOptions {
  folder: string;
  gateways: number;
  partitions: number;
  leaseMs: number;
  /** Names of the gateways, if they matter. */
  names?: readonly string[];
  /** Further options of the gateways. */
  more?: readonly string[];
}

export interface Site {
  server: NatsServer;
  members: Member[];
  place: ClusterPlace;
  end(): Promise<void>;
}

let sites = 0;

/** Ends the gateways, one after the other. @throws if one has failed */
async function endAll(members: readonly Member[]): Promise<void> {
  for (const one of members) if ((await one.end('SIGTERM')) !== 0) throw new Error(`a gateway has failed: ${one.errors}`);
}

/** Waits until the gateways hold every partition, each near its share. @throws after a minute */
export async function settle(members: readonly Member[], partitions: number): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    const held = await Promise.all(members.map((one) => one.held()));
    if (held.flat().length === partitions && held.every(({ length }) => length > 0)) return;
    await pause(250);
  }
  throw new Error(`not every partition has an owner: ${members.map(({ errors }) => errors).join('\n')}`);
}

export async function openSite({ folder, gateways, partitions, leaseMs, names, more }: SiteOptions): Promise<Site> {
  const server = await NatsServer.begin();
  const place = { nats: server.url, site: 'load', partitions, leaseMs };
  const name = `site${++sites}`;
  const members = Array.from({ length: gateways }, (_, i) => new Member(names?.[i] ?? `${name}-${i}`, folder, place, more));
  await Promise.all(members.map((one) => one.start()));
  await settle(members, partitions);
  const end = async () => {
    await endAll(members);
    await server.end();
  };
  return { server, members, place, end };
}

/** Gateways without a cluster, with the options that each has by its name. */
export async function openSingles(
  { folder, gateways, more = [] }: SiteOptions,
  own: (id: string) => readonly string[] = () => [],
): Promise<Pick<Site, 'members' | 'end'>> {
  const ids = Array.from({ length: gateways }, (_, i) => `alone${sites}-${i}`);
  sites++;
  const members = ids.map((id) => new Member(id, folder, undefined, [...more, ...own(id)]));
  await Promise.all(members.map((one) => one.start()));
  return { members, end: () => endAll(members) };
}
