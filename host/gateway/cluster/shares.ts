/**
 * Shares: which gateway of a cluster runs which partition.
 *
 * In: the number of partitions, the gateways.  Out: a gateway for each partition. It is the same everywhere,
 * because it depends on nothing else.
 * Rule: rendezvous hashing with bounded load. Every gateway has a rank at a partition, the highest one with
 * room takes it. So few partitions move when a gateway comes or goes.
 * Source: Thaler and Ravishankar 1998 (rendezvous); Mirrokni, Thorup and Zadimoghaddam 2018 (bounded load).
 * Cost: partitions times gateways.
 */
import { createHash } from 'node:crypto';

export interface Member {
  id: string;
  /** Largest number of partitions that it takes at present. */
  most?: number;
}

/** Room of a gateway, as a multiple of the mean. A choice: that of the paper's examples. */
const slack = 1.25;

/** Mixes 32 bits: each depends on all. Source: finaliser of MurmurHash3 (Appleby, public domain). */
function mixed(bits: number): number {
  const once = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}

/** Step between the inputs of two partitions: the golden ratio, as a fraction of 2^32. */
const step = 0x9e3779b1;

interface Ranked {
  gateway: { id: string };
  rank: number;
}

const isHigher = (a: Ranked, b: Ranked): boolean => (a.rank === b.rank ? a.gateway.id > b.gateway.id : a.rank > b.rank);

/** Returns the gateway of each partition; none if there is no gateway. */
export function sharesOf(partitions: number, members: readonly Member[]): Map<number, string> {
  const gateways = members.map(({ id, most = partitions }) => ({
    id,
    seed: createHash('sha256').update(id).digest().readUInt32BE(),
    room: Math.min(most, Math.ceil((slack * partitions) / members.length)),
  }));
  const shares = new Map<number, string>();
  if (gateways.length === 0) return shares;
  for (let partition = 0; partition < partitions; partition++) {
    const place = Math.imul(partition, step);
    const ranked = gateways.map((gateway) => ({ gateway, rank: mixed((gateway.seed + place) | 0) }));
    const free = ranked.filter(({ gateway }) => gateway.room > 0);
    // if all are full, the first one takes it: a partition is never without a gateway
    const { gateway } = (free.length > 0 ? free : ranked).reduce((best, one) => (isHigher(one, best) ? one : best));
    gateway.room--;
    shares.set(partition, gateway.id);
  }
  return shares;
}
